/// The keys that a relay answers circuit handshakes with, frozen for one job of a handshake worker.
///
/// Onion keys rotate while jobs wait; a snapshot keeps the two that are valid together with the identities.
package struct OnionKeySnapshot: Sendable {
    /// SHA-1 of the relay's RSA identity key: 20 bytes.
    package let rsaIdentity: [UInt8]
    /// The relay's Ed25519 identity: 32 bytes.
    package let ed25519Identity: [UInt8]
    /// The onion key that the descriptor names.
    package let current: X25519.KeyPair
    /// The one before, for clients with an older consensus.
    package let previous: X25519.KeyPair?

    /// Makes a snapshot of the relay's identities (20 and 32 bytes) and onion keys.
    package init(
        rsaIdentity: [UInt8], ed25519Identity: [UInt8], current: X25519.KeyPair, previous: X25519.KeyPair? = nil
    ) {
        precondition(rsaIdentity.count == 20 && ed25519Identity.count == 32)
        self.rsaIdentity = rsaIdentity
        self.ed25519Identity = ed25519Identity
        self.current = current
        self.previous = previous
    }

    /// The key pair with this public key, if it is one of ours.
    func keyPair(for publicKey: X25519.PublicKey) -> X25519.KeyPair? {
        if constantTimeEqual(publicKey.bytes, self.current.publicKey.bytes) { return self.current }
        if let previous, constantTimeEqual(publicKey.bytes, previous.publicKey.bytes) { return previous }
        return nil
    }
}

/// What a relay has after it answered a handshake: the message for the client, and the keys.
package struct HandshakeReply: ~Copyable, Sendable {
    /// The body of CREATED_FAST or the handshake data of CREATED2.
    package let message: [UInt8]
    /// What both ends now share.
    package let keyStream: CircuitKeyStream
}
