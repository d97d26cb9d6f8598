internal import COpenSSL

/// SHA-256. The state is inside the value, so a copy is a checkpoint: a link handshake asks for the digest of its
/// log and goes on.
package struct SHA256: Sendable {
    /// The length of a digest.
    package static let byteCount = 32

    private var context = SHA256_CTX()

    /// Starts a fresh digest.
    package init() {
        fanion_sha256_init(&self.context)
    }

    /// Adds bytes.
    package mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { buffer in
            // Safe: reads `count` bytes of a live buffer.
            fanion_sha256_update(&self.context, buffer.baseAddress, buffer.count)
        }
    }

    /// The digest of all bytes so far; more may follow.
    package func digest() -> [UInt8] {
        var copy = self.context
        return [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, initialised in
            // Safe: room for the 32 bytes that SHA-256 writes.
            fanion_sha256_final(buffer.baseAddress, &copy)
            initialised = Self.byteCount
        }
    }

    /// The digest of these bytes.
    package static func hash(_ bytes: RawSpan) -> [UInt8] {
        var digest = SHA256()
        digest.update(bytes)
        return digest.digest()
    }

    /// The digest of these bytes.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        hash(bytes.span.bytes)
    }
}
