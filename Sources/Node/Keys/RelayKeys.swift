package import Cells
package import Channels
package import Directory
package import OnionCrypto

/// All the keys of a relay, as they are now: a value to hand to whoever signs or shakes hands. `KeyStore` makes it.
package struct RelayKeys: Sendable {
    /// The RSA identity key.
    package let identityKey: RSAKeyPair
    /// Who the relay is by its Ed25519 master key, whose secret half nobody needs day by day.
    package let ed25519Identity: Ed25519Identity
    /// The medium-term signing key, which signs documents and the certificates of channels.
    package let signingKey: Ed25519.KeyPair
    /// Its certificate by the master key.
    package let signingKeyCertificate: Ed25519Certificate
    /// The onion key that the descriptor names.
    package let onionKey: X25519.KeyPair
    /// The one before, as long as clients with older directories may use it.
    package let previousOnionKey: X25519.KeyPair?
    /// The key that descriptors carry because authorities ask for it; no handshake uses it any more.
    package let tapOnionKey: RSAKeyPair
    /// Since when `onionKey` is the current one.
    package let onionKeySince: WallTime

    /// SHA-1 of the RSA identity key, the relay's fingerprint.
    package var identity: RSAIdentity { identityKey.publicKey.identity }

    /// What a handshake worker needs.
    package var onionKeySnapshot: OnionKeySnapshot {
        OnionKeySnapshot(
            rsaIdentity: identity.bytes, ed25519Identity: ed25519Identity.bytes, current: onionKey,
            previous: previousOnionKey)
    }

    /// What the link handshake hangs its short-lived keys on.
    package var linkKeys: LinkIdentity.Keys {
        LinkIdentity.Keys(
            rsaIdentity: identityKey, signingKey: signingKey, signingKeyCertificate: signingKeyCertificate)
    }

    /// What signs descriptors; without the TAP key if it is not to be published (parameter `publish-dummy-tap-key`).
    package func documentKeys(publishesTapKey: Bool = true) -> RouterSigningKeys? {
        RouterSigningKeys(
            identityKey: identityKey, signingKey: signingKey, signingKeyCertificate: signingKeyCertificate,
            onionKey: onionKey, tapOnionKey: publishesTapKey ? tapOnionKey : nil)
    }

    /// The same keys with other onion keys.
    func replacingOnionKeys(
        current: X25519.KeyPair, previous: X25519.KeyPair?, tap: RSAKeyPair, since: WallTime
    ) -> RelayKeys {
        RelayKeys(
            identityKey: identityKey, ed25519Identity: ed25519Identity, signingKey: signingKey,
            signingKeyCertificate: signingKeyCertificate, onionKey: current, previousOnionKey: previous,
            tapOnionKey: tap, onionKeySince: since)
    }
}

/// The keys of a directory authority that are needed day by day; its identity key stays away from the machine.
package struct AuthorityKeys: Sendable {
    /// The key that signs votes and consensuses.
    package let signingKey: RSAKeyPair
    /// Its certificate by the identity key.
    package let certificate: KeyCertificate
}
