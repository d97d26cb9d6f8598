internal import CSodium

/// SHA-512, for Ed25519 only: what it takes and gives is secret, so both are wiped;
/// whoever starts one calls `finish`.
struct SHA512: ~Copyable {
    private var state = crypto_hash_sha512_state()

    init() {
        Sodium.start()
        crypto_hash_sha512_init(&self.state)
    }

    mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            // Safe: reads `count` bytes of a live buffer.
            crypto_hash_sha512_update(&self.state, start.assumingMemoryBound(to: UInt8.self), UInt64(buffer.count))
        }
    }

    mutating func update(_ bytes: [UInt8]) {
        self.update(bytes.span.bytes)
    }

    /// The digest: 64 bytes. Ends the use of the state.
    mutating func finish() -> SecretBytes {
        SecretBytes(count: 64) { output in
            output.withUnsafeMutableBytes {
                // Safe: SHA-512 writes 64 bytes. It wipes its state.
                guard let start = $0.baseAddress else { return }
                crypto_hash_sha512_final(&self.state, start.assumingMemoryBound(to: UInt8.self))
            }
        }
    }
}
