import Cells
import ProtocolTestKit
import Testing

@Suite struct CertificateTests {
    private let key = [UInt8](repeating: 0x33, count: 32)
    private let signature = [UInt8](repeating: 0x55, count: 64)

    @Test func `an Ed25519 certificate with its signing key`() throws {
        let signer = try #require(Ed25519Identity(repeatElement(0x44, count: 32)))
        let unsigned = Ed25519Certificate.unsigned(
            type: .signingKey, expirationHours: 0x0007_7777, certifiedKey: key, signingKey: signer)
        #expect(hex(unsigned) == "0104" + "00077777" + "01" + hex(key) + "01" + "0020" + "0400" + hex(signer.bytes))
        let bytes = unsigned + signature
        let certificate = try Ed25519Certificate(parsing: bytes.span.bytes)
        #expect(certificate.type == .signingKey && certificate.keyType == 1 && certificate.certifiedKey == key)
        #expect(certificate.signingKey == signer && certificate.signature == signature)
        #expect(certificate.signedBytes == unsigned && certificate.encoded == bytes)
        #expect(acceptedTruncations(of: bytes) { _ = try Ed25519Certificate(parsing: $0) } == [])
        let expiration = WallTime(seconds: 0x77777 * 3600)
        #expect(!certificate.isExpired(at: expiration) && certificate.isExpired(at: expiration + 1))
    }

    @Test func `an Ed25519 certificate without extensions`() throws {
        let unsigned = Ed25519Certificate.unsigned(
            type: .tlsLink, expirationHours: 1, keyType: Ed25519Certificate.KeyType.certificateDigest,
            certifiedKey: key,
            signingKey: nil)
        let bytes = unsigned + signature
        let certificate = try Ed25519Certificate(parsing: bytes.span.bytes)
        #expect(certificate.type == .tlsLink && certificate.signingKey == nil && certificate.keyType == 3)
        let trailing = bytes + [0]
        #expect(throws: WireError.self) { try Ed25519Certificate(parsing: trailing.span.bytes) }
    }

    @Test func `unknown extensions are let be unless they are critical`() throws {
        let head = hex("01 05 00000001 03") + key
        let harmless = head + hex("01 0002 63 00 abcd") + signature
        #expect(throws: Never.self) { try Ed25519Certificate(parsing: harmless.span.bytes) }
        let critical = head + hex("01 0002 63 01 abcd") + signature
        #expect(throws: WireError("unknown critical extension", at: 40)) {
            try Ed25519Certificate(parsing: critical.span.bytes)
        }
        let short = head + hex("01 0002 04 00 abcd") + signature
        #expect(throws: WireError("signing key extension", at: 40)) {
            try Ed25519Certificate(parsing: short.span.bytes)
        }
        let version = hex("02 05 00000001 03") + key + [0] + signature
        #expect(throws: WireError("certificate version", at: 0)) { try Ed25519Certificate(parsing: version.span.bytes) }
    }

    @Test func `a cross-certificate of RSA and Ed25519`() throws {
        let identity = try #require(Ed25519Identity(key))
        let certificate = RSAEd25519CrossCertificate(
            identity: identity, expirationHours: 0x10, signature: [UInt8](repeating: 7, count: 128))
        let bytes = certificate.encoded
        #expect(hex(bytes) == hex(key) + "00000010" + "80" + String(repeating: "07", count: 128))
        #expect(try RSAEd25519CrossCertificate(parsing: bytes.span.bytes) == certificate)
        #expect(certificate.signedBytes == Array("Tor TLS RSA/Ed25519 cross-certificate".utf8) + key + hex("00000010"))
        #expect(acceptedTruncations(of: bytes) { _ = try RSAEd25519CrossCertificate(parsing: $0) } == [])
        let trailing = bytes + [0]
        #expect(throws: WireError.self) { try RSAEd25519CrossCertificate(parsing: trailing.span.bytes) }
    }
}
