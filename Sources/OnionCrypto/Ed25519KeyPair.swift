internal import CSodium

extension Ed25519 {
    /// A key pair that signs. Shared by reference; the secret is wiped when the last reference goes.
    ///
    /// The secret is held *expanded*, as C Tor holds and stores it: 32 bytes of scalar and 32 bytes that make nonces. A
    /// seed can be expanded but not got back, so what is read from a seed is written as an expanded secret.
    package final class KeyPair: Sendable {
        /// The length of an expanded secret.
        package static let expandedLength = 64

        private let expanded: SecretBytes
        /// The public half.
        package let publicKey: PublicKey

        /// Makes a new pair.
        package convenience init() {
            let seed = SecretBytes.random(count: 32)
            self.init(expanding: seed.bytes)
        }

        /// Takes a seed of 32 bytes (what RFC 8032 calls the private key), or fails.
        package convenience init?(seed: RawSpan) {
            guard seed.byteCount == 32 else { return nil }
            self.init(expanding: seed)
        }

        /// Takes an expanded secret of 64 bytes, as in C Tor's key files; fails for another length or a scalar of zero.
        package init?(expandedSecret bytes: RawSpan) {
            guard bytes.byteCount == Self.expandedLength,
                let publicKey = Self.multiplyBase(by: bytes.extracting(0..<32))
            else { return nil }
            self.expanded = SecretBytes(copying: bytes)
            self.publicKey = PublicKey(unchecked: publicKey)
        }

        private init(expanding seed: RawSpan) {
            var hash = SHA512()
            hash.update(seed)
            var secret = hash.finish()
            var bytes = secret.mutableBytes
            bytes.withUnsafeMutableBytes {
                $0[0] &= 248
                $0[31] = ($0[31] & 127) | 64
            }
            // A clamped scalar is no multiple of the group's order.
            let publicKey = Self.multiplyBase(by: secret.bytes.extracting(0..<32)) ?? []
            precondition(publicKey.count == 32)
            self.expanded = secret
            self.publicKey = PublicKey(unchecked: publicKey)
        }

        /// The Ed25519 form of a Curve25519 key pair, in which an onion key signs its relay's identity (dir-spec
        /// §2.1.1, "ntor-onion-key-crosscert"). Not for anything else: what it signs must not be an attacker's choice.
        package init(converting pair: X25519.KeyPair) {
            let scalar = pair.copySecret()
            // The terminating zero is part of the label.
            let label = Array("Derive high part of ed25519 key from curve25519 key\0".utf8)
            var hash = SHA512()
            hash.update(scalar.bytes)
            hash.update(label)
            let high = hash.finish()
            var secret = SecretBytes(capacity: Self.expandedLength)
            secret.append(scalar.bytes)
            secret.append(high.bytes.extracting(0..<32))
            // A Curve25519 secret is clamped, so no multiple of the group's order.
            let publicKey = Self.multiplyBase(by: scalar.bytes) ?? []
            precondition(publicKey.count == 32)
            self.expanded = secret
            self.publicKey = PublicKey(unchecked: publicKey)
        }

        /// The 64 secret bytes, for a key file.
        package func copyExpandedSecret() -> SecretBytes {
            self.expanded.copy()
        }

        /// The signature of a message: 64 bytes, the same each time.
        package func sign(_ message: [UInt8]) -> [UInt8] {
            // RFC 8032 §5.1.6, from step 2 on: libsodium's own function wants the seed, which we may not have.
            let expanded = self.expanded.copy()
            var nonceHash = SHA512()
            nonceHash.update(expanded.bytes.extracting(32..<64))
            nonceHash.update(message)
            let wideNonce = nonceHash.finish()
            let nonce = Self.reduce(wideNonce.bytes)
            // Zero with a probability of 2^-252.
            let commitment = Self.multiplyBase(by: nonce.bytes) ?? []
            precondition(commitment.count == 32)
            var challengeHash = SHA512()
            challengeHash.update(commitment)
            challengeHash.update(self.publicKey.bytes)
            challengeHash.update(message)
            let wideChallenge = challengeHash.finish()
            let challenge = Self.reduce(wideChallenge.bytes)
            var wide = SecretBytes(capacity: 64)
            wide.append(expanded.bytes.extracting(0..<32))
            let zeros = [UInt8](repeating: 0, count: 32)
            wide.append(zeros.span.bytes)
            let scalar = Self.reduce(wide.bytes)
            var response = [UInt8](repeating: 0, count: 32)
            challenge.withUnsafeBytes { challenge in
                scalar.withUnsafeBytes { scalar in
                    nonce.withUnsafeBytes { nonce in
                        // Safe: all are 32 bytes, and input may be output.
                        guard let k = challenge.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            let a = scalar.baseAddress?.assumingMemoryBound(to: UInt8.self),
                            let r = nonce.baseAddress?.assumingMemoryBound(to: UInt8.self)
                        else { return }
                        let product = SecretBytes(count: 32) { product in
                            product.withUnsafeMutableBytes {
                                guard let z = $0.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
                                crypto_core_ed25519_scalar_mul(z, k, a)
                            }
                        }
                        product.withUnsafeBytes {
                            guard let p = $0.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
                            crypto_core_ed25519_scalar_add(&response, p, r)
                        }
                    }
                }
            }
            return commitment + response
        }

        /// A scalar times the base point; nil if that is the neutral element.
        private static func multiplyBase(by scalar: RawSpan) -> [UInt8]? {
            Sodium.start()
            var point = [UInt8](repeating: 0, count: 32)
            let status = scalar.withUnsafeBytes { scalar -> Int32 in
                guard let n = scalar.baseAddress, scalar.count == 32 else { return -1 }
                // Safe: both have 32 bytes.
                return crypto_scalarmult_ed25519_base_noclamp(&point, n.assumingMemoryBound(to: UInt8.self))
            }
            return status == 0 ? point : nil
        }

        /// 64 bytes modulo the group's order.
        private static func reduce(_ wide: RawSpan) -> SecretBytes {
            precondition(wide.byteCount == 64)
            return SecretBytes(count: 32) { output in
                output.withUnsafeMutableBytes { output in
                    wide.withUnsafeBytes { wide in
                        // Safe: 32 bytes out of 64.
                        guard let r = output.baseAddress, let s = wide.baseAddress else { return }
                        crypto_core_ed25519_scalar_reduce(
                            r.assumingMemoryBound(to: UInt8.self), s.assumingMemoryBound(to: UInt8.self))
                    }
                }
            }
        }
    }
}
