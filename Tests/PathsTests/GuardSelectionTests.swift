import Cells
import Directory
import Paths
import ProtocolTestKit
import Testing

struct GuardSelectionTests {
    private var random = SeededRandom(seed: 5)
    private var now = TestNetwork.start
    private var guards = GuardSelection(version: "test", now: TestNetwork.start)

    private mutating func update(
        _ view: NetworkView, _ rules: PathRules = PathRules(), _ parameters: GuardParameters = GuardParameters()
    ) {
        guards.update(view: view, rules: rules, parameters: parameters, now: now, using: &random)
    }

    private mutating func choose(
        _ restriction: GuardRestriction? = nil, _ usage: GuardUsage = .traffic
    ) -> GuardChoice? {
        guards.choose(for: usage, restriction: restriction, now: now, using: &random)
    }

    private mutating func succeed(_ choice: GuardChoice) -> GuardCircuitState {
        guards.succeeded(choice.ticket, now: now, using: &random)
    }

    @Test mutating func `a sample is drawn and its first three are primary`() throws {
        update(TestNetwork.view(guards: 200))
        #expect(guards.current.name == "default")
        #expect(guards.current.guards.count == 20)
        #expect(guards.current.primaries == guards.current.guards.prefix(3).map(\.identity))
        #expect(guards.isDirty)
        #expect(guards.events.count == 20)
        let first = try #require(choose())
        #expect(first.relay.rsaIdentity == guards.current.primaries[0])
        #expect(first.state == .usableOnCompletion)
        #expect(succeed(first) == .complete)
        #expect(guards.current.guards[0].confirmedIndex == 0)
        // Everything goes through the same guard.
        for _ in 0..<20 { #expect(choose()?.relay == first.relay) }
    }

    @Test mutating func `the sample never grows beyond its limit`() {
        update(TestNetwork.view(guards: 30))
        // A fifth of 30 is 6, but 20 must be there.
        #expect(guards.current.guards.count == 20)
        var parameters = GuardParameters()
        parameters.minFilteredSample = 5
        guards = GuardSelection(version: "test", now: now)
        update(TestNetwork.view(guards: 30), PathRules(), parameters)
        #expect(guards.current.guards.count == 5)
    }

    @Test mutating func `directory requests spread over three guards`() {
        update(TestNetwork.view(guards: 100))
        var seen: Set<RSAIdentity> = []
        for _ in 0..<60 {
            if let choice = choose(nil, .directory) { seen.insert(choice.relay.rsaIdentity) }
        }
        #expect(seen == Set(guards.current.primaries))
        let excluded = GuardRestriction.excluding([guards.current.primaries[0]])
        for _ in 0..<20 {
            #expect(choose(excluded, .directory)?.relay.rsaIdentity != guards.current.primaries[0])
        }
    }

    @Test mutating func `when a primary guard is down the next one serves, and later the first again`() throws {
        update(TestNetwork.view(guards: 100))
        let primaries = guards.current.primaries
        guards.failed(try #require(choose()).ticket, now: now)
        let second = try #require(choose())
        #expect(second.relay.rsaIdentity == primaries[1])
        #expect(succeed(second) == .complete)
        now = now + 599
        #expect(choose()?.relay.rsaIdentity == primaries[1])
        now = now + 2
        // Ten minutes have passed: the first is tried again. (The second is confirmed, and may come first in the list
        // only by its place in the sample.)
        #expect(choose()?.relay.rsaIdentity == primaries[0])
    }

    @Test mutating func `with all primary guards down a circuit waits for a better guard, then is upgraded`() throws {
        update(TestNetwork.view(guards: 100))
        for _ in 0..<3 { guards.failed(try #require(choose()).ticket, now: now) }
        #expect(guards.allPrimariesAreDown)
        let fourth = try #require(choose())
        #expect(fourth.state == .usableIfNoBetterGuard)
        let fifth = try #require(choose())
        #expect(fifth.relay != fourth.relay)
        // The fifth answers first, and becomes primary only if it is confirmed among the first three.
        let state = succeed(fifth)
        #expect(state == .complete)
        #expect(guards.current.primaries.contains(fifth.relay.rsaIdentity))
    }

    @Test mutating func `a circuit through a late guard waits while a better one may answer`() throws {
        update(TestNetwork.view(guards: 100))
        // Three primaries work, then fail.
        for index in 0..<3 {
            let choice = try #require(choose(.excluding(Set(guards.current.primaries.prefix(index)))))
            #expect(succeed(choice) == .complete)
            guards.release(choice.ticket)
        }
        #expect(guards.current.guards.prefix(3).allSatisfy { $0.confirmedIndex != nil })
        now = now + 60
        for _ in 0..<3 { guards.failed(try #require(choose()).ticket, now: now) }
        let fourth = try #require(choose())
        let fifth = try #require(choose())
        #expect(succeed(fifth) == .waitingForBetterGuard)
        // The fifth is confirmed now, the fourth is not: nothing better is under way.
        #expect(guards.upgradeWaiting(now: now) == [fifth.ticket.id])
        #expect(guards.upgradeWaiting(now: now) == [])
        #expect(succeed(fourth) == .waitingForBetterGuard)
        // The fifth's circuit is complete and its guard was confirmed earlier.
        #expect(guards.upgradeWaiting(now: now) == [])
        guards.release(fifth.ticket)
        #expect(guards.upgradeWaiting(now: now) == [fourth.ticket.id])
        now = now + 601
        #expect(guards.expiredWaiting(now: now) == [])
    }

    @Test mutating func `a circuit that waits too long expires`() throws {
        update(TestNetwork.view(guards: 100))
        for index in 0..<3 {
            let choice = try #require(choose(.excluding(Set(guards.current.primaries.prefix(index)))))
            _ = succeed(choice)
        }
        for _ in 0..<3 { guards.failed(try #require(choose()).ticket, now: now) }
        let late = try #require(choose())
        #expect(succeed(late) == .waitingForBetterGuard)
        #expect(guards.expiredWaiting(now: now + 600) == [])
        #expect(guards.expiredWaiting(now: now + 601) == [late.ticket.id])
    }

    @Test mutating func `after a long silence a late guard's success gives the primaries another try`() throws {
        update(TestNetwork.view(guards: 100))
        for index in 0..<3 {
            _ = succeed(try #require(choose(.excluding(Set(guards.current.primaries.prefix(index))))))
        }
        now = now + 700
        for _ in 0..<3 { guards.failed(try #require(choose()).ticket, now: now) }
        let late = try #require(choose())
        #expect(succeed(late) == .waitingForBetterGuard)
        #expect(!guards.allPrimariesAreDown)
    }

    @Test mutating func `a guard related to the exit is passed over`() throws {
        update(TestNetwork.view(guards: 50))
        let primaries = guards.current.primaries
        let exit = try #require(TestNetwork.view(guards: 50)[primaries[0]])
        #expect(choose(.exit(exit))?.relay.rsaIdentity == primaries[1])
        #expect(choose()?.relay.rsaIdentity == primaries[0])
    }

    @Test mutating func `when nothing may be tried all are marked for another try`() throws {
        var parameters = GuardParameters()
        parameters.minFilteredSample = 2
        update(TestNetwork.view(guards: 2), PathRules(), parameters)
        for _ in 0..<2 { guards.failed(try #require(choose()).ticket, now: now) }
        #expect(choose() == nil)
        #expect(choose() != nil)
    }

    @Test mutating func `EntryNodes that leave few guards have a sample of their own`() throws {
        var rules = PathRules()
        rules.entryNodes = TestNetwork.set(3, 4)
        update(TestNetwork.view(guards: 100), rules)
        #expect(guards.current.name == "restricted")
        #expect(Set(guards.current.guards.map(\.identity)) == [TestNetwork.identity(3), TestNetwork.identity(4)])
        // Without the rule the normal sample comes back; both are kept.
        update(TestNetwork.view(guards: 100))
        #expect(guards.current.name == "default")
        #expect(guards.stateLines.count == 22)
        // A filter that leaves enough applies after sampling.
        rules.entryNodes = .none
        rules.excludedNodes = RelaySet { [excluded = guards.current.primaries[0]] in $0.rsaIdentity == excluded }
        update(TestNetwork.view(guards: 100), rules)
        #expect(guards.current.name == "default")
        #expect(choose()?.relay.rsaIdentity != guards.current.guards[0].identity)
    }

    @Test mutating func `guards that are unlisted or old are forgotten`() throws {
        update(TestNetwork.view(guards: 100))
        let gone = guards.current.primaries[0]
        let rest = TestNetwork.view(guards: 100).relays.filter { $0.rsaIdentity != gone }
        update(TestNetwork.view(rest))
        #expect(guards.current.guards[0].isListed == false)
        #expect(choose()?.relay.rsaIdentity != gone)
        now = now + 21 * 86_400
        update(TestNetwork.view(rest, at: now))
        #expect(!guards.current.guards.contains { $0.identity == gone })
        let confirmed = try #require(choose())
        _ = succeed(confirmed)
        now = now + 61 * 86_400
        update(TestNetwork.view(rest, at: now))
        #expect(!guards.current.guards.contains { $0.identity == confirmed.relay.rsaIdentity })
        now = now + 121 * 86_400
        let survivors = Set(guards.current.guards.map(\.identity))
        update(TestNetwork.view(rest, at: now))
        #expect(
            guards.current.guards.allSatisfy { !survivors.contains($0.identity) || $0.sampledOn > now - 86_400 * 13 })
    }

    @Test mutating func `an old consensus changes nothing`() {
        update(TestNetwork.view(guards: 100, at: now - 3 * 86_400))
        #expect(guards.current.guards.isEmpty)
        #expect(choose() == nil)
    }

    @Test mutating func `the state file brings the same guards back`() throws {
        update(TestNetwork.view(guards: 100))
        _ = succeed(try #require(choose()))
        let lines = guards.stateLines
        var again = GuardSelection(stateLines: lines, version: "later", now: now)
        #expect(again.stateLines == lines)
        again.update(
            view: TestNetwork.view(guards: 100), rules: PathRules(), parameters: GuardParameters(), now: now,
            using: &random)
        #expect(again.current.primaries == guards.current.primaries)
        #expect(again.stateLines == lines)
    }

    @Test func `lines that C Tor wrote are read and written back`() {
        // In the order of C Tor's fields, with path bias counts and a field of the future.
        let lines = [
            "in=default rsa_id=0123456789ABCDEF0123456789ABCDEF01234567 nickname=alpha sampled_on=2026-05-01T11:12:13 "
                + "sampled_idx=0 sampled_by=0.4.9.11 listed=1 confirmed_on=2026-05-02T00:00:01 confirmed_idx=0 "
                + "pb_use_attempts=2.000000 pb_circ_attempts=9.000000 future=yes",
            "in=default rsa_id=1123456789ABCDEF0123456789ABCDEF01234567 nickname=beta sampled_on=2026-05-03T11:12:13 "
                + "sampled_idx=1 sampled_by=0.4.9.11 unlisted_since=2026-06-01T01:02:03 listed=0",
            "in=bridges rsa_id=2123456789ABCDEF0123456789ABCDEF01234567 bridge_addr=192.0.2.1:443 "
                + "sampled_on=2026-05-03T11:12:13 sampled_idx=0 listed=1",
        ]
        let guards = GuardSelection(stateLines: lines, version: "test", now: TestNetwork.start)
        #expect(guards.stateLines == lines)
        #expect(guards.current.guards.map(\.nickname) == ["alpha", "beta"])
        #expect(guards.current.guards[0].confirmedOn == WallTime(text: "2026-05-02 00:00:01"))
        #expect(guards.current.guards[1].isListed == false)
    }

    @Test func `broken lines lose only what is broken`() {
        let guards = GuardSelection(
            stateLines: [
                "in=default rsa_id=XYZ", "rsa_id=0123456789ABCDEF0123456789ABCDEF01234567", "",
                "in=default rsa_id=0123456789ABCDEF0123456789ABCDEF01234567 sampled_on=yesterday sampled_idx=-7 "
                    + "listed=1 confirmed_idx=99999999999",
                "in=default rsa_id=0123456789ABCDEF0123456789ABCDEF01234567 sampled_idx=2147483647 listed=1",
            ], version: "test", now: TestNetwork.start)
        #expect(
            guards.stateLines == [
                "in=default rsa_id=0123456789ABCDEF0123456789ABCDEF01234567 sampled_on=2026-01-01T00:00:00 "
                    + "sampled_idx=0 listed=1"
            ])
    }

    @Test func `retries become rarer`() {
        let hour: Int64 = 3600
        #expect(SampledGuard.retryDelay(failingFor: 0, isPrimary: true) == 600)
        #expect(SampledGuard.retryDelay(failingFor: 6 * hour, isPrimary: false) == hour)
        #expect(SampledGuard.retryDelay(failingFor: 7 * hour, isPrimary: true) == 5400)
        #expect(SampledGuard.retryDelay(failingFor: 24 * 5 * hour, isPrimary: true) == 4 * hour)
        #expect(SampledGuard.retryDelay(failingFor: 24 * 8 * hour, isPrimary: false) == 36 * hour)
    }
}
