internal import COpenSSL

/// The Keccak sponge in OpenSSL's hands: what SHA3-256 and SHAKE-256 share.
private struct Sponge: ~Copyable {
    private let context: OpaquePointer

    init(_ algorithm: OpaquePointer?) {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, algorithm, nil) == 1 else {
            preconditionFailure("OpenSSL has no SHA-3")
        }
        self.context = context
    }

    private init(taking context: OpaquePointer) {
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(self.context)
    }

    func copy() -> Sponge {
        guard let copy = EVP_MD_CTX_new(), EVP_MD_CTX_copy_ex(copy, self.context) == 1 else {
            preconditionFailure("out of memory")
        }
        return Sponge(taking: copy)
    }

    mutating func update(_ bytes: RawSpan) {
        let context = self.context
        bytes.withUnsafeBytes { buffer in
            // Safe: reads `count` bytes of a live buffer.
            let done = EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
            precondition(done == 1)
        }
    }

    consuming func finish(into output: inout MutableRawSpan, extendable: Bool) {
        let context = self.context
        output.withUnsafeMutableBytes { buffer in
            let target = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            // Safe: `count` bytes are written, and the caller of the fixed form hands over exactly 32.
            let done =
                extendable
                ? EVP_DigestFinalXOF(context, target, buffer.count) : EVP_DigestFinal_ex(context, target, nil)
            precondition(done == 1)
        }
    }
}

/// SHA3-256: ntor-v3, and the identity of a plugin file.
package struct SHA3_256: ~Copyable {
    /// The length of a digest.
    package static let byteCount = 32

    private var sponge = Sponge(EVP_sha3_256())

    /// Starts a fresh digest.
    package init() {}

    /// Adds bytes.
    package mutating func update(_ bytes: RawSpan) {
        self.sponge.update(bytes)
    }

    /// The digest of all bytes so far; more may follow.
    package func digest() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: Self.byteCount)
        var output = result.mutableSpan
        var bytes = output.mutableBytes
        self.sponge.copy().finish(into: &bytes, extendable: false)
        return result
    }

    /// The digest of these bytes.
    package static func hash(_ bytes: RawSpan) -> [UInt8] {
        var digest = SHA3_256()
        digest.update(bytes)
        return digest.digest()
    }

    /// The digest of these bytes.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        hash(bytes.span.bytes)
    }
}

/// SHAKE-256, the SHA-3 family's digest of any length.
package struct SHAKE256: ~Copyable {
    private var sponge = Sponge(EVP_shake256())

    /// Starts a fresh digest.
    package init() {}

    /// Adds bytes.
    package mutating func update(_ bytes: RawSpan) {
        self.sponge.update(bytes)
    }

    /// The first `count` bytes that all bytes so far squeeze out; more may follow.
    package func digest(count: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        var output = result.mutableSpan
        var bytes = output.mutableBytes
        self.sponge.copy().finish(into: &bytes, extendable: true)
        return result
    }

    /// The same, as a secret.
    package func secret(count: Int) -> SecretBytes {
        SecretBytes(count: count) { self.sponge.copy().finish(into: &$0, extendable: true) }
    }

    /// The first `count` bytes that these bytes squeeze out.
    package static func hash(_ bytes: RawSpan, count: Int) -> [UInt8] {
        var digest = SHAKE256()
        digest.update(bytes)
        return digest.digest(count: count)
    }

    /// The first `count` bytes that these bytes squeeze out.
    package static func hash(_ bytes: [UInt8], count: Int) -> [UInt8] {
        hash(bytes.span.bytes, count: count)
    }
}
