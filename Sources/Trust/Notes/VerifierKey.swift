internal import Cells
package import OnionCrypto

/// A public key with a name, as signed notes know it: C2SP signed-note, "Verifier keys" (vkeys).
///
/// Name and ID together say which key made a signature. Two of the types that C2SP assigns are understood.
package struct VerifierKey: Hashable, Sendable {
    /// What the key signs.
    package enum Kind: UInt8, Sendable {
        /// The text of a note.
        case note = 0x01
        /// A checkpoint and the time: C2SP tlog-cosignature.
        case cosignature = 0x04
    }

    /// Whose key it is: no spaces, no plus.
    package let name: String
    /// What it signs.
    package let kind: Kind
    /// The key itself.
    package let key: Ed25519.PublicKey
    /// The beginning of a hash of all that.
    package let id: UInt32

    /// A key; fails for a name that notes cannot carry.
    package init?(name: String, kind: Kind, key: Ed25519.PublicKey) {
        guard Self.isName(name) else { return nil }
        self.name = name
        self.kind = kind
        self.key = key
        // signed-note: SHA-256(key name || 0x0A || signature type || public key)[:4]
        let digest = SHA256.hash(Array(name.utf8) + [0x0A, kind.rawValue] + key.bytes)
        id = digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Reads `NAME+ID+KEY`; the ID must be right, and the key a point that signs.
    package init(vkey text: some StringProtocol) throws(TrustError) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].utf8.count == 8, let digits = Base16.decode(parts[1]),
            let body = Base64.decode(parts[2], padding: .required), let type = body.first
        else { throw .vkey("a key is written NAME+ID+KEY: eight hexadecimal digits, then Base64") }
        guard let kind = Kind(rawValue: type) else {
            throw .vkey("keys of type \(type) are not supported: only 1 (Ed25519) and 4 (Ed25519 cosignature)")
        }
        guard let key = Ed25519.PublicKey(Array(body.dropFirst())), key.isValid else {
            throw .vkey("the last part holds no Ed25519 key")
        }
        guard let made = VerifierKey(name: String(parts[0]), kind: kind, key: key) else {
            throw .vkey("\"\(parts[0])\" cannot be a key's name: it must not be empty or contain spaces")
        }
        guard digits.elementsEqual(made.idBytes), parts[1] == parts[1].lowercased() else {
            throw .vkey("the eight digits do not fit name and key: was the line copied whole?")
        }
        self = made
    }

    /// `NAME+ID+KEY`.
    package var text: String {
        "\(name)+\(Base16.encode(idBytes))+\(Base64.encode([kind.rawValue] + key.bytes))"
    }

    /// The ID as it stands before a signature.
    package var idBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: id >> UInt32(24 - 8 * $0)) } }

    /// signed-note: not empty, no Unicode spaces, no plus; and nothing that would end a line.
    package static func isName(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && name.utf8.count <= TrustLimits.nameBytes
            && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0 != "+" && $0.value >= 0x20 }
    }
}
