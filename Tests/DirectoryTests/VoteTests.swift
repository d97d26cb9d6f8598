import Cells
import Directory
import OnionCrypto
import ProtocolTestKit
import Testing

struct VoteTests {
    @Test func `a vote of C Tor is read and its signature checked`() throws {
        let vote = try Vote(parsing: NetworkStatusFixtures.bytes("vote-auth1"))
        let content = vote.content
        #expect(content.methods == [32, 33, 34, 35])
        #expect(content.source.nickname == "auth1")
        #expect(content.source.dirPort == 7000 && content.source.orPort == 5000)
        #expect(vote.identity.hex == "6219B6ECE333336EC2389500F89602B3BDA1624E")
        #expect(content.header.knownFlags.count == 13)
        #expect(content.bandwidthFileDigest == "sha256=VZM7EIPf9J3x80/LK55FFz32g5hQ2+IjY1St44rHI2U")
        #expect(content.sharedRandom?.phase == .commit)
        #expect(content.sharedRandom?.commits.count == 3)
        #expect(content.entries.count == 8)
        let relay = try #require(content.entries.first { $0.nickname == "relay4" })
        #expect(relay.measuredBandwidth == 4007 && relay.bandwidth != nil)
        #expect(relay.ipv6?.description == "[::1]:5000")
        #expect(relay.microdescriptors.map(\.methods) == [[32, 33, 34, 35]])
        #expect(relay.microdescriptor(method: 34) != nil && relay.microdescriptor(method: 31) == nil)
    }

    @Test(arguments: ["vote-auth1", "vote-auth2", "vote-auth3"])
    func `a vote is written as C Tor writes it`(name: String) throws {
        let text = try NetworkStatusFixtures.bytes(name)
        let vote = try Vote(parsing: text)
        let written = vote.content.encode(certificate: vote.certificate.bytes)
        #expect(String(decoding: text.prefix(written.count), as: UTF8.self) == String(decoding: written, as: UTF8.self))
        #expect(text[written.count...].starts(with: "directory-signature ".utf8))
    }

    @Test func `a vote's digest is the one that the consensus names`() throws {
        let consensus = try Consensus(parsing: NetworkStatusFixtures.bytes("consensus-ns"))
        for text in try NetworkStatusFixtures.votes() {
            let vote = try Vote(parsing: text)
            let source = try #require(consensus.sources.first { $0.identity == vote.identity })
            #expect(source.voteDigest == vote.digest)
        }
    }

    @Test func `our own vote is signed and read back`() throws {
        let keys = try AuthorityTestKeys(nickname: "own")
        var content = try Vote(parsing: NetworkStatusFixtures.bytes("vote-auth1")).content
        content.source.identity = keys.certificate.identity
        content.entries[0].ed25519 = .none
        content.entries[1].guardFraction = 55
        content.entries[2].version = nil
        let vote = try Vote(signing: content, certificate: keys.certificate, with: keys.signing)
        #expect(vote.content == content)
        content.entries.swapAt(0, 1)
        #expect(throws: VoteSigningError.self) {
            try Vote(signing: content, certificate: keys.certificate, with: keys.signing)
        }
    }

    @Test func `a vote with one byte changed is refused`() throws {
        let text = try NetworkStatusFixtures.bytes("vote-auth2")
        let changed = text.replacing("w Bandwidth=67", with: "w Bandwidth=68")
        #expect(changed != text)
        #expect(throws: NetworkStatusError.self) { try Vote(parsing: changed) }
        #expect(throws: NetworkStatusError.self) { try Vote(parsing: text + Array("more\n".utf8)) }
        #expect(throws: NetworkStatusError.self) { try Vote(parsing: Array(text.dropLast(30))) }
        #expect(throws: NetworkStatusError.self) {
            try Vote(parsing: text.replacing("vote-status vote", with: "vote-status opinion"))
        }
    }

    @Test func `several votes behind each other are told apart`() throws {
        let votes = try NetworkStatusFixtures.votes()
        #expect(Vote.split(votes.flatMap { $0 }) == votes)
    }
}

/// An authority's keys for tests, made afresh.
struct AuthorityTestKeys {
    let identity: RSAKeyPair
    let signing: RSAKeyPair
    let certificate: KeyCertificate

    init(nickname: String, now: WallTime = WallTime(seconds: 1_795_000_000)) throws {
        // Small keys are quick to make.
        identity = try RSAKeyPair(bits: 2048)
        signing = try RSAKeyPair(bits: 2048)
        let builder = KeyCertificateBuilder(published: now, expires: now + 90 * 86_400, address: nil)
        certificate = try KeyCertificate(builder.signed(by: identity, for: signing))
    }
}
