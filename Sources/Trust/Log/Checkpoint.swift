package import Cells

/// A log's signed statement of how many entries it has and what their root is: C2SP tlog-checkpoint.
///
/// Reading one checks its form only; whose signatures it bears, `note.verification(by:)` says.
package struct Checkpoint: Hashable, Sendable {
    /// The note, with all signatures.
    package var note: SignedNote
    /// Which log.
    package let origin: String
    /// Entries.
    package let size: UInt64
    /// The root of their tree.
    package let root: MerkleHash

    /// A checkpoint that nobody has signed yet; fails for an origin that notes cannot carry.
    package init?(origin: String, size: UInt64, root: MerkleHash) {
        let text = "\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n"
        guard VerifierKey.isName(origin), let note = SignedNote(text: Array(text.utf8)) else { return nil }
        self.note = note
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads a checkpoint.
    package init(bytes: [UInt8]) throws(TrustError) { try self.init(SignedNote(bytes: bytes)) }

    /// Reads the text of a note.
    package init(_ note: SignedNote) throws(TrustError) {
        let lines = note.text.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count >= 3, lines.allSatisfy({ !$0.isEmpty }) else {
            throw .checkpoint("does not have three lines: origin, size, root")
        }
        guard let size = Decimal.number(lines[1]) else { throw .checkpoint("has no proper number on its second line") }
        guard let bytes = Base64.decode(lines[2], padding: .required), let root = MerkleHash(bytes) else {
            throw .checkpoint("has no proper hash on its third line")
        }
        guard size > 0 || root == .empty else { throw .checkpoint("gives a root to no entries") }
        self.note = note
        origin = String(decoding: lines[0], as: UTF8.self)
        self.size = size
        self.root = root
    }

    /// Whether it is this log's, signed by its key.
    package func isSigned(by log: VerifierKey) -> Bool {
        guard origin == log.name, case .valid = note.verification(by: log) else { return false }
        return true
    }

    /// The times at which witnesses have cosigned it, of those that are known; nil if a signature of one of them is bad.
    package func cosignatures(by witnesses: [VerifierKey]) -> [WallTime]? {
        var times: [WallTime] = []
        for witness in witnesses {
            switch note.verification(by: witness) {
            case .absent, .valid(nil): break
            case .valid(let time?): times.append(time)
            case .invalid: return nil
            }
        }
        return times
    }

    /// Whether enough witnesses have seen it lately.
    package func isFresh(_ rule: FreshnessRule, now: WallTime) -> Freshness {
        guard rule.witnessesNeeded > 0 else { return .fresh }
        guard let times = cosignatures(by: rule.witnesses) else { return .badCosignature }
        guard times.count >= rule.witnessesNeeded else { return .tooFew }
        let recent = times.filter { $0 <= now + TrustLimits.clockSkew && $0 >= now - rule.checkpointAge }
        return recent.count >= rule.witnessesNeeded ? .fresh : .stale
    }

    /// What witnesses' signatures say of a checkpoint.
    package enum Freshness: Hashable, Sendable {
        /// Enough, and lately.
        case fresh
        /// Enough, but too long ago (or in the future).
        case stale
        /// Not enough.
        case tooFew
        /// One that its witness did not make.
        case badCosignature
    }
}

/// How many witnesses must have seen a checkpoint, and how lately.
package struct FreshnessRule: Hashable, Sendable {
    /// Whom we know.
    package var witnesses: [VerifierKey]
    /// How many of them.
    package var witnessesNeeded: Int
    /// How many seconds ago at most.
    package var checkpointAge: Int64
    /// How old the newest list of revocations may be, in seconds.
    package var revocationAge: Int64

    /// A rule.
    package init(
        witnesses: [VerifierKey] = [], witnessesNeeded: Int = 0, checkpointAge: Int64 = 7 * 86_400,
        revocationAge: Int64 = 7 * 86_400
    ) {
        self.witnesses = witnesses
        self.witnessesNeeded = witnessesNeeded
        self.checkpointAge = checkpointAge
        self.revocationAge = revocationAge
    }
}

/// Numbers as the formats of logs write them.
enum Decimal {
    /// Digits without a leading zero, up to 2^63 - 1.
    static func number(_ digits: some Collection<UInt8>) -> UInt64? {
        guard let first = digits.first, digits.count <= 19, first != 0x30 || digits.count == 1 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + UInt64(digit - 0x30)
        }
        return value <= UInt64(Int64.max) ? value : nil
    }
}
