package import OnionCrypto

/// An author's or reviewer's signature of a plugin's identity.
package struct PluginSignature: Hashable, Sendable {
    /// Whose.
    package let key: Ed25519.PublicKey
    /// 64 bytes.
    package let signature: [UInt8]

    private static let title = Array("fanion plugin v1\n".utf8)

    /// What is signed, and what a log holds as the plugin's entry: a line that says what this is, and the identity.
    package static func message(_ identity: [UInt8]) -> [UInt8] { title + identity }

    /// The identity in such bytes; nil if they are none.
    package static func identity(in message: [UInt8]) -> [UInt8]? {
        guard message.count == title.count + 32, message.starts(with: title) else { return nil }
        return Array(message.dropFirst(title.count))
    }

    /// A signature; fails for another length.
    package init?(key: Ed25519.PublicKey, bytes: [UInt8]) {
        guard bytes.count == Ed25519.signatureLength else { return nil }
        self.key = key
        signature = bytes
    }

    init(key: Ed25519.PublicKey, signature: [UInt8]) {
        self.key = key
        self.signature = signature
    }

    /// Whether its key made it for this plugin.
    package func isValid(for identity: [UInt8]) -> Bool {
        key.isValidSignature(signature, of: Self.message(identity))
    }
}
