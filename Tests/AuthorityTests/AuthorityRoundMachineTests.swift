import Authority
import Cells
import Directory
import OnionCrypto
import Testing

struct AuthorityRoundMachineTests {
    private static let start = time("2026-11-24 22:50:21")
    private static let keys = try? (0..<3).map { _ in try AuthorityTestKeys(now: start) }

    private func keys() throws -> [AuthorityTestKeys] { try #require(Self.keys) }

    private func machine(of count: Int = 3) throws -> AuthorityRoundMachine {
        let identities = try keys().prefix(count).map(\.certificate.identity)
        return AuthorityRoundMachine(
            own: identities[0], authorities: Set(identities),
            timing: .init(interval: 20, voteDelay: 4, distributionDelay: 4), offset: 0, now: Self.start)
    }

    /// C Tor's vote for 22:50:40, as one of our authorities would have made it.
    private func vote(_ index: Int, change: (inout VoteContent) -> Void = { _ in }) throws -> Vote {
        let keys = try keys()[index]
        var content = try Vote(parsing: fixture("vote-auth1")).content
        content.source.identity = keys.certificate.identity
        change(&content)
        return try Vote(signing: content, certificate: keys.certificate, with: keys.signing)
    }

    private func pending(_ votes: [Vote], by index: Int) throws -> [PendingConsensus] {
        let computation = try #require(ConsensusComputation(votes, authorityCount: 3))
        let keys = try keys()[index]
        return try ConsensusFlavor.allCases.map {
            try PendingConsensus(
                signing: computation.unsigned($0), flavor: $0, certificate: keys.certificate, with: keys.signing)
        }
    }

    @Test func `a round goes through all its stages in time`() throws {
        var machine = try machine()
        let start = time("2026-11-24 22:50:40")
        #expect(machine.schedule.intervalStarts == start)
        #expect(machine.advance(now: start - 9) == .wait(until: start - 8))
        #expect(machine.advance(now: start - 8) == .vote)
        for index in 0..<3 { #expect(machine.receiveVote(try vote(index), postedAt: start - 7) == .stored) }
        #expect(machine.advance(now: start - 8) == .wait(until: start - 6))
        #expect(machine.advance(now: start - 6) == .wait(until: start - 4))
        #expect(machine.advance(now: start - 5) == .wait(until: start - 4))
        #expect(machine.advance(now: start - 4) == .compute)
        #expect(machine.setConsensuses(try pending(machine.votes, by: 0), certificates: []) == 0)
        #expect(machine.advance(now: start - 4) == .wait(until: start - 2))
        #expect(machine.advance(now: start - 2) == .fetchSignatures)
        #expect(machine.advance(now: start - 1) == .wait(until: start))
        #expect(machine.advance(now: start) == .publish)
        #expect(machine.advance(now: start) == .publish)
        machine.startRound(timing: .init(interval: 20, voteDelay: 4, distributionDelay: 4), offset: 0, now: start)
        #expect(machine.schedule.intervalStarts == start + 20)
        #expect(machine.votes.isEmpty && machine.previousVotes.count == 3 && machine.consensuses.isEmpty)
    }

    @Test func `whoever comes late does what is left at once`() throws {
        var machine = try machine()
        let late = time("2026-11-24 22:50:41")
        #expect(machine.advance(now: late) == .vote)
        let identities = try keys().map(\.certificate.identity).sorted()
        #expect(machine.advance(now: late) == .fetchVotes(of: identities))
        #expect(machine.advance(now: late) == .tooFewVotes(have: 0, need: 2))
        #expect(machine.advance(now: late) == .wait(until: late - 1))
        #expect(machine.advance(now: late) == .publish)
    }

    @Test func `only votes that are missing are fetched`() throws {
        var machine = try machine()
        let start = machine.schedule.intervalStarts
        #expect(machine.advance(now: start - 8) == .vote)
        #expect(machine.receiveVote(try vote(0), postedAt: nil) == .stored)
        let missing = try keys()[1...].map(\.certificate.identity).sorted()
        #expect(machine.advance(now: start - 6) == .fetchVotes(of: missing))
        #expect(machine.receiveVote(try vote(1), postedAt: nil) == .stored)
        #expect(machine.advance(now: start - 4) == .compute)
    }

    @Test func `an authority alone computes and waits for nobody`() throws {
        var machine = try machine(of: 1)
        let start = machine.schedule.intervalStarts
        #expect(machine.advance(now: start - 8) == .vote)
        #expect(machine.receiveVote(try vote(0), postedAt: nil) == .stored)
        #expect(machine.advance(now: start - 6) == .wait(until: start - 4))
        #expect(machine.advance(now: start - 4) == .compute)
        _ = machine.setConsensuses(try pending(machine.votes, by: 0), certificates: [])
        #expect(machine.advance(now: start - 2) == .wait(until: start))
    }

    @Test func `no consensus is computed of votes that know nothing of Running`() throws {
        var machine = try machine(of: 1)
        let start = machine.schedule.intervalStarts
        #expect(machine.advance(now: start - 8) == .vote)
        let vote = try vote(0) { content in
            content.entries = []
            content.header.knownFlags.removeAll { $0 == "Running" }
        }
        #expect(machine.receiveVote(vote, postedAt: nil) == .stored)
        _ = machine.advance(now: start - 6)
        #expect(machine.advance(now: start - 4) == .nobodyIsRunning)
    }

    @Test func `votes of strangers, of other rounds and too late ones are refused`() throws {
        var machine = try machine(of: 2)
        let start = machine.schedule.intervalStarts
        #expect(
            machine.receiveVote(try vote(2), postedAt: start - 7)
                == .refused("Vote not from a recognized v3 authority"))
        let other = try vote(1) { $0.header.validAfter = $0.header.validAfter - 20 }
        #expect(machine.receiveVote(other, postedAt: start - 7) == .refused("Bad valid-after time"))
        #expect(
            machine.receiveVote(try vote(1), postedAt: start - 5)
                == .refused("Posted vote received too late, would be dangerous to count it"))
        #expect(machine.receiveVote(try vote(1), postedAt: nil) == .stored)
    }

    @Test func `a later vote replaces an earlier one and not the other way round`() throws {
        var machine = try machine()
        let early = try vote(1)
        let late = try vote(1) { $0.published = $0.published + 1 }
        #expect(machine.receiveVote(early, postedAt: nil) == .stored)
        #expect(machine.receiveVote(early, postedAt: nil) == .duplicate)
        #expect(machine.receiveVote(late, postedAt: nil) == .stored)
        #expect(machine.receiveVote(early, postedAt: nil) == .refused("Already have a newer pending vote"))
        #expect(machine.votes.map(\.digest) == [late.digest])
    }

    @Test func `signatures that come early wait for the consensus`() throws {
        let votes = try (0..<3).map { try vote($0) }
        let certificates = try keys().map(\.certificate)
        let others = try pending(votes, by: 1).map(\.consensus)
        let detached = try DetachedSignatures(parsing: #require(DetachedSignatures.encode(others)))
        var machine = try machine()
        #expect(machine.receiveSignatures(detached, certificates: certificates) == .queued)
        #expect(machine.setConsensuses(try pending(votes, by: 0), certificates: certificates) == 2)
        #expect(machine.receiveSignatures(detached, certificates: certificates) == .added(0))
        #expect(machine.consensuses.allSatisfy { $0.consensus.signatures.count == 2 })
        // Signatures on another consensus do not fit.
        let different = try pending(Array(votes.dropLast()), by: 1).map(\.consensus)
        let wrong = try DetachedSignatures(parsing: #require(DetachedSignatures.encode(different)))
        #expect(machine.receiveSignatures(wrong, certificates: certificates) == .refused("Mismatched digest."))
    }
}
