internal import COpenSSL

/// An RSA key pair that signs: a relay's identity, an authority's two keys, the key of a TLS connection.
///
/// Shared by reference; OpenSSL wipes the secret when the last reference goes.
package final class RSAKeyPair: Sendable {
    /// The public half.
    package let publicKey: RSAPublicKey
    let handle: RSAHandle

    /// Makes a new pair with exponent 65537. Takes tens of milliseconds for 1024 bits, seconds for 4096.
    package convenience init(bits: Int) throws(CryptoError) {
        guard CryptoLimits.rsaBits.contains(bits), let pointer = fanion_rsa_generate(UInt32(bits)) else {
            ERR_clear_error()
            throw .systemFailure
        }
        try self.init(RSAHandle(taking: pointer))
    }

    /// Reads a private key in DER: PKCS#1 or PKCS#8.
    package convenience init(der: RawSpan) throws(CryptoError) {
        let pointer = der.withUnsafeBytes { buffer -> OpaquePointer? in
            guard (1...CryptoLimits.certificateLength).contains(buffer.count) else { return nil }
            var start = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            // Safe: reads `count` bytes at most.
            return d2i_AutoPrivateKey(nil, &start, buffer.count)
        }
        guard let pointer else {
            ERR_clear_error()
            throw .badKey
        }
        try self.init(RSAHandle(taking: pointer))
    }

    /// Reads a private key in PEM without encryption (`RSA PRIVATE KEY`), as in C Tor's `secret_id_key`.
    package convenience init(pem: RawSpan) throws(CryptoError) {
        let object = try PEMObject(parsing: pem)
        guard object.label == "RSA PRIVATE KEY" || object.label == "PRIVATE KEY" else { throw .badKey }
        try self.init(der: object.der.bytes)
    }

    /// Reads a private key in encrypted PEM (`ENCRYPTED PRIVATE KEY`), as in tor-gencert's `authority_identity_key`.
    package convenience init(encryptedPEM text: RawSpan, passphrase: RawSpan) throws(CryptoError) {
        guard try PEMObject(parsing: text).label == "ENCRYPTED PRIVATE KEY" else { throw .badKey }
        guard let bio = readingBIO(text) else { throw .systemFailure }
        defer { BIO_free(bio) }
        let terminated = try Self.terminated(passphrase)
        let pointer = terminated.withUnsafeBytes { bytes in
            // Safe: without a callback OpenSSL takes the last argument for a passphrase that ends with a zero, and reads.
            PEM_read_bio_PrivateKey(bio, nil, nil, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        }
        guard let pointer else {
            ERR_clear_error()
            throw .badPassphrase
        }
        try self.init(RSAHandle(taking: pointer))
    }

    private init(_ handle: RSAHandle) throws(CryptoError) {
        self.publicKey = try RSAPublicKey(handle)
        self.handle = handle
        // A key file whose halves do not belong together must not get as far as a signature.
        guard let context = EVP_PKEY_CTX_new(handle.pointer, nil) else { throw .systemFailure }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_pairwise_check(context) == 1 else {
            ERR_clear_error()
            throw .badKey
        }
    }

    /// Signs digest bytes: PKCS#1 type 1 padding around the bare digest, as all of Tor's RSA signatures
    /// (tor-spec §0.3). At most 11 bytes less than the modulus has.
    package func sign(digest: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard let context = EVP_PKEY_CTX_new(self.handle.pointer, nil) else { throw .systemFailure }
        defer { EVP_PKEY_CTX_free(context) }
        var count = self.publicKey.signatureLength
        var signature = [UInt8](repeating: 0, count: count)
        guard EVP_PKEY_sign_init(context) == 1,
            EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1,
            // Safe: a signature is as long as the modulus.
            EVP_PKEY_sign(context, &signature, &count, digest, digest.count) == 1, count == signature.count
        else {
            ERR_clear_error()
            throw .systemFailure
        }
        return signature
    }

    /// The private key in DER (PKCS#1 `RSAPrivateKey`): what `TLSContext` takes.
    package func copyDER() throws(CryptoError) -> SecretBytes {
        guard let der = secretEncodedByOpenSSL({ i2d_PrivateKey(self.handle.pointer, $0) }) else {
            throw .systemFailure
        }
        return der
    }

    /// The private key in PEM without encryption (`RSA PRIVATE KEY`), for C Tor's `secret_id_key`.
    package func pem() throws(CryptoError) -> SecretBytes {
        PEMObject(label: "RSA PRIVATE KEY", der: try self.copyDER()).text()
    }

    /// The private key in encrypted PEM (`ENCRYPTED PRIVATE KEY`, AES-256), which tor-gencert reads too.
    package func encryptedPEM(passphrase: RawSpan) throws(CryptoError) -> [UInt8] {
        guard passphrase.byteCount > 0, let bio = BIO_new(BIO_s_mem()) else { throw .badPassphrase }
        defer { BIO_free(bio) }
        let terminated = try Self.terminated(passphrase)
        let done = terminated.withUnsafeBytes { bytes in
            // Safe: without a callback OpenSSL reads so many bytes of the passphrase.
            PEM_write_bio_PKCS8PrivateKey(
                bio, self.handle.pointer, EVP_aes_256_cbc(), bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(bytes.count - 1), nil, nil)
        }
        guard done == 1 else {
            ERR_clear_error()
            throw .systemFailure
        }
        return contents(ofMemoryBIO: bio).copyToArray()
    }

    /// A passphrase as C has it; refuses one with a zero inside, which would be cut short, or of more than 1023 bytes.
    private static func terminated(_ passphrase: RawSpan) throws(CryptoError) -> SecretBytes {
        guard passphrase.byteCount < 1024, passphrase.withUnsafeBytes({ !$0.contains(0) }) else {
            throw .badPassphrase
        }
        var terminated = SecretBytes(capacity: passphrase.byteCount + 1)
        terminated.append(passphrase)
        let end: [UInt8] = [0]
        terminated.append(end.span.bytes)
        return terminated
    }
}
