package import Cells
internal import OnionCrypto

/// A secret key with a name: signs plugins, notes and checkpoints.
///
/// On disk it is one line, `PRIVATE+KEY+NAME+ID+KEY`, as the Go programs that handle signed notes write it, so that theirs can
/// read ours. The file is the caller's affair.
package struct SigningKey: Sendable {
    /// The public half.
    package let verifier: VerifierKey
    private let pair: Ed25519.KeyPair

    private static let prefix = "PRIVATE+KEY+"

    /// Makes a new key, and the line to keep it in; fails for a name that notes cannot carry.
    package static func make(name: String, kind: VerifierKey.Kind) -> (key: SigningKey, line: [UInt8])? {
        let seed = SecretBytes.random(count: 32)
        guard let pair = Ed25519.KeyPair(seed: seed.bytes),
            let verifier = VerifierKey(name: name, kind: kind, key: pair.publicKey)
        else { return nil }
        let secret = [kind.rawValue] + seed.copyToArray()
        let line = "\(prefix)\(name)+\(Base16.encode(verifier.idBytes))+\(Base64.encode(secret))\n"
        return (SigningKey(verifier: verifier, pair: pair), Array(line.utf8))
    }

    private init(verifier: VerifierKey, pair: Ed25519.KeyPair) {
        self.verifier = verifier
        self.pair = pair
    }

    /// Reads a key's line.
    package init(line: [UInt8]) throws(TrustError) {
        let text = String(decoding: line.last == 0x0A ? line.dropLast() : line[...], as: UTF8.self)
        let parts = text.dropFirst(Self.prefix.count).split(
            separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard text.hasPrefix(Self.prefix), parts.count == 3,
            let secret = Base64.decode(parts[2], padding: .required), secret.count == 33,
            let kind = VerifierKey.Kind(rawValue: secret[0]),
            let pair = Ed25519.KeyPair(seed: secret.span.bytes.extracting(1..<33)),
            let verifier = VerifierKey(name: String(parts[0]), kind: kind, key: pair.publicKey),
            parts[1] == Base16.encode(verifier.idBytes)
        else { throw .signingKey }
        self.init(verifier: verifier, pair: pair)
    }

    /// The signature of a plugin's identity.
    package func sign(plugin identity: [UInt8]) -> PluginSignature {
        PluginSignature(key: pair.publicKey, signature: pair.sign(PluginSignature.message(identity)))
    }

    /// A note's line: of its text, or at a time if this is a witness's key.
    package func sign(_ text: [UInt8], at time: WallTime) -> SignedNote.Signature {
        let signature: [UInt8]
        switch verifier.kind {
        case .note: signature = pair.sign(text)
        case .cosignature:
            let seconds = UInt64(clamping: time.seconds)
            signature = SignedNote.bytes(of: seconds) + pair.sign(SignedNote.cosigned(text, at: seconds))
        }
        return SignedNote.Signature(name: verifier.name, id: verifier.id, bytes: signature)
    }
}
