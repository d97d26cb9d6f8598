import Cells
import OnionCrypto
import ProtocolTestKit
import Testing

@testable import Channels

/// CERTS, right and wrong.
@Suite struct CertifiedPeerTests {
    static let relay = TestRelay.first
    static let other = TestRelay.second

    /// What checking says of the responder's certificates, after a change.
    static func verdict(
        of cell: CertsCell = relay.identity.responderCertificates, tls: [UInt8] = relay.identity.tlsCertificate,
        at now: WallTime = testTime
    ) -> ChannelFault? {
        do throws(ChannelFault) {
            _ = try CertifiedPeer(cell, binding: .tlsCertificate(tls), now: now)
            return nil
        } catch {
            return error
        }
    }

    static func initiatorVerdict(
        of cell: CertsCell = relay.identity.initiatorCertificates, at now: WallTime = testTime
    ) -> ChannelFault? {
        do throws(ChannelFault) {
            _ = try CertifiedPeer(cell, binding: .authenticationKey, now: now)
            return nil
        } catch {
            return error
        }
    }

    static func without(_ cell: CertsCell, _ types: CertsCellType...) -> CertsCell {
        CertsCell(entries: cell.entries.filter { !types.contains($0.type) })
    }

    static func replacing(_ cell: CertsCell, _ type: CertsCellType, with certificate: [UInt8]?) throws -> CertsCell {
        let certificate = try #require(certificate)
        return CertsCell(
            entries: cell.entries.map { $0.type == type ? .init(type: type, certificate: certificate) : $0 })
    }

    @Test func `good certificates say who it is`() throws {
        #expect(Self.verdict() == nil)
        #expect(Self.initiatorVerdict() == nil)
        let peer = try CertifiedPeer(
            Self.relay.identity.initiatorCertificates, binding: .authenticationKey, now: testTime)
        #expect(peer.rsaIdentity == Self.relay.identity.rsaIdentity)
        #expect(peer.ed25519Identity == Self.relay.identity.ed25519Identity)
        #expect(peer.authenticationKey == Self.relay.identity.authenticationKey.publicKey)
        #expect(peer.ed25519Identity?.bytes == Self.relay.master.publicKey.bytes)
    }

    @Test(arguments: [2, 5, 7] as [UInt8])
    func `a responder's certificates are all needed`(type: UInt8) {
        let type = CertsCellType(rawValue: type)
        let cell = Self.without(Self.relay.identity.responderCertificates, type)
        #expect(Self.verdict(of: cell) == .badCertificate(type))
    }

    @Test(arguments: [2, 6, 7] as [UInt8])
    func `an initiator's certificates are all needed`(type: UInt8) {
        let type = CertsCellType(rawValue: type)
        let cell = Self.without(Self.relay.identity.initiatorCertificates, type)
        #expect(Self.initiatorVerdict(of: cell) == .badCertificate(type))
    }

    @Test func `types 1 and 3 are not looked at when type 4 is there`() throws {
        let responder = try Self.replacing(Self.relay.identity.responderCertificates, .rsaLink, with: [1, 2])
        #expect(Self.verdict(of: responder) == nil)
        let initiator = Self.without(Self.relay.identity.initiatorCertificates, .rsaAuthentication)
        #expect(Self.initiatorVerdict(of: initiator) == nil)
    }

    @Test func `RSA alone will do for a relay without Ed25519, and not after a bad type 4`() throws {
        let full = Self.relay.identity.responderCertificates
        let rsaOnly = Self.without(full, .ed25519Signing, .ed25519Link, .rsaEd25519Cross)
        #expect(Self.verdict(of: rsaOnly) == nil)
        let peer = try CertifiedPeer(
            rsaOnly, binding: .tlsCertificate(Self.relay.identity.tlsCertificate), now: testTime)
        #expect(peer.ed25519Identity == nil)
        #expect(Self.verdict(of: rsaOnly, tls: Self.other.identity.tlsCertificate) == .badCertificate(.rsaLink))
        #expect(Self.verdict(of: Self.without(rsaOnly, .rsaLink)) == .badCertificate(.rsaLink))
        let rsaInitiator = Self.without(
            Self.relay.identity.initiatorCertificates, .ed25519Signing, .ed25519Authentication, .rsaEd25519Cross)
        #expect(Self.initiatorVerdict(of: rsaInitiator) == nil)
        #expect(
            Self.initiatorVerdict(of: Self.without(rsaInitiator, .rsaAuthentication))
                == .badCertificate(.rsaAuthentication))
        var signature = try #require(full.certificate(.ed25519Signing))
        signature[signature.count - 1] ^= 1
        let broken = try Self.replacing(full, .ed25519Signing, with: signature)
        #expect(Self.verdict(of: broken) == .badCertificate(.ed25519Signing))
    }

    @Test(arguments: [2, 4, 5, 7] as [UInt8])
    func `damage to a certificate is noticed`(type: UInt8) throws {
        let type = CertsCellType(rawValue: type)
        let good = try #require(Self.relay.identity.responderCertificates.certificate(type))
        for index in stride(from: 0, to: good.count, by: 11) {
            var changed = good
            changed[index] ^= 0x08
            let cell = try Self.replacing(Self.relay.identity.responderCertificates, type, with: changed)
            // A type 4 that cannot even be decoded counts as missing, so that RSA decides.
            let verdict = Self.verdict(of: cell)
            #expect(verdict != nil || type == .ed25519Signing, "byte \(index)")
        }
    }

    @Test(arguments: [2, 4, 5, 7] as [UInt8])
    func `another relay's certificate does not fit`(type: UInt8) throws {
        let type = CertsCellType(rawValue: type)
        let cell = try Self.replacing(
            Self.relay.identity.responderCertificates, type,
            with: Self.other.identity.responderCertificates.certificate(type))
        #expect(Self.verdict(of: cell) != nil)
    }

    @Test func `duplicates close, of known types only`() {
        let cell = Self.relay.identity.responderCertificates
        for entry in cell.entries {
            #expect(Self.verdict(of: CertsCell(entries: cell.entries + [entry])) == .duplicateCertificate)
        }
        let unknown = CertsCell.Entry(type: CertsCellType(rawValue: 9), certificate: [1])
        #expect(Self.verdict(of: CertsCell(entries: [unknown] + cell.entries + [unknown])) == nil)
    }

    @Test func `certificates end, Ed25519 ones first`() {
        #expect(Self.verdict(at: testTime + 2 * 86_400) == nil)
        #expect(Self.verdict(at: testTime + 2 * 86_400 + 1) == .badCertificate(.ed25519Link))
        #expect(Self.initiatorVerdict(at: testTime + 2 * 86_400 + 1) == .badCertificate(.ed25519Authentication))
        #expect(Self.verdict(at: testTime + 31 * 86_400) == .badCertificate(.ed25519Signing))
        #expect(Self.verdict(at: testTime + 500 * 86_400) == .badCertificate(.rsaIdentity))
        #expect(Self.verdict(at: testTime - 400 * 86_400) == .badCertificate(.rsaIdentity))
    }

    @Test func `a certificate of the wrong type or key type is refused`() throws {
        let identity = Self.relay.identity
        let signer = Self.relay.keys.signingKey
        for (type, keyType) in [(CertificateType.authentication, 3), (.tlsLink, 1)] as [(CertificateType, UInt8)] {
            let certificate = try Ed25519Certificate(
                type: type, expirationHours: UInt32(testTime.seconds / 3600) + 9, keyType: keyType,
                certifiedKey: SHA256.hash(identity.tlsCertificate), signer: signer, namesSigner: false)
            let cell = try Self.replacing(
                identity.responderCertificates, .ed25519Link, with: certificate.encoded)
            #expect(Self.verdict(of: cell) == .badCertificate(.ed25519Link))
        }
        // A signing key's certificate that does not name the identity proves nothing.
        let nameless = try Ed25519Certificate(
            type: .signingKey, expirationHours: UInt32(testTime.seconds / 3600) + 9,
            certifiedKey: signer.publicKey.bytes, signer: Self.relay.master, namesSigner: false)
        let cell = try Self.replacing(identity.responderCertificates, .ed25519Signing, with: nameless.encoded)
        #expect(Self.verdict(of: cell) == .badCertificate(.ed25519Signing))
    }

    @Test func `an identity of another size than 1024 bits is refused`() throws {
        let big = try RSAKeyPair(bits: 2048)
        let certificate = try X509Certificate.make(
            for: big.publicKey, subject: "a", issuer: "a", signer: big, serial: [1],
            validity: testTime.seconds...(testTime.seconds + 86_400))
        let cell = try Self.replacing(
            Self.relay.identity.responderCertificates, .rsaIdentity, with: certificate.der)
        #expect(Self.verdict(of: cell) == .badCertificate(.rsaIdentity))
    }

    @Test func `expiration is rounded up to hours`() {
        #expect(Ed25519Certificate.expirationHours(from: WallTime(seconds: 3600), lifetime: 0) == 1)
        #expect(Ed25519Certificate.expirationHours(from: WallTime(seconds: 3600), lifetime: 1) == 2)
        #expect(Ed25519Certificate.expirationHours(from: WallTime(seconds: -5), lifetime: 1) == 0)
        #expect(Ed25519Certificate.expirationHours(from: WallTime(seconds: .max), lifetime: 1) == 0)
    }
}
