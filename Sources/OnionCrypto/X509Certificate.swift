internal import COpenSSL

/// An X.509 certificate in DER, as Tor's link handshake uses them: a public key, two dates and a signature.
///
/// There is no chain of names here, no extension and no trust: who must have signed what is `Channels`' business.
// Safe to share: the certificate is not changed after it is made, and OpenSSL locks what it caches in it.
package final class X509Certificate: @unchecked Sendable, Equatable {
    /// The certificate.
    package let der: [UInt8]
    /// The first second of its life, since 1970.
    package let notBefore: Int64
    /// The last second of its life, since 1970.
    package let notAfter: Int64
    /// The key that it certifies, if that is an RSA key that Tor allows.
    package let rsaKey: RSAPublicKey?
    private let pointer: OpaquePointer

    /// Reads a certificate in DER, all of it.
    package convenience init(der: RawSpan) throws(CryptoError) {
        let pointer = der.withUnsafeBytes { buffer -> OpaquePointer? in
            guard (1...CryptoLimits.certificateLength).contains(buffer.count) else { return nil }
            var start = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            // Safe: reads `count` bytes at most.
            return d2i_X509(nil, &start, buffer.count)
        }
        guard let pointer else {
            ERR_clear_error()
            throw .badCertificate
        }
        try self.init(taking: pointer)
        guard der.withUnsafeBytes({ $0.elementsEqual(self.der) }) else { throw .badCertificate }
    }

    /// Reads a certificate in DER, all of it.
    package convenience init(der: [UInt8]) throws(CryptoError) {
        try self.init(der: der.span.bytes)
    }

    private init(taking pointer: OpaquePointer) throws(CryptoError) {
        self.pointer = pointer
        self.rsaKey = Self.rsaKey(of: pointer)
        // Set before anything can fail, since `deinit` runs only for what is complete.
        let der = encodedByOpenSSL { i2d_X509(pointer, $0) }
        let notBefore = Self.seconds(X509_get0_notBefore(pointer))
        let notAfter = Self.seconds(X509_get0_notAfter(pointer))
        self.der = der ?? []
        self.notBefore = notBefore ?? 0
        self.notAfter = notAfter ?? 0
        guard der != nil, notBefore != nil, notAfter != nil else { throw .badCertificate }
    }

    deinit {
        X509_free(self.pointer)
    }

    /// SHA-256 of the DER.
    package var digest: [UInt8] { SHA256.hash(self.der) }

    /// Whether `key` signed it.
    package func isSigned(by key: RSAPublicKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_verify(self.pointer, key.handle.pointer) == 1
    }

    /// Whether the key that it certifies signed it.
    package var isSelfSigned: Bool {
        self.rsaKey.map { self.isSigned(by: $0) } ?? false
    }

    /// Whether it is good at `seconds` since 1970, with some seconds of grace after its end and before its beginning.
    package func isLive(at seconds: Int64, graceAfter: Int64 = 0, graceBefore: Int64 = 0) -> Bool {
        seconds <= self.notAfter.addingClamped(graceAfter) && seconds.addingClamped(graceBefore) >= self.notBefore
    }

    /// Makes a certificate of version 3 without extensions, as C Tor's are.
    ///
    /// - Parameters:
    ///   - key: What it certifies.
    ///   - subject: The common name of the key's owner.
    ///   - issuer: The common name of the signer.
    ///   - signer: Who signs, with SHA-256.
    ///   - serial: Its number, big-endian; C Tor takes 8 random bytes.
    ///   - validity: Its life, in seconds since 1970.
    package static func make(
        for key: RSAPublicKey, subject: String, issuer: String, signer: RSAKeyPair, serial: [UInt8],
        validity: ClosedRange<Int64>
    ) throws(CryptoError) -> X509Certificate {
        guard let pointer = X509_new() else { throw .systemFailure }
        guard X509_set_version(pointer, 2) == 1, setSerial(serial, of: pointer),
            setName(subject, X509_get_subject_name(pointer)), setName(issuer, X509_get_issuer_name(pointer)),
            ASN1_TIME_set(X509_getm_notBefore(pointer), Int(validity.lowerBound)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(pointer), Int(validity.upperBound)) != nil,
            X509_set_pubkey(pointer, key.handle.pointer) == 1,
            X509_sign(pointer, signer.handle.pointer, EVP_sha256()) > 0
        else {
            X509_free(pointer)
            ERR_clear_error()
            throw .systemFailure
        }
        return try X509Certificate(taking: pointer)
    }

    private static func setSerial(_ serial: [UInt8], of pointer: OpaquePointer) -> Bool {
        guard let number = BN_bin2bn(serial, Int32(truncatingIfNeeded: serial.count), nil) else { return false }
        defer { BN_free(number) }
        return BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil
    }

    private static func setName(_ name: String, _ target: OpaquePointer?) -> Bool {
        let text = Array(name.utf8)
        // 0x1001: MBSTRING_ASC.
        return X509_NAME_add_entry_by_NID(
            target, NID_commonName, 0x1001, text, Int32(truncatingIfNeeded: text.count), -1, 0) == 1
    }

    private static func rsaKey(of pointer: OpaquePointer) -> RSAPublicKey? {
        defer { ERR_clear_error() }
        guard let key = X509_get_pubkey(pointer) else { return nil }
        return try? RSAPublicKey(RSAHandle(taking: key))
    }

    /// A date as seconds since 1970; nil if it is malformed.
    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let time, let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_TIME_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else {
            ERR_clear_error()
            return nil
        }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    /// The same bytes.
    package static func == (left: X509Certificate, right: X509Certificate) -> Bool {
        left.der == right.der
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
