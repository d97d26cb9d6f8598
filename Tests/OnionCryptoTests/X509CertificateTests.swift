import Testing

@testable import OnionCrypto

@Suite struct X509CertificateTests {
    static let identity = RSATests.pair
    static let tlsKey = try! RSAKeyPair(bits: 2048)
    static let life: ClosedRange<Int64> = 1_767_225_600...1_767_398_400
    static let serial: [UInt8] = [0xF1, 2, 3, 4, 5, 6, 7, 8]

    static func linkCertificate() throws -> X509Certificate {
        try X509Certificate.make(
            for: tlsKey.publicKey, subject: "www.subject.net", issuer: "www.issuer.com", signer: identity,
            serial: serial, validity: life)
    }

    @Test func `a certificate says what it was made of`() throws {
        let made = try Self.linkCertificate()
        let read = try X509Certificate(der: made.der)
        #expect(read == made)
        #expect(read.rsaKey == Self.tlsKey.publicKey)
        #expect(read.notBefore == Self.life.lowerBound)
        #expect(read.notAfter == Self.life.upperBound)
        #expect(read.digest == SHA256.hash(made.der))
        #expect(read.isSigned(by: Self.identity.publicKey))
        #expect(!read.isSigned(by: Self.tlsKey.publicKey))
        #expect(!read.isSelfSigned)
    }

    @Test func `openssl sees version 3, the names, the serial number and no extension`() throws {
        let program = try OpenSSLProgram()
        try program.write(try Self.linkCertificate().der, to: "link.der")
        let text = try #require(try program.run("x509", "-inform", "DER", "-in", "link.der", "-noout", "-text"))
        #expect(text.contains("Version: 3 (0x2)"))
        #expect(text.contains("f1:02:03:04:05:06:07:08"))
        #expect(text.contains("Issuer: CN = www.issuer.com"))
        #expect(text.contains("Subject: CN = www.subject.net"))
        #expect(text.contains("sha256WithRSAEncryption"))
        #expect(text.contains("Not Before: Jan  1 00:00:00 2026 GMT"))
        #expect(text.contains("Not After : Jan  3 00:00:00 2026 GMT"))
        #expect(!text.contains("extensions"))
    }

    @Test func `a self-signed certificate is seen as one, by openssl too`() throws {
        let identity = try X509Certificate.make(
            for: Self.identity.publicKey, subject: "www.issuer.com", issuer: "www.issuer.com", signer: Self.identity,
            serial: Self.serial, validity: Self.life)
        #expect(identity.isSelfSigned)
        let program = try OpenSSLProgram()
        try program.write(identity.der, to: "identity.der")
        try program.run("x509", "-inform", "DER", "-in", "identity.der", "-out", "identity.pem")
        let verdict = try program.run(
            "verify", "-no_check_time", "-check_ss_sig", "-auth_level", "0", "-CAfile", "identity.pem", "identity.pem")
        #expect(verdict?.contains("OK") == true)
    }

    @Test func `a certificate lives between its dates, with grace`() throws {
        let certificate = try Self.linkCertificate()
        let (start, end) = (Self.life.lowerBound, Self.life.upperBound)
        #expect(certificate.isLive(at: start))
        #expect(certificate.isLive(at: end))
        #expect(!certificate.isLive(at: start - 1))
        #expect(!certificate.isLive(at: end + 1))
        #expect(certificate.isLive(at: start - 10, graceBefore: 10))
        #expect(!certificate.isLive(at: start - 11, graceBefore: 10))
        #expect(certificate.isLive(at: end + 10, graceAfter: 10))
        #expect(!certificate.isLive(at: end + 11, graceAfter: 10))
        #expect(!certificate.isLive(at: .max, graceAfter: .max, graceBefore: .max) == false)
        #expect(!certificate.isLive(at: .min, graceBefore: 1))
    }

    @Test func `dates after 2049 survive`() throws {
        let far: Int64 = 4_102_444_800
        let certificate = try X509Certificate.make(
            for: Self.tlsKey.publicKey, subject: "a", issuer: "b", signer: Self.identity, serial: [1],
            validity: 0...far)
        #expect(try X509Certificate(der: certificate.der).notAfter == far)
        #expect(certificate.notBefore == 0)
    }

    @Test func `damaged certificates are refused or not signed`() throws {
        let der = try Self.linkCertificate().der
        for count in stride(from: 0, to: der.count, by: 13) {
            #expect(throws: CryptoError.badCertificate) { try X509Certificate(der: Array(der.prefix(count))) }
        }
        #expect(throws: CryptoError.badCertificate) { try X509Certificate(der: der + [0]) }
        #expect(throws: CryptoError.badCertificate) { try X509Certificate(der: []) }
        for index in stride(from: 0, to: der.count, by: 3) {
            var changed = der
            changed[index] ^= 0x04
            let read = try? X509Certificate(der: changed)
            #expect(read?.isSigned(by: Self.identity.publicKey) != true, "byte \(index)")
        }
    }

    @Test func `a certificate of a key that is not RSA can be read but has no RSA key`() throws {
        let program = try OpenSSLProgram()
        #expect(
            try program.run(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key",
                "-outform", "DER", "-out", "certificate", "-subj", "/CN=ec") != nil)
        let certificate = try X509Certificate(der: program.read("certificate"))
        #expect(certificate.rsaKey == nil)
        #expect(!certificate.isSelfSigned)
    }
}
