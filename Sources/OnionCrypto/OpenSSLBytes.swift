internal import COpenSSL

/// The bytes that an `i2d_…` function of OpenSSL writes to memory of its own, copied and freed; nil if it fails.
func encodedByOpenSSL(_ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32) -> [UInt8]? {
    var start: UnsafeMutablePointer<UInt8>?
    let count = encode(&start)
    guard count > 0, let start else {
        ERR_clear_error()
        return nil
    }
    defer { fanion_openssl_free(start) }
    // Safe: OpenSSL says how many bytes it wrote.
    return [UInt8](UnsafeBufferPointer(start: start, count: Int(count)))
}

/// The same for secrets: OpenSSL's copy is wiped.
func secretEncodedByOpenSSL(
    _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32
) -> SecretBytes? {
    var start: UnsafeMutablePointer<UInt8>?
    let count = encode(&start)
    guard count > 0, let start else {
        ERR_clear_error()
        return nil
    }
    defer { fanion_openssl_clear_free(start, Int(count)) }
    // Safe: OpenSSL says how many bytes it wrote.
    return SecretBytes(copying: RawSpan(_unsafeStart: start, byteCount: Int(count)))
}

/// One PEM object: what stands between `-----BEGIN LABEL-----` and `-----END LABEL-----`.
struct PEMObject: ~Copyable {
    let label: String
    let der: SecretBytes

    init(label: String, der: consuming SecretBytes) {
        self.label = label
        self.der = der
    }

    /// The first object in a text; fails if there is none.
    init(parsing text: RawSpan) throws(CryptoError) {
        guard let bio = readingBIO(text) else { throw .systemFailure }
        defer { BIO_free(bio) }
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var count = 0
        let done = PEM_read_bio(bio, &name, &header, &data, &count)
        defer {
            fanion_openssl_free(name)
            fanion_openssl_free(header)
            if count > 0 { fanion_openssl_clear_free(data, count) }
        }
        guard done == 1, let name, let data, count > 0 else {
            ERR_clear_error()
            throw .badKey
        }
        self.label = String(cString: name)
        // Safe: OpenSSL says how many bytes it wrote.
        self.der = SecretBytes(copying: RawSpan(_unsafeStart: data, byteCount: count))
    }

    /// The object as text.
    func text() -> SecretBytes {
        guard let bio = BIO_new(BIO_s_mem()) else { preconditionFailure("out of memory") }
        defer { BIO_free(bio) }
        let done = self.der.withUnsafeBytes { der in
            PEM_write_bio(bio, self.label, "", der.baseAddress?.assumingMemoryBound(to: UInt8.self), der.count)
        }
        precondition(done > 0, "out of memory")
        return contents(ofMemoryBIO: bio)
    }
}

/// A BIO that reads borrowed bytes.
func readingBIO(_ bytes: RawSpan) -> OpaquePointer? {
    bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress, buffer.count <= Int32.max, let bio = BIO_new(BIO_s_mem()) else {
            return nil
        }
        // Safe: the BIO takes a copy, which it wipes when it is freed.
        guard BIO_write(bio, start, Int32(buffer.count)) == Int32(buffer.count) else {
            BIO_free(bio)
            return nil
        }
        return bio
    }
}

/// What has been written to a memory BIO.
func contents(ofMemoryBIO bio: OpaquePointer) -> SecretBytes {
    var start: UnsafeMutablePointer<CChar>?
    let count = fanion_bio_memory(bio, &start)
    guard let start, count > 0 else { return SecretBytes(capacity: 0) }
    // Safe: OpenSSL says how many bytes there are; they live as long as the BIO.
    return SecretBytes(copying: RawSpan(_unsafeStart: start, byteCount: Int(count)))
}
