/// HMAC with SHA-256 (RFC 2104): ntor's tweaked hash, and what HKDF is built of.
package struct HMACSHA256: ~Copyable {
    /// The length of a code.
    package static let byteCount = 32
    private static let blockCount = 64

    private var inner = SHA256()
    private var outer = SHA256()

    /// Starts a code under `key`, of any length.
    package init(key: RawSpan) {
        var block = SecretBytes(count: Self.blockCount) { block in
            let start = key.byteCount > Self.blockCount ? SHA256.hash(key) : key.withUnsafeBytes { [UInt8]($0) }
            for (index, byte) in start.enumerated() {
                block.storeBytes(of: byte ^ 0x36, toByteOffset: index, as: UInt8.self)
            }
            for index in start.count..<Self.blockCount {
                block.storeBytes(of: 0x36, toByteOffset: index, as: UInt8.self)
            }
        }
        self.inner.update(block.bytes)
        var mutable = block.mutableBytes
        mutable.withUnsafeMutableBytes { bytes in
            for index in bytes.indices { bytes[index] ^= 0x36 ^ 0x5c }
        }
        self.outer.update(block.bytes)
    }

    /// Adds bytes.
    package mutating func update(_ bytes: RawSpan) {
        self.inner.update(bytes)
    }

    /// The code over all bytes so far; more may follow.
    package func code() -> [UInt8] {
        var result = self.outer
        result.update(self.inner.digest().span.bytes)
        return result.digest()
    }

    /// The code over `bytes` under `key`.
    package static func code(_ bytes: RawSpan, key: RawSpan) -> [UInt8] {
        var hmac = HMACSHA256(key: key)
        hmac.update(bytes)
        return hmac.code()
    }
}

/// HKDF with SHA-256 (RFC 5869).
package enum HKDFSHA256 {
    /// The extract step: a key of 32 bytes out of any secret.
    package static func extract(salt: RawSpan, secret: RawSpan) -> SecretBytes {
        var key = HMACSHA256.code(secret, key: salt)
        return SecretBytes(taking: &key)
    }

    /// The expand step: up to 255 * 32 bytes out of an extracted key.
    package static func expand(key: RawSpan, info: RawSpan, count: Int) -> SecretBytes {
        precondition(count <= 255 * HMACSHA256.byteCount)
        var output = SecretBytes(capacity: count)
        var block = SecretBytes(capacity: 0)
        var index: UInt8 = 1
        while output.count < count {
            var hmac = HMACSHA256(key: key)
            hmac.update(block.bytes)
            hmac.update(info)
            let counter = [index]
            hmac.update(counter.span.bytes)
            var code = hmac.code()
            block = SecretBytes(taking: &code)
            output.append(block.bytes.extracting(first: count - output.count))
            // Wraps only after the 255th block, which the precondition makes the last.
            index &+= 1
        }
        return output
    }

    /// Both steps.
    package static func derive(secret: RawSpan, salt: RawSpan, info: RawSpan, count: Int) -> SecretBytes {
        let key = extract(salt: salt, secret: secret)
        return expand(key: key.bytes, info: info, count: count)
    }
}

/// KDF-TOR, the key derivation of the oldest handshakes: SHA1(secret | 0) | SHA1(secret | 1) | ... (tor-spec §5.2.1).
package enum KDFTor {
    /// Up to 256 * 20 bytes out of `secret`.
    package static func derive(secret: RawSpan, count: Int) -> SecretBytes {
        precondition(count <= 256 * SHA1.byteCount)
        var output = SecretBytes(capacity: count)
        var index: UInt8 = 0
        while output.count < count {
            var digest = RunningSHA1()
            digest.update(secret)
            let counter = [index]
            digest.update(counter.span.bytes)
            let block = digest.digest()
            output.append(block.span.bytes.extracting(first: count - output.count))
            // Wraps only after the 256th block, which the precondition makes the last.
            index &+= 1
        }
        return output
    }
}
