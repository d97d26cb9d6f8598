internal import COpenSSL

/// An RSA public key: of a relay's or authority's identity, a document signature, or a certificate.
///
/// Only what Tor allows: 1024 to 4096 bits, exponent 65537, encoded as PKCS#1 in DER without anything around it.
package final class RSAPublicKey: Sendable, Hashable {
    /// The key in DER (PKCS#1 `RSAPublicKey`).
    package let der: [UInt8]
    /// The length of the modulus.
    package let bits: Int
    let handle: RSAHandle

    /// Reads a key in DER, all of it.
    package convenience init(der: RawSpan) throws(CryptoError) {
        let pointer = der.withUnsafeBytes { buffer -> OpaquePointer? in
            guard (1...CryptoLimits.certificateLength).contains(buffer.count) else { return nil }
            var start = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            // Safe: reads `count` bytes at most.
            return d2i_PublicKey(EVP_PKEY_RSA, nil, &start, buffer.count)
        }
        guard let pointer else {
            ERR_clear_error()
            throw .badKey
        }
        try self.init(RSAHandle(taking: pointer))
        // Nothing after the key, and nothing written in a way that would give the same key another fingerprint.
        guard der.withUnsafeBytes({ $0.elementsEqual(self.der) }) else { throw .badKey }
    }

    /// Reads a key in DER, all of it.
    package convenience init(der: [UInt8]) throws(CryptoError) {
        try self.init(der: der.span.bytes)
    }

    /// Reads a key in PEM (`RSA PUBLIC KEY`).
    package convenience init(pem: String) throws(CryptoError) {
        let text = Array(pem.utf8)
        let object = try PEMObject(parsing: text.span.bytes)
        guard object.label == "RSA PUBLIC KEY" else { throw .badKey }
        try self.init(der: object.der.bytes)
    }

    /// Takes the public half of any RSA key.
    init(_ handle: RSAHandle) throws(CryptoError) {
        guard EVP_PKEY_get_base_id(handle.pointer) == EVP_PKEY_RSA, handle.exponent == 65_537,
            let der = encodedByOpenSSL({ i2d_PublicKey(handle.pointer, $0) })
        else { throw .badKey }
        self.bits = Int(EVP_PKEY_get_bits(handle.pointer))
        guard CryptoLimits.rsaBits.contains(self.bits) else { throw .badKey }
        self.der = der
        self.handle = handle
    }

    /// The key in PEM (`RSA PUBLIC KEY`), as documents hold it.
    package var pem: String {
        let der = self.der
        let object = PEMObject(label: "RSA PUBLIC KEY", der: SecretBytes(copying: der.span.bytes))
        let text = object.text()
        return String(decoding: text.copyToArray(), as: UTF8.self)
    }

    /// The length of a signature in bytes.
    package var signatureLength: Int { (self.bits + 7) / 8 }

    /// SHA-1 of the DER: the *fingerprint* of a relay or authority, 20 bytes.
    package var fingerprint: [UInt8] { SHA1.hash(self.der) }

    /// SHA-256 of the DER, as AUTHENTICATE cells name an identity.
    package var digest: [UInt8] { SHA256.hash(self.der) }

    /// Whether the owner of this key signed these digest bytes: PKCS#1 type 1 padding around the bare digest, without
    /// the DigestInfo that others put there (tor-spec §0.3).
    package func isValidSignature(_ signature: [UInt8], ofDigest digest: [UInt8]) -> Bool {
        self.recover(signature) == digest
    }

    /// What was signed; nil if the padding is wrong.
    package func recover(_ signature: [UInt8]) -> [UInt8]? {
        guard let context = EVP_PKEY_CTX_new(self.handle.pointer, nil) else { return nil }
        defer {
            EVP_PKEY_CTX_free(context)
            ERR_clear_error()
        }
        guard EVP_PKEY_verify_recover_init(context) == 1,
            EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
        else { return nil }
        var count = self.signatureLength
        var output = [UInt8](repeating: 0, count: count)
        // Safe: writes less than the modulus has bytes.
        guard EVP_PKEY_verify_recover(context, &output, &count, signature, signature.count) == 1 else { return nil }
        return Array(output.prefix(count))
    }

    /// The same modulus, since the exponent is always the same.
    package static func == (left: RSAPublicKey, right: RSAPublicKey) -> Bool {
        left.der == right.der
    }

    /// By the DER.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.der)
    }
}

/// An RSA key in OpenSSL's hands, freed with its last user.
// Safe to share: the key is not changed after it is made, and OpenSSL locks what it caches in it.
final class RSAHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(taking pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        EVP_PKEY_free(self.pointer)
    }

    /// The public exponent; nil if it is no small number.
    var exponent: UInt? {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(self.pointer, OSSL_PKEY_PARAM_RSA_E, &number) == 1, let number else {
            ERR_clear_error()
            return nil
        }
        defer { BN_free(number) }
        return BN_num_bits(number) <= 32 ? UInt(BN_get_word(number)) : nil
    }
}
