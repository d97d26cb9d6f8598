internal import COpenSSL

/// An AES counter-mode key stream that goes on from call to call, in a context of OpenSSL's that is kept.
///
/// The context is the memory that a hop costs: `EVP_CIPHER_CTX` with its provider's part takes about 0.7 KiB in
/// OpenSSL 3.0, most of it the expanded key. Not private: other modules destroy what holds one.
struct CounterMode: ~Copyable {
    private let context: OpaquePointer

    /// Starts a key stream.
    init(_ algorithm: OpaquePointer?, key: RawSpan, iv: [UInt8], keyLength: Int) {
        precondition(key.byteCount == keyLength && iv.count == 16)
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        let done = key.withUnsafeBytes { key in
            iv.withUnsafeBytes { iv in
                // Safe: key and IV have the lengths of the algorithm, checked above.
                EVP_EncryptInit_ex(
                    context, algorithm, nil, key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    iv.baseAddress?.assumingMemoryBound(to: UInt8.self))
            }
        }
        precondition(done == 1, "OpenSSL has no AES in counter mode")
        self.context = context
    }

    deinit {
        // Frees with cleansing.
        EVP_CIPHER_CTX_free(self.context)
    }

    /// Encrypts or decrypts in place.
    func apply(to bytes: UnsafeMutableRawBufferPointer) {
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var written: Int32 = 0
        // Safe: counter mode writes as many bytes as it reads, and may do so in place.
        let done = EVP_EncryptUpdate(self.context, start, &written, start, Int32(truncatingIfNeeded: bytes.count))
        precondition(done == 1 && Int(written) == bytes.count)
    }
}

/// What every key stream of Tor's starts at: each key is used for one stream only.
package let zeroIV = [UInt8](repeating: 0, count: 16)

/// AES-128 in counter mode, kept: each call goes on in the key stream where the last one ended. In place, no
/// allocation per call.
package struct AES128CTR: ~Copyable, @unchecked Sendable {
    // Safe to send: the context is exclusively owned.
    private let mode: CounterMode

    /// Starts the key stream of `key` (16 bytes) at `iv` (16 bytes; zero unless given).
    package init(key: RawSpan, iv: [UInt8] = zeroIV) {
        self.mode = CounterMode(EVP_aes_128_ctr(), key: key, iv: iv, keyLength: 16)
    }

    /// Encrypts or decrypts in place: the same operation.
    package mutating func apply(to bytes: inout MutableRawSpan) {
        bytes.withUnsafeMutableBytes { self.mode.apply(to: $0) }
    }

    /// The same over a pointer, for the onion layer.
    func apply(to bytes: UnsafeMutableRawBufferPointer) {
        self.mode.apply(to: bytes)
    }
}

/// AES-256 in counter mode, kept, like ``AES128CTR``: ntor-v3's messages, and later the hops of onion services.
package struct AES256CTR: ~Copyable, @unchecked Sendable {
    // Safe to send: the context is exclusively owned.
    private let mode: CounterMode

    /// Starts the key stream of `key` (32 bytes) at `iv` (16 bytes; zero unless given).
    package init(key: RawSpan, iv: [UInt8] = zeroIV) {
        self.mode = CounterMode(EVP_aes_256_ctr(), key: key, iv: iv, keyLength: 32)
    }

    /// Encrypts or decrypts in place: the same operation.
    package mutating func apply(to bytes: inout MutableRawSpan) {
        bytes.withUnsafeMutableBytes { self.mode.apply(to: $0) }
    }
}
