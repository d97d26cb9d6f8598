import Cells
import Directory
import Testing

struct ConsensusComputationTests {
    private func votes() throws -> [Vote] {
        try NetworkStatusFixtures.votes().map { try Vote(parsing: $0) }
    }

    @Test(arguments: ["consensus-ns", "consensus-microdesc"], [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
    func `three votes come out as C Tor's consensus, byte for byte`(name: String, order: [Int]) throws {
        let votes = try votes()
        let expected = try Consensus(parsing: NetworkStatusFixtures.bytes(name))
        let computation = try #require(ConsensusComputation(order.map { votes[$0] }, authorityCount: 3))
        #expect(computation.method == 35)
        let unsigned = computation.unsigned(expected.flavor) + Array("directory-signature ".utf8)
        #expect(
            String(decoding: unsigned, as: UTF8.self)
                == String(decoding: expected.text[..<expected.signedLength], as: UTF8.self))
    }

    @Test func `so do the votes on a new shared random value`() throws {
        let votes = try (1...3).map { try Vote(parsing: NetworkStatusFixtures.bytes("fresh-vote-auth\($0)")) }
        let expected = try Consensus(parsing: NetworkStatusFixtures.bytes("fresh-consensus-ns"))
        #expect(expected.header.currentSharedRandom != nil)
        let rule = ConsensusComputation.SharedRandomRule(isFresh: true)
        let computation = try #require(ConsensusComputation(votes, authorityCount: 3, sharedRandom: rule))
        let unsigned = computation.unsigned(.ns) + Array("directory-signature ".utf8)
        #expect(unsigned == Array(expected.text[..<expected.signedLength]))
    }

    @Test func `no votes make no consensus`() {
        #expect(ConsensusComputation([], authorityCount: 3) == nil)
    }

    @Test func `the method is the highest that more than two thirds list`() {
        #expect(ConsensusComputation.method(of: [[32, 33], [32, 33], [32, 33]]) == 33)
        #expect(ConsensusComputation.method(of: [[32, 33], [32, 33], [32]]) == 32)
        #expect(ConsensusComputation.method(of: [[32], [33], [34]]) == 1)
        #expect(ConsensusComputation.method(of: [[34, 34, 33]]) == 34)
        #expect(ConsensusComputation.method(of: [[34], [34], [34], [33]]) == 34)
    }

    @Test func `publication times stand in microdescriptor consensuses of the oldest method only`() throws {
        for methods in [[32], [32, 33], [32, 33, 34]] {
            let votes = try votes().map { vote in
                var content = vote.content
                content.methods = methods
                return try resigned(content)
            }
            let computation = try #require(ConsensusComputation(votes, authorityCount: 3))
            #expect(computation.method == methods.max())
            let text = String(decoding: computation.unsigned(.microdesc), as: UTF8.self)
            #expect(text.contains("2038-01-01 00:00:00") == (methods.count > 1))
            #expect(!String(decoding: computation.unsigned(.ns), as: UTF8.self).contains("2038-01-01 00:00:00"))
        }
    }

    @Test func `a relay is listed if more than half of the authorities list it`() throws {
        var contents = try votes().map(\.content)
        let gone = contents[0].entries.removeFirst().identity
        let two = try #require(ConsensusComputation(contents.map { try resigned($0) }, authorityCount: 3))
        let name = "r relay3 "
        #expect(String(decoding: two.unsigned(.ns), as: UTF8.self).contains(name))
        contents[1].entries.removeAll { $0.identity == gone }
        let one = try #require(ConsensusComputation(contents.map { try resigned($0) }, authorityCount: 3))
        #expect(!String(decoding: one.unsigned(.ns), as: UTF8.self).contains(name))
        // With four authorities of which one did not vote, two are not enough.
        contents = try votes().map(\.content)
        contents[0].entries.removeFirst()
        let four = try #require(ConsensusComputation(contents.map { try resigned($0) }, authorityCount: 4))
        #expect(!String(decoding: four.unsigned(.ns), as: UTF8.self).contains(name))
    }

    @Test func `authorities that disagree on an Ed25519 identity get the relay flagged`() throws {
        var contents = try votes().map(\.content)
        for index in 0..<3 {
            let key = try #require(Ed25519Identity([UInt8](repeating: UInt8(index + 1), count: 32)))
            contents[index].entries[0].ed25519 = .key(key)
        }
        let computation = try #require(ConsensusComputation(contents.map { try resigned($0) }, authorityCount: 3))
        let text = String(decoding: computation.unsigned(.ns), as: UTF8.self)
        #expect(text.contains("s Exit Fast Guard HSDir NoEdConsensus Running Stable V2Dir Valid\n"))
    }

    @Test func `a relay for the middle only loses flags and becomes a bad exit`() throws {
        var contents = try votes().map(\.content)
        for index in 0..<3 {
            let bit = try #require(contents[index].header.knownFlags.firstIndex(of: "MiddleOnly"))
            contents[index].entries[0].flags |= 1 << UInt64(bit)
        }
        let computation = try #require(ConsensusComputation(contents.map { try resigned($0) }, authorityCount: 3))
        let text = String(decoding: computation.unsigned(.ns), as: UTF8.self)
        #expect(text.contains("s BadExit Fast MiddleOnly Running Stable Valid\n"))
    }

    @Test func `a new shared random value needs more votes than an old one`() throws {
        var contents = try votes().map(\.content)
        let value = try #require(SharedRandomValue(revealCount: 3, value: [UInt8](repeating: 7, count: 32)))
        for index in 0..<2 { contents[index].header.currentSharedRandom = value }
        contents[2].header.parameters = nil
        let votes = try contents.map { try resigned($0) }
        func hasValue(_ rule: ConsensusComputation.SharedRandomRule) throws -> Bool {
            let computation = try #require(ConsensusComputation(votes, authorityCount: 3, sharedRandom: rule))
            return String(decoding: computation.unsigned(.ns), as: UTF8.self)
                .contains("shared-rand-current-value 3 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n")
        }
        #expect(try hasValue(.init()))
        #expect(try hasValue(.init(isFresh: true)))
        #expect(try !hasValue(.init(takesPart: false)))
    }

    private static let keys = try? (0..<3).map { try AuthorityTestKeys(nickname: "auth\($0 + 1)") }

    /// The content signed by an authority of our own, which the source's nickname chooses.
    private func resigned(_ content: VoteContent) throws -> Vote {
        let keys = try #require(Self.keys)
        let place = try #require(content.source.nickname.bytes.last.map { Int($0) - 0x31 })
        var content = content
        content.source.identity = keys[place].certificate.identity
        return try Vote(signing: content, certificate: keys[place].certificate, with: keys[place].signing)
    }
}
