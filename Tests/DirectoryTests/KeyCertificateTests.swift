import Cells
import Directory
import OnionCrypto
import Testing

@Suite struct KeyCertificateTests {
    @Test func `tor-gencert's certificate is read and verifies`() throws {
        let certificate = try KeyCertificate(try RouterFixtures.bytes("key-certificates"))
        #expect(certificate.address?.description == "127.0.0.1:15902")
        #expect(certificate.identityKey.bits == 3072 && certificate.signingKey.bits == 2048)
        #expect(certificate.expires - certificate.published > 360 * 86_400)
        #expect(certificate.isExpired(at: certificate.expires + 1) && !certificate.isExpired(at: certificate.expires))
    }

    @Test func `what we build is read, and every byte is signed`() throws {
        let identity = try RSAKeyPair(bits: 2048)
        let signing = try RSAKeyPair(bits: 2048)
        let builder = KeyCertificateBuilder(
            published: RouterFixtures.published, expires: RouterFixtures.published + 86_400,
            address: SocketEndpoint("192.0.2.1:80"))
        let bytes = try builder.signed(by: identity, for: signing)
        let certificate = try KeyCertificate(bytes)
        #expect(certificate.identity == identity.publicKey.identity && certificate.address == builder.address)
        #expect(certificate.signingKeyDigest == signing.publicKey.identity)
        for index in stride(from: 0, to: bytes.count, by: 13) {
            var damaged = bytes
            damaged[index] ^= 1
            #expect(throws: DirectoryError.self, "byte \(index)") { try KeyCertificate(damaged) }
        }
        let foreign = try builder.signed(by: signing, for: identity)
        #expect(try KeyCertificate(foreign).identity == signing.publicKey.identity)
    }

    @Test func `certificates one behind the other are told apart`() throws {
        let bytes = try NetworkStatusFixtures.bytes("key-certificates")
        let read = DocumentSplitter.read(bytes, startingWith: ["dir-key-certificate-version"]) {
            _, bytes throws(DirectoryError) in try KeyCertificate(bytes)
        }
        #expect(read.count == 3)
        for (piece, certificate) in read {
            _ = try certificate.get()
            #expect(KeyCertificate.end(in: bytes, from: piece.range.lowerBound) == piece.range.upperBound)
        }
        #expect(KeyCertificate.end(in: Array(bytes.prefix(900)), from: 0) == nil)
    }
}
