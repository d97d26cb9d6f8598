import Cells
import Directory
import ProtocolTestKit
import Testing

struct NetworkStatusMutationTests {
    /// Parsers must answer whatever bytes they get; a crash fails the run.
    @Test(arguments: ["consensus-ns", "consensus-microdesc", "vote-auth1", "detached-signatures", "reveal-vote-auth1"])
    func `no change of a document crashes its reader`(name: String) throws {
        let original = try NetworkStatusFixtures.bytes(name)
        var random = SeededRandom(seed: 7)
        let digits = Array("0123456789-=,.: \n".utf8)
        for _ in 0..<300 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[place] = digits.randomElement(using: &random) ?? 0x30
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + 9))
                case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 40)], at: place)
                default: bytes.insert(contentsOf: "99999999999999999999".utf8, at: place)
                }
                if bytes.isEmpty { break }
            }
            if let consensus = try? Consensus(parsing: bytes) { #expect(!consensus.signatures.isEmpty) }
            if let detached = try? DetachedSignatures(parsing: bytes) { #expect(!detached.signatures(.ns).isEmpty) }
            _ = try? Vote(parsing: bytes)
        }
    }

    /// What no authority would vote must not trap in the computation either.
    @Test func `absurd numbers in votes do no harm`() throws {
        let keys = try AuthorityTestKeys(nickname: "a")
        var content = try Vote(parsing: NetworkStatusFixtures.bytes("vote-auth1")).content
        content.source.identity = keys.certificate.identity
        for index in content.entries.indices {
            content.entries[index].bandwidth = .max
            content.entries[index].measuredBandwidth = .max
            content.entries[index].guardFraction = 100
        }
        content.header.parameters = ConsensusParameters(["bwweightscale": .max, "maxunmeasuredbw": .min])
        content.header.voteDelay = Int64(Int32.max)
        let vote = try Vote(signing: content, certificate: keys.certificate, with: keys.signing)
        let computation = try #require(ConsensusComputation([vote], authorityCount: 1))
        for flavor in ConsensusFlavor.allCases { #expect(computation.unsigned(flavor).count > 1000) }
    }
}
