internal import COpenSSL

/// A SHA-1 that is fed cell after cell and asked for its value in between, without allocating.
///
/// The state (96 bytes) lives inside the value, so a copy is a checkpoint. Not for new designs: SHA-1 is here because
/// Tor's relay cells and RSA identities are made of it.
package struct RunningSHA1: Sendable {
    /// The digest as five words in memory order: 20 bytes without an allocation.
    package typealias Digest = InlineArray<20, UInt8>

    private var context = SHA_CTX()

    /// Starts a fresh digest.
    package init() {
        fanion_sha1_init(&self.context)
    }

    /// Adds bytes.
    package mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { buffer in
            // Safe: reads `count` bytes of a live buffer.
            fanion_sha1_update(&self.context, buffer.baseAddress, buffer.count)
        }
    }

    /// Adds bytes that are being worked on in place.
    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        fanion_sha1_update(&self.context, bytes.baseAddress, bytes.count)
    }

    /// The digest of all bytes so far; more may follow.
    package func digest() -> Digest {
        var copy = self.context
        var digest = Digest(repeating: 0)
        var output = digest.mutableSpan
        output.withUnsafeMutableBytes { buffer in
            // Safe: the digest has 20 bytes, which is what SHA-1 writes.
            fanion_sha1_final(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), &copy)
        }
        return digest
    }
}

/// SHA-1, for documents and keys: what Tor's RSA identities, router digests and KDF-TOR are made of.
package struct SHA1: Sendable {
    /// The length of a digest.
    package static let byteCount = 20

    private var running = RunningSHA1()

    /// Starts a fresh digest.
    package init() {}

    /// Adds bytes.
    package mutating func update(_ bytes: RawSpan) {
        self.running.update(bytes)
    }

    /// The digest of all bytes so far; more may follow.
    package func digest() -> [UInt8] {
        let digest = self.running.digest()
        return digest.span.bytes.withUnsafeBytes { [UInt8]($0) }
    }

    /// The digest of these bytes.
    package static func hash(_ bytes: RawSpan) -> [UInt8] {
        var digest = SHA1()
        digest.update(bytes)
        return digest.digest()
    }

    /// The digest of these bytes.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        hash(bytes.span.bytes)
    }
}
