internal import CSodium

/// Diffie-Hellman on Curve25519 (RFC 7748): onion keys, and the short-lived keys of a circuit handshake.
package enum X25519 {
    /// A public key: 32 bytes, any of which is acceptable until a shared secret comes out all zero.
    package struct PublicKey: Hashable, Sendable {
        /// The 32 bytes.
        package let bytes: [UInt8]

        /// Takes 32 bytes, or fails.
        package init?(_ bytes: RawSpan) {
            guard bytes.byteCount == 32 else { return nil }
            self.bytes = bytes.withUnsafeBytes { [UInt8]($0) }
        }

        /// Takes 32 bytes, or fails.
        package init?(_ bytes: [UInt8]) {
            guard bytes.count == 32 else { return nil }
            self.bytes = bytes
        }

        fileprivate init(unchecked bytes: [UInt8]) {
            self.bytes = bytes
        }
    }

    /// A key pair. Shared by reference, since the workers that answer handshakes use the same onion keys; the secret is
    /// wiped when the last reference goes.
    package final class KeyPair: Sendable {
        private let secret: SecretBytes
        /// The public half.
        package let publicKey: PublicKey

        /// Makes a new pair.
        package init() {
            var secret = SecretBytes.random(count: 32)
            Self.clamp(&secret)
            self.publicKey = Self.publicKey(of: secret)
            self.secret = secret
        }

        /// Takes a stored secret of 32 bytes, or fails. The bits that RFC 7748 fixes are set.
        package init?(secret bytes: RawSpan) {
            guard bytes.byteCount == 32 else { return nil }
            var secret = SecretBytes(copying: bytes)
            Self.clamp(&secret)
            self.publicKey = Self.publicKey(of: secret)
            self.secret = secret
        }

        /// The 32 secret bytes, for a key file.
        package func copySecret() -> SecretBytes {
            self.secret.copy()
        }

        /// The secret shared with the owner of `other`; fails if `other` has small order, when it would be all zero.
        package func sharedSecret(with other: PublicKey) throws(CryptoError) -> SecretBytes {
            var status: Int32 = -1
            let shared = SecretBytes(count: 32) { output in
                output.withUnsafeMutableBytes { output in
                    self.secret.withUnsafeBytes { secret in
                        other.bytes.withUnsafeBytes { point in
                            // Safe: all three have 32 bytes.
                            guard let q = output.baseAddress, let n = secret.baseAddress, let p = point.baseAddress
                            else { return }
                            status = crypto_scalarmult_curve25519(
                                q.assumingMemoryBound(to: UInt8.self), n.assumingMemoryBound(to: UInt8.self),
                                p.assumingMemoryBound(to: UInt8.self))
                        }
                    }
                }
            }
            // libsodium refuses points of small order, and every product that is zero.
            guard status == 0 else { throw .badPoint }
            return shared
        }

        private static func clamp(_ secret: inout SecretBytes) {
            var bytes = secret.mutableBytes
            bytes.withUnsafeMutableBytes {
                $0[0] &= 248
                $0[31] = ($0[31] & 127) | 64
            }
        }

        private static func publicKey(of secret: borrowing SecretBytes) -> PublicKey {
            Sodium.start()
            var point = [UInt8](repeating: 0, count: 32)
            secret.bytes.withUnsafeBytes { secret in
                // Safe: both have 32 bytes.
                if let n = secret.baseAddress {
                    _ = crypto_scalarmult_curve25519_base(&point, n.assumingMemoryBound(to: UInt8.self))
                }
            }
            return PublicKey(unchecked: point)
        }
    }
}
