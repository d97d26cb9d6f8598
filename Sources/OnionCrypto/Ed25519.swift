internal import CSodium

/// Signatures on the twisted Edwards curve (RFC 8032): relay identities, signing keys and certificates.
package enum Ed25519 {
    /// The length of a signature.
    package static let signatureLength = 64

    /// A public key: 32 bytes, which need not be a point until ``isValid`` or a signature says so.
    package struct PublicKey: Hashable, Sendable {
        /// The 32 bytes: y, and the sign of x in the last bit.
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

        init(unchecked bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// The sign of x.
        package var signBit: Bool { self.bytes[31] >> 7 == 1 }

        /// Whether it is a point of the prime-order subgroup, encoded as it must be, and not of small order.
        package var isValid: Bool {
            Sodium.start()
            // Safe: reads the 32 bytes.
            return crypto_core_ed25519_is_valid_point(self.bytes) == 1
        }

        /// Whether the owner of this key made `signature` for `message`.
        package func isValidSignature(_ signature: [UInt8], of message: RawSpan) -> Bool {
            guard signature.count == signatureLength else { return false }
            Sodium.start()
            return message.withUnsafeBytes { message in
                // Safe: a signature of 64 bytes, a key of 32, and a message of `count`.
                crypto_sign_verify_detached(
                    signature, message.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(message.count),
                    self.bytes) == 0
            }
        }

        /// Whether the owner of this key made `signature` for `message`.
        package func isValidSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
            self.isValidSignature(signature, of: message.span.bytes)
        }
    }
}
