package import Cells

/// An entry of a log of plugins.
///
/// A plugin's entry is the bytes that its author signs, so that whoever has the file knows its hash in the log. The two lists are
/// signed notes by the log's own key; what is neither is somebody else's business and skipped.
package enum LogEntry: Hashable, Sendable {
    /// A plugin was published.
    case plugin(identity: [UInt8])
    /// A recommended set, signed.
    case set(RecommendedSet)
    /// Plugins that are not to run any more, signed.
    case revocations(RevocationList)
    /// Something else, or a list that the log did not sign.
    case unknown

    /// Reads an entry of the log that has this key.
    package init(_ bytes: [UInt8], log: VerifierKey) {
        self = .unknown
        if let identity = PluginSignature.identity(in: bytes) {
            self = .plugin(identity: identity)
        } else if let note = try? SignedNote(bytes: bytes), case .valid = note.verification(by: log) {
            if let set = try? RecommendedSet(note, origin: log.name) {
                self = .set(set)
            } else if let list = try? RevocationList(note, origin: log.name) {
                self = .revocations(list)
            }
        }
    }
}

/// A numbered list of plugins that everybody in a network may ask for by place, so that asking tells little of who asks.
///
///     fanion plugin set v1
///     ORIGIN
///     NUMBER
///     SLOT IDENTITY
///     ...
package struct RecommendedSet: Hashable, Sendable {
    /// The log that it is for.
    package let origin: String
    /// Its number, never used again.
    package let number: UInt32
    /// Identities by slot.
    package let slots: [UInt8: [UInt8]]

    private static let title = "fanion plugin set v1"

    /// A set.
    package init(origin: String, number: UInt32, slots: [UInt8: [UInt8]]) {
        self.origin = origin
        self.number = number
        self.slots = slots
    }

    /// Reads the text of a note, whose signature is the caller's affair.
    package init(_ note: SignedNote, origin: String) throws(TrustError) {
        let lines = try ListLines(note, title: Self.title, origin: origin)
        guard let digits = lines.rest.first, let value = Decimal.number(digits), let number = UInt32(exactly: value),
            number > 0
        else { throw .entry("has no number of a set on its third line") }
        var slots: [UInt8: [UInt8]] = [:]
        var last = -1
        for line in lines.rest.dropFirst() {
            let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard words.count == 2, let slot = Decimal.number(words[0]).flatMap({ UInt8(exactly: $0) }),
                Int(slot) > last, let identity = ListLines.identity(words[1]), !slots.values.contains(identity)
            else { throw .entry("has a line that is no SLOT IDENTITY, slots rising") }
            last = Int(slot)
            slots[slot] = identity
        }
        self.init(origin: origin, number: number, slots: slots)
    }

    /// The text that is signed.
    package var text: [UInt8] {
        var text = "\(Self.title)\n\(origin)\n\(number)\n"
        for (slot, identity) in slots.sorted(by: { $0.key < $1.key }) { text += "\(slot) \(Base16.encode(identity))\n" }
        return Array(text.utf8)
    }

    /// Where a plugin is in it.
    package func slot(of identity: [UInt8]) -> UInt8? { slots.first { $0.value == identity }?.key }
}

/// Plugins that are not to run any more, as of some moment. Whatever one list of a log has revoked stays so; a list of nothing says
/// that nothing is new.
///
///     fanion plugin revocations v1
///     ORIGIN
///     SECONDS SINCE 1970
///     IDENTITY
///     ...
package struct RevocationList: Hashable, Sendable {
    /// The log that it is for.
    package let origin: String
    /// When it was made.
    package let time: WallTime
    /// What it revokes.
    package let identities: [[UInt8]]

    private static let title = "fanion plugin revocations v1"

    /// A list.
    package init(origin: String, time: WallTime, identities: [[UInt8]]) {
        self.origin = origin
        self.time = time
        self.identities = identities
    }

    /// Reads the text of a note, whose signature is the caller's affair.
    package init(_ note: SignedNote, origin: String) throws(TrustError) {
        let lines = try ListLines(note, title: Self.title, origin: origin)
        guard let digits = lines.rest.first, let seconds = Decimal.number(digits) else {
            throw .entry("has no time on its third line")
        }
        var identities: [[UInt8]] = []
        for line in lines.rest.dropFirst() {
            guard let identity = ListLines.identity(line) else { throw .entry("has a line that is no identity") }
            identities.append(identity)
        }
        self.init(origin: origin, time: WallTime(seconds: Int64(clamping: seconds)), identities: identities)
    }

    /// The text that is signed.
    package var text: [UInt8] {
        Array(
            ("\(Self.title)\n\(origin)\n\(time.seconds)\n" + identities.map { Base16.encode($0) + "\n" }.joined()).utf8)
    }
}

/// The lines that both lists begin with.
private struct ListLines {
    /// From the third on.
    let rest: ArraySlice<ArraySlice<UInt8>>

    init(_ note: SignedNote, title: String, origin: String) throws(TrustError) {
        let lines = note.text.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count >= 3, lines[0].elementsEqual(title.utf8) else { throw .entry("is no \"\(title)\"") }
        guard lines[1].elementsEqual(origin.utf8) else { throw .entry("is for another log") }
        guard lines.count - 3 <= 512 else { throw .entry("has too many lines") }
        rest = lines.dropFirst(2)
    }

    /// 64 small hexadecimal digits.
    static func identity(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        let text = String(decoding: digits, as: UTF8.self)
        guard digits.count == 64, text == text.lowercased() else { return nil }
        return Base16.decode(text)
    }
}
