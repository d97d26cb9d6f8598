import Cells
import Directory
import Testing

struct SharedRandomStateTests {
    private let interval: Int64 = 20
    private let secret: () -> [UInt8] = { [UInt8](repeating: 9, count: 32) }

    private func own() throws -> RSAIdentity { try #require(RSAIdentity([UInt8](repeating: 1, count: 20))) }

    private func time(_ text: String) throws -> WallTime { try #require(WallTime(text: text)) }

    @Test func `C Tor's reveals give C Tor's value`() throws {
        // The last vote of a run, and the consensus after it.
        let vote = try Vote(parsing: NetworkStatusFixtures.bytes("reveal-vote-auth1"))
        let consensus = try Consensus(parsing: NetworkStatusFixtures.bytes("fresh-consensus-ns"))
        let commits = try #require(vote.content.sharedRandom?.commits)
        #expect(commits.count == 3 && commits.allSatisfy { $0.isRevealValid })
        var file = Array("Version 1\nValidAfter 2026-11-24 22:55:40\nValidUntil 2026-11-24 22:56:00\n".utf8)
        for commit in commits { file += "Commit ".utf8 + commit.text.bytes + [0x0A] }
        let now = try time("2026-11-24 22:55:41")
        var state = try #require(SharedRandomState(file: file, now: now, interval: interval))
        #expect(state.phase == .reveal && state.commits.count == 3)
        state.prepare(
            for: try time("2026-11-24 22:56:00"), interval: interval, own: try own(), trusted: { _ in true },
            random: secret)
        #expect(state.current == consensus.header.currentSharedRandom)
        #expect(state.isFresh && state.phase == .commit)
        #expect(try state.commits.keys.map { $0 } == [own()])
        state.take(consensus)
        #expect(!state.isFresh && state.current == consensus.header.currentSharedRandom)
    }

    @Test func `a value hangs on the one before it and on trusted authorities only`() throws {
        let vote = try Vote(parsing: NetworkStatusFixtures.bytes("reveal-vote-auth1"))
        let commits = try #require(vote.content.sharedRandom?.commits)
        func value(_ extra: String, trusted: (RSAIdentity) -> Bool) throws -> SharedRandomValue? {
            var file = Array("Version 1\nValidAfter 2026-11-24 22:55:40\nValidUntil 2026-11-24 22:56:00\n".utf8)
            file += extra.utf8
            for commit in commits { file += "Commit ".utf8 + commit.text.bytes + [0x0A] }
            var state = try #require(
                SharedRandomState(file: file, now: try time("2026-11-24 22:55:41"), interval: interval))
            state.prepare(
                for: try time("2026-11-24 22:56:00"), interval: interval, own: try own(), trusted: trusted,
                random: secret)
            return state.current
        }
        let plain = try value("", trusted: { _ in true })
        let line = "SharedRandCurrentValue 3 8qLE9hvuK/UCP4OJ5UJpH7ZHNVg4xQYjVYlzOu4UUzc=\n"
        #expect(try value(line, trusted: { _ in true }) != plain)
        let two = try value("", trusted: { $0 != commits[0].identity })
        #expect(two != plain && two?.revealCount == 2)
    }

    @Test func `a commit is made once, told in the commit phase and revealed later`() throws {
        let begin = try time("2026-11-24 22:56:00")
        var state = SharedRandomState(now: begin - 5, interval: interval)
        state.prepare(for: begin, interval: interval, own: try own(), trusted: { _ in true }, random: secret)
        let commit = try #require(state.commits[try own()])
        #expect(commit.isRevealValid)
        #expect(state.statement.phase == .commit)
        state.prepare(for: begin + 20, interval: interval, own: try own(), trusted: { _ in true }, random: { [] })
        #expect(state.commits[try own()] == commit)
        state.prepare(for: begin + 240, interval: interval, own: try own(), trusted: { _ in true }, random: { [] })
        #expect(state.statement.phase == .reveal && state.statement.commits == [commit])
    }

    @Test func `only an authority's own commit is taken, and only in its phase`() throws {
        let commitVote = try Vote(parsing: NetworkStatusFixtures.bytes("fresh-vote-auth1"))
        let revealVote = try Vote(parsing: NetworkStatusFixtures.bytes("reveal-vote-auth1"))
        var state = SharedRandomState(now: try time("2026-11-24 22:56:05"), interval: interval)
        state.receive(revealVote)
        #expect(state.commits.isEmpty)
        state.receive(commitVote)
        #expect(state.commits.keys.map { $0 } == [commitVote.identity])
        // In the reveal phase nobody new is taken.
        var late = SharedRandomState(now: try time("2026-11-24 22:55:45"), interval: interval)
        late.receive(revealVote)
        #expect(late.commits.isEmpty)
        // A commit that is known gets its reveal.
        let own = try #require(revealVote.content.sharedRandom?.commits.first { $0.identity == revealVote.identity })
        let text = "Version 1\nValidAfter 2026-11-24 22:55:40\nValidUntil 2026-11-24 22:56:00\nCommit "
        var known = try #require(
            SharedRandomState(
                file: Array(text.utf8) + own.withoutReveal.text.bytes + [0x0A],
                now: try time("2026-11-24 22:55:41"), interval: interval))
        #expect(known.commits[own.identity]?.reveal == nil)
        known.receive(revealVote)
        #expect(known.commits[own.identity] == own)
    }

    @Test func `the state survives its file`() throws {
        let begin = try time("2026-11-24 22:56:00")
        var state = SharedRandomState(now: begin - 5, interval: interval)
        state.prepare(for: begin, interval: interval, own: try own(), trusted: { _ in true }, random: secret)
        let file = state.file(now: begin, version: "x")
        let back = try #require(SharedRandomState(file: file, now: begin, interval: interval))
        #expect(back.commits == state.commits && back.phase == state.phase && back.validUntil == state.validUntil)
        #expect(SharedRandomState(file: file, now: begin + 1000, interval: interval) == nil)
        #expect(SharedRandomState(file: Array("Version 2\n".utf8), now: begin, interval: interval) == nil)
    }
}
