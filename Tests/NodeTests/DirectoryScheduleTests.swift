import Cells
import Directory
import OnionCrypto
import Paths
import ProtocolTestKit
import Testing

@testable import Node

@Suite struct DirectoryScheduleTests {
    private let start = WallTime(text: "2026-01-01 00:00:00")!

    @Test func `each wait lies between the least and three times the last`() {
        var random = SeededRandom(seed: 1)
        let now = ContinuousClock.now
        var schedule = DownloadSchedule(initialDelay: .seconds(5), now: now)
        #expect(!schedule.isReady(at: now) && schedule.isReady(at: now + .seconds(5)))
        var last: Int64 = 5
        for _ in 0..<50 {
            schedule.fail(now: now, using: &random)
            let wait = now.duration(to: schedule.nextAttempt).components.seconds
            #expect(wait >= 5 && wait <= max(6, min(last * 3, DirectoryClientLimits.longestDelay)))
            last = wait
        }
        #expect(schedule.failures == 50)
        schedule.succeed(now: now)
        #expect(schedule.isReady(at: now) && schedule.failures == 0)
        // Testing networks wait for a second at least.
        var quick = DownloadSchedule(initialDelay: .zero, now: now)
        #expect(quick.isReady(at: now))
        quick.fail(now: now, using: &random)
        #expect(quick.nextAttempt == now + .seconds(1))
    }

    @Test func `clients fetch late, caches soon, and nobody after the end`() {
        let fresh = start + 3600
        let valid = start + 3 * 3600
        // C Tor's numbers for the public network: 45 minutes past fresh-until, then 7/8 of what is left.
        let client = ConsensusFetchTime.window(start, fresh, valid, .client)
        #expect(client == (fresh.seconds + 2700)..<(fresh.seconds + 2700 + 3937))
        #expect(
            ConsensusFetchTime.window(start, fresh, valid, .early)
                == (fresh.seconds + 120)..<(fresh.seconds + 120 + 1800))
        #expect(
            ConsensusFetchTime.window(start, fresh, valid, .extraEarly)
                == (fresh.seconds + 120)..<(fresh.seconds + 180))
        // A network that votes every ten seconds.
        let hasty = ConsensusFetchTime.window(start, start + 10, start + 20, .early)
        #expect(hasty == (start.seconds + 11)..<(start.seconds + 16))
        for interval: Int64 in [1, 2, 5, 20, 300] {
            for eagerness in [ConsensusFetchTime.Eagerness.client, .early, .extraEarly] {
                let end = start + 2 * interval
                let window = ConsensusFetchTime.window(start, start + interval, end, eagerness)
                #expect(window.map { $0.upperBound < end.seconds && !$0.isEmpty } == true)
            }
        }
        var random = SeededRandom(seed: 2)
        #expect(
            ConsensusFetchTime.draw(
                validAfter: start, freshUntil: fresh, validUntil: valid, now: valid + 1, eagerness: .client,
                using: &random) == valid + 1)
        #expect(ConsensusFetchTime.window(start, start, start, .client) == nil)
    }

    @Test func `many documents are split among three, few are not split`() {
        #expect(DownloadPlan.batches([Int]()).isEmpty)
        #expect(DownloadPlan.batches([3, 1, 2]) == [[1, 2, 3]])
        #expect(DownloadPlan.batches(Array(0..<33)).map(\.count) == [32, 1])
        #expect(DownloadPlan.batches(Array(0..<300)).map(\.count) == [100, 100, 100])
        #expect(DownloadPlan.batches(Array(0..<3000)).map(\.count) == [Int](repeating: 500, count: 6))
    }

    @Test func `a descriptor is published at first, on change, after 18 hours, and sooner if nobody lists it`() {
        var machine = PublishMachine()
        var now = start
        #expect(machine.due(at: now) == "initial")
        machine.publish(at: now)
        #expect(machine.due(at: now + 3600) == nil)
        machine.markDirty("config change")
        machine.markDirty("bandwidth has changed")
        #expect(machine.due(at: now + 59) == nil)
        #expect(machine.due(at: now + 60) == "config change")
        now = now + 60
        machine.publish(at: now)
        machine.consensusChanged(.missing)
        #expect(machine.due(at: now + 90 * 60 - 1) == nil)
        #expect(machine.due(at: now + 90 * 60) == "not listed in consensus")
        machine.publish(at: now)
        machine.consensusChanged(.stale)
        #expect(machine.due(at: now + 90 * 60) == "listed as stale in consensus")
        machine.publish(at: now)
        machine.consensusChanged(.listed(published: now - 13 * 3600))
        #expect(machine.due(at: now + 4 * 3600) == nil)
        #expect(machine.due(at: now + 5 * 3600) == "version listed in consensus is quite old")
        machine.publish(at: now)
        machine.consensusChanged(.listed(published: nil))
        #expect(machine.due(at: now + 18 * 3600 - 1) == nil)
        #expect(machine.due(at: now + 18 * 3600) == "time for new descriptor")
        // A clock that was set back must not stop it.
        machine.publish(at: now)
        machine.markDirty("IP address changed")
        #expect(machine.due(at: now - 100) == "IP address changed")
    }

    private func relay(_ number: UInt8, _ flags: RelayFlags, bandwidth: UInt32, isKnown: Bool) -> RelayFacts {
        var relay = RelayFacts(
            rsaIdentity: RSAIdentity([UInt8](repeating: number, count: 20))!,
            endpoints: [SocketEndpoint(address: .v4(0x0102_0300 + UInt32(number)), port: 9001)],
            flags: flags.union([.running, .valid, .fast]), protocols: "Relay=1-4", bandwidth: bandwidth)
        if isKnown {
            relay.onionKey = .init([UInt8](repeating: 9, count: 32))
            if flags.contains(.exit) { relay.ipv4Policy = .acceptAll }
        }
        return relay
    }

    @Test func `enough is known when the product of three known fractions is large enough`() {
        func assess(_ relays: [RelayFacts], needed: Double? = nil) -> DirectoryAssessment {
            DirectoryAssessment(
                NetworkView(relays: relays, validAfter: start, validUntil: start + 3600), pathsNeeded: needed)
        }
        var relays = [
            relay(1, [.guard], bandwidth: 80, isKnown: true), relay(2, [.guard], bandwidth: 20, isKnown: false),
            relay(3, [.exit], bandwidth: 100, isKnown: true), relay(4, [], bandwidth: 100, isKnown: true),
        ]
        let first = assess(relays)
        #expect(first.present == 3 && first.usable == 4 && first.hasExits)
        #expect(abs(first.guards - 0.8) < 1e-9 && abs(first.middles - 280.0 / 300) < 1e-9 && first.exits == 1)
        #expect(first.needed == 0.6 && first.isEnough && first.progress == 0)
        let strict = assess(relays, needed: 0.9)
        #expect(!strict.isEnough && strict.progress == 50 + Int(strict.paths / 0.9 * 24))
        #expect(strict.text.hasPrefix("We need more microdescriptors: we have 3/4, and can only build 74% of likely"))
        // No exits at all: the middle counts twice.
        relays.remove(at: 2)
        let without = assess(relays)
        #expect(!without.hasExits && without.exits == without.middles)
        #expect(without.text.contains("no exits in consensus"))
        // An exit that is there but unknown must be waited for.
        relays.append(relay(5, [.exit], bandwidth: 100, isKnown: false))
        #expect(!assess(relays).hasExits)
        #expect(assess([]).paths == 0 && !assess([]).isEnough)
    }
}
