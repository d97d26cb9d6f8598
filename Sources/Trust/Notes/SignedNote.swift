package import Cells
internal import OnionCrypto

/// Text with signatures under it: C2SP signed-note.
///
/// Nothing of it is to be believed before `verification(by:)` has said `valid` for a key that is trusted.
package struct SignedNote: Hashable, Sendable {
    /// One line under the text.
    package struct Signature: Hashable, Sendable {
        /// Whose.
        package let name: String
        /// The key's ID.
        package let id: UInt32
        /// What follows the ID.
        package let bytes: [UInt8]
    }

    /// What a note holds of one key.
    package enum Verification: Hashable, Sendable {
        /// No signature by it.
        case absent
        /// A good one; with the time that a witness gives.
        case valid(WallTime?)
        /// A signature with its name and ID that it did not make: the whole note is to be rejected.
        case invalid
    }

    /// The text, with its last newline.
    package let text: [UInt8]
    /// The lines under it, known or not.
    package var signatures: [Signature]

    /// A text to sign; fails unless it ends with a newline and holds neither control characters nor anything but UTF-8.
    package init?(text: [UInt8], signatures: [Signature] = []) {
        guard text.last == 0x0A, Self.isPlain(text) else { return nil }
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note; what is not exactly one is an error.
    package init(bytes: [UInt8]) throws(TrustError) {
        guard bytes.count <= TrustLimits.noteBytes else { throw .note("has more than \(TrustLimits.noteBytes) bytes") }
        guard Self.isPlain(bytes), bytes.last == 0x0A else { throw .note("is not made of lines of plain text") }
        // "the text is separated from the signatures by the last empty line in the note"
        guard let place = bytes.indices.dropFirst().last(where: { bytes[$0] == 0x0A && bytes[$0 - 1] == 0x0A }) else {
            throw .note("has no empty line before its signatures")
        }
        text = Array(bytes[..<place])
        guard !text.isEmpty else { throw .note("has no text") }
        let lines = bytes[(place + 1)...].dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count <= TrustLimits.noteSignatures else { throw .note("has too many signatures") }
        var signatures: [Signature] = []
        for line in lines { signatures.append(try Self.signature(line)) }
        guard !signatures.isEmpty else { throw .note("has no signatures") }
        self.signatures = signatures
    }

    /// As it is written.
    package var bytes: [UInt8] {
        var bytes = text + [0x0A]
        for signature in signatures {
            let id = (0..<4).map { UInt8(truncatingIfNeeded: signature.id >> UInt32(24 - 8 * $0)) }
            bytes += "\u{2014} \(signature.name) \(Base64.encode(id + signature.bytes))\n".utf8
        }
        return bytes
    }

    /// What a key says of the text.
    package func verification(by key: VerifierKey) -> Verification {
        var result = Verification.absent
        for signature in signatures where signature.name == key.name && signature.id == key.id {
            guard let time = Self.check(signature.bytes, of: text, by: key) else { return .invalid }
            // Of several the latest; all of them are good.
            if case .valid(let earlier?) = result, let time = time.time, time <= earlier { continue }
            result = .valid(time.time)
        }
        return result
    }

    private struct Found { var time: WallTime? }

    private static func check(_ bytes: [UInt8], of text: [UInt8], by key: VerifierKey) -> Found? {
        switch key.kind {
        case .note:
            return key.key.isValidSignature(bytes, of: text) ? Found(time: nil) : nil
        case .cosignature:
            guard bytes.count == 8 + Ed25519.signatureLength else { return nil }
            let seconds = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            // tlog-cosignature: "It MUST NOT exceed 2^63 - 1"
            guard let time = Int64(exactly: seconds),
                key.key.isValidSignature(Array(bytes.dropFirst(8)), of: cosigned(text, at: seconds))
            else { return nil }
            return Found(time: WallTime(seconds: time))
        }
    }

    /// What a witness signs (tlog-cosignature, "Ed25519 signed message").
    static func cosigned(_ text: [UInt8], at seconds: UInt64) -> [UInt8] {
        Array("cosignature/v1\ntime \(seconds)\n".utf8) + text
    }

    static func bytes(of number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }

    private static func signature(_ line: ArraySlice<UInt8>) throws(TrustError) -> Signature {
        let dash = Array("\u{2014} ".utf8)
        guard line.starts(with: dash) else { throw .note("has a line among its signatures that is none") }
        let words = line.dropFirst(dash.count).split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 2, let bytes = Base64.decode(words[1], padding: .required), bytes.count > 4 else {
            throw .note("has a signature that cannot be read")
        }
        let name = String(decoding: words[0], as: UTF8.self)
        guard VerifierKey.isName(name) else { throw .note("has a signature without a proper name") }
        let id = bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        return Signature(name: name, id: id, bytes: Array(bytes.dropFirst(4)))
    }

    /// UTF-8 without control characters other than newline.
    private static func isPlain(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { $0 >= 0x20 || $0 == 0x0A } && String(validating: bytes, as: UTF8.self) != nil
    }
}
