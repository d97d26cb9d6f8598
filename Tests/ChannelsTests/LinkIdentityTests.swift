import Cells
import OnionCrypto
import ProtocolTestKit
import Testing

@testable import Channels

@Suite struct LinkIdentityTests {
    static let relay = TestRelay.first

    static func fault(_ keys: LinkIdentity.Keys, at now: WallTime = testTime) -> LinkIdentityError? {
        var random = SeededRandom()
        do throws(LinkIdentityError) {
            _ = try LinkIdentity(keys: keys, now: now, using: &random)
            return nil
        } catch {
            return error
        }
    }

    @Test func `its certificates are what they claim to be`() throws {
        let identity = Self.relay.identity
        let certificate = try X509Certificate(der: identity.tlsCertificate)
        #expect(certificate.rsaKey?.bits == 2048)
        #expect(certificate.isSigned(by: Self.relay.keys.rsaIdentity.publicKey))
        #expect(certificate.isLive(at: testTime.seconds))
        #expect(certificate.isLive(at: testTime.seconds + 86_400))
        #expect(certificate.notBefore % 86_400 == 0)
        let tlsKey = try identity.copyTLSKey()
        let tlsPair = try RSAKeyPair(der: tlsKey.bytes)
        #expect(tlsPair.publicKey == certificate.rsaKey)
        let cell = identity.initiatorCertificates
        let rsa = try X509Certificate(der: #require(cell.certificate(.rsaIdentity)))
        #expect(rsa.isSelfSigned && rsa.rsaKey?.bits == 1024)
        let authentication = try X509Certificate(der: #require(cell.certificate(.rsaAuthentication)))
        #expect(authentication.isSigned(by: Self.relay.keys.rsaIdentity.publicKey))
        #expect(identity.rsaDigest == Self.relay.keys.rsaIdentity.publicKey.digest)
    }

    @Test func `it is renewed before anything ends`() throws {
        // Three hours before the link certificate's two days are over.
        #expect(Self.relay.identity.renewal == testTime + 45 * 3600)
        var random = SeededRandom()
        let short = try LinkIdentity(
            keys: Self.relay.keys, now: testTime,
            lifetimes: .init(link: 7200, authentication: 7200, tls: 86_400 * 3), using: &random)
        #expect(short.renewal == testTime + 3600)
    }

    @Test func `two identities of the same keys differ in all that is short-lived`() throws {
        var random = SeededRandom(seed: 99)
        let next = try LinkIdentity(keys: Self.relay.keys, now: testTime + 86_400, using: &random)
        #expect(next.tlsCertificate != Self.relay.identity.tlsCertificate)
        #expect(next.rsaIdentity == Self.relay.identity.rsaIdentity)
        #expect(next.ed25519Identity == Self.relay.identity.ed25519Identity)
        var both = LinkIdentities(Self.relay.identity)
        both.renew(with: next)
        #expect(both.current === next)
        #expect(both.presenting(next.tlsCertificate) === next)
        #expect(both.presenting(Self.relay.identity.tlsCertificate) === Self.relay.identity)
        #expect(both.presenting([1]) == nil)
        both.renew(with: next)
        #expect(both.presenting(Self.relay.identity.tlsCertificate) == nil)
    }

    @Test func `keys that do not fit together are refused`() throws {
        let keys = Self.relay.keys
        var changed = keys
        changed.signingKey = Ed25519.KeyPair()
        #expect(Self.fault(changed) == .signingKeyCertificate)
        changed = keys
        changed.rsaIdentity = try RSAKeyPair(bits: 2048)
        #expect(Self.fault(changed) == .rsaIdentity)
        changed = keys
        changed.signingKeyCertificate = try Ed25519Certificate(
            type: .signingKey, expirationHours: 1_000_000, certifiedKey: keys.signingKey.publicKey.bytes,
            signer: Self.relay.master, namesSigner: false)
        #expect(Self.fault(changed) == .signingKeyCertificate)
        #expect(Self.fault(keys, at: testTime + 31 * 86_400) == .expiredSigningKey)
    }

    @Test func `validity begins at a midnight in the past and leaves a day`() {
        var random = SeededRandom(seed: 3)
        for lifetime: Int64 in [1, 3600, 86_400, 2 * 86_400, 5 * 86_400 - 1, 364 * 86_400] {
            for offset: Int64 in [0, 1, 86_399, 40_000] {
                let now = testTime + offset
                let life = X509Set.validity(from: now, lifetime: lifetime, using: &random)
                #expect(life.lowerBound % 86_400 == 0)
                #expect(life.lowerBound <= now.seconds)
                #expect(life.upperBound - life.lowerBound == lifetime)
                if lifetime > 2 * 86_400 { #expect(life.upperBound >= now.seconds + 86_400) }
            }
        }
    }
}
