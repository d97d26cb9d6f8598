import Cells
import Foundation
import OnionCrypto
import Testing

@testable import Directory

@Suite struct RouterDescriptorTests {
    @Test func `C Tor's descriptors are read and verify`() throws {
        let routers = try RouterFixtures.routers()
        let relay = try #require(routers.first)
        #expect(routers.map(\.nickname) == ["relay1", "auth0"])
        #expect(relay.identity.spacedHex == "761A E7A5 EB8E 832D 0D6B E119 74C9 1120 09F3 BFA4")
        #expect(relay.ed25519Identity.base64 == "3fw2WlO5uVILoiqjg7yFxA2YFBlfeduDhr1kZvKXgkY")
        #expect(Base64.encode(relay.digest.bytes, padding: false) == "2ZA762ml8NatsJzZrL5/pt5EAL4")
        #expect(relay.ipv4.description == "127.1.0.1:15911" && relay.ipv6?.description == "[fc00::1]:15911")
        #expect(relay.bandwidth == .init(rate: 1 << 30, burst: 1 << 30, observed: 0))
        #expect(relay.published.description == "2026-11-24 22:54:30")
        #expect(relay.platform == "Tor 0.4.9.11 on Linux" && relay.contact == "me@example.org")
        #expect(relay.protocols.supports("Relay", 6) && !relay.protocols.supports("Relay", 7))
        #expect(relay.ipv6Policy?.description == "accept 80,443,1000-5999,6011-7000")
        #expect(relay.exitPolicy.summary(isIPv6: false).description == "accept 80,443,1000-5999,6011-7000")
        #expect(relay.family?.members.count == 3 && relay.familyIDs.isEmpty)
        #expect(relay.isHSDir && relay.isTunnelledDirServer && !relay.cachesExtraInfo && relay.uptime == 0)
        #expect(routers[1].cachesExtraInfo && routers[1].dirPort == 15902 && routers[1].rejectsEverything)
        #expect(relay.isExpired(at: relay.certificatesExpire + 1) && !relay.isExpired(at: relay.published))
    }

    @Test func `what is built is read again`() throws {
        let keys = try RouterFixtures.keys()
        var builder = try RouterFixtures.builder()
        let extraInfo = try ExtraInfoDocument(
            try ExtraInfoBuilder(nickname: "fanion1", published: RouterFixtures.published).signed(with: keys))
        builder.extraInfo = extraInfo
        let router = try RouterDescriptor(try builder.signed(with: keys))
        #expect(router.identity == keys.identity && router.ed25519Identity == keys.ed25519Identity)
        #expect(router.ipv6 == builder.ipv6 && router.dirPort == 9030 && router.uptime == 77)
        #expect(router.contact == "somebody <at> example.org" && router.overload == "1 2026-11-24 22:00:00")
        #expect(router.ntorOnionKey == keys.onionKey.publicKey)
        #expect(router.tapOnionKey == keys.tapOnionKey?.publicKey)
        #expect(router.family?.members.count == 3)
        #expect(router.familyIDs.count == 2 && router.familyIDs == router.familyIDs.sorted())
        #expect(router.exitPolicy.answer(to: IPAddress("192.0.2.1"), port: 80) == .accepted)
        #expect(router.ipv6Policy?.allows(443) == true && router.ipv6Policy?.allows(25) == false)
        try extraInfo.check(against: router)
    }

    @Test func `every byte is signed`() throws {
        let keys = try RouterFixtures.keys()
        let bytes = try RouterFixtures.builder().signed(with: keys)
        _ = try RouterDescriptor(bytes)
        for index in stride(from: 0, to: bytes.count, by: 7) {
            var damaged = bytes
            damaged[index] ^= 1
            #expect(throws: DirectoryError.self, "byte \(index)") { try RouterDescriptor(damaged) }
        }
        for count in stride(from: 0, to: bytes.count, by: 11) {
            #expect(throws: DirectoryError.self) { try RouterDescriptor(Array(bytes.prefix(count))) }
        }
    }

    @Test func `errors say what and where`() throws {
        let text = try RouterFixtures.bytes("router-descriptors")
        let piece = try #require(DocumentSplitter.split(text, startingWith: ["router"]).first)
        let bytes = Array(text[piece.range])
        func reason(_ old: String, _ new: String) -> String {
            do {
                _ = try RouterDescriptor(bytes.replacing(old, with: new))
                return "accepted"
            } catch {
                return error.description
            }
        }
        #expect(reason("bandwidth 1073741824", "bandwidth 0").hasPrefix("badArgument: bandwidth in line"))
        #expect(reason("router relay1", "router re_lay") == "badArgument: router in line 1")
        #expect(reason("\nproto ", "\nproxo ") == "missing: proto")
        #expect(reason("hidden-service-dir\n", "hidden-service-dir\nhidden-service-dir\n").hasPrefix("repeated"))
        #expect(reason("reject *:*\n", "reject *:*\nreject6 *:*\n").hasPrefix("forbidden: reject6"))
        #expect(reason("master-key-ed25519 3", "master-key-ed25519 2").hasPrefix("inconsistent: master-key-ed25519"))
        #expect(reason("fingerprint 761A", "fingerprint 761B").hasPrefix("inconsistent: fingerprint"))
        #expect(reason("crosscert 1", "crosscert 0").hasPrefix("badSignature: ntor-onion-key-crosscert"))
        #expect(reason("onion-key-crosscert\n", "xnion-key-crosscert\n").hasPrefix("inconsistent: onion-key"))
        #expect(reason("uptime 0", "uptime 1").hasPrefix("badSignature: router-sig-ed25519"))
        #expect(reason("me@example", "me@exempel").hasPrefix("badSignature: router-sig-ed25519"))
        #expect(reason("reject *:*\n", "").hasPrefix("badSignature"))
        #expect(reason("family $29AC", "family 29$C").hasPrefix("badArgument: family"))
    }

    @Test func `an unknown line is let be`() throws {
        let keys = try RouterFixtures.keys()
        let text = String(decoding: try RouterFixtures.builder().signed(with: keys), as: UTF8.self)
        let signature = try #require(text.range(of: "router-sig-ed25519"))
        var writer = DocumentWriter()
        writer.lines(Array(text[..<signature.lowerBound].utf8))
        writer.line("plugin-set", "4")
        writer.object("PLUGIN", [1, 2, 3])
        let router = try RouterDescriptor(try keys.sign(writer))
        #expect(router.nickname == "fanion1" && router.bytes != Array(text.utf8))
    }

    @Test func `a newline in a setting makes no line of its own`() throws {
        var builder = try RouterFixtures.builder()
        builder.contact = "me\nhibernating 1"
        let router = try RouterDescriptor(try builder.signed(with: try RouterFixtures.keys()))
        #expect(router.contact == "me hibernating 1" && !router.isHibernating)
    }

    @Test func `documents in one upload fail alone`() throws {
        let good = try RouterFixtures.bytes("router-descriptors")
        let pieces = DocumentSplitter.split(good, startingWith: ["router", "extra-info"])
        #expect(pieces.count == 2 && good[pieces[0].range].suffix(3) == ArraySlice("--\n".utf8))
        let upload = good.replacing("router auth0", with: "router auth1") + (try RouterFixtures.bytes("extra-infos"))
        let documents = DocumentSplitter.read(upload, startingWith: ["router", "extra-info"]) {
            keyword, bytes throws(DirectoryError) in
            keyword == "router" ? try RouterDescriptor(bytes).nickname : try ExtraInfoDocument(bytes).nickname
        }
        #expect(documents.map { try? $0.document.get() } == ["relay1", nil, "relay1", "auth0"])
    }
}
