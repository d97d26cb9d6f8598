import Cells
import Directory
import Testing

@Suite struct FlagAssignmentTests {
    private let now = WallTime(seconds: 1_800_000_000)
    private static let day: Int64 = 86_400

    /// A relay that was watched for `days`, always up, with so much bandwidth.
    private func relay(_ number: UInt8, days: Int64 = 30, bandwidth: UInt32 = 1000) throws -> FlagCandidate {
        var relay = FlagCandidate(
            identity: try #require(RSAIdentity([UInt8](repeating: number, count: 20))),
            address: 0x0A00_0000 + UInt32(number),
            published: WallTime(seconds: now.seconds - 3600))
        relay.statedUptime = days * Self.day
        relay.answersDirectoryRequests = true
        relay.wantsToBeHSDir = true
        relay.advertisedBandwidth = bandwidth
        relay.lastReachable = now
        relay.history = RelayHistory(
            weightedRunLength: 0, runWeight: 0, weightedUptime: 0, weightedTimeWatched: 0,
            runStart: WallTime(seconds: now.seconds - days * Self.day), downtimeStart: nil)
        return relay
    }

    private func assign(
        _ relays: [FlagCandidate], _ options: FlagOptions = FlagOptions(), votesOnRunning: Bool = true
    ) -> FlagAssignment {
        FlagAssignment(
            of: relays, running: Set(relays.filter { $0.isRunning(at: now, options: options) }.map(\.identity)),
            trackingSince: WallTime(seconds: now.seconds - 90 * Self.day), ownUptime: 90 * Self.day,
            votesOnRunning: votesOnRunning, options: options, now: now)
    }

    @Test func `old and fast relays are guards, young or slow ones are not`() throws {
        var relays = try (1...16).map { try relay(UInt8($0), days: 20, bandwidth: 1000) }
        relays.append(try relay(20, days: 30, bandwidth: 90_000))
        relays.append(try relay(21, days: 1, bandwidth: 90_000))
        relays.append(try relay(22, days: 30, bandwidth: 10))
        let assignment = assign(relays)
        let good = assignment.flags(of: relays[16])
        #expect(good == [.fast, .guard, .hsDir, .running, .stable, .v2Dir, .valid])
        let young = assignment.flags(of: relays[17])
        #expect(!young.contains(.guard) && !young.contains(.stable) && !young.contains(.hsDir) && young.contains(.fast))
        let slow = assignment.flags(of: relays[18])
        #expect(!slow.contains(.fast) && !slow.contains(.guard) && slow.contains(.stable))
        #expect(assignment.thresholds.fastBandwidth == 102)
        #expect(
            assignment.thresholds.line.description.hasPrefix(
                "stable-uptime=1731600 stable-mtbf=1728000 fast-speed=102000 guard-wfu=98.000% guard-tk=691200 "))
        #expect(assignment.thresholds.line.description.hasSuffix("enough-mtbf=1 ignoring-advertised-bws=0"))
    }

    @Test func `a relay runs while it answered in the last 45 minutes`() throws {
        let options = FlagOptions()
        var relay = try relay(1)
        relay.lastReachable = WallTime(seconds: now.seconds - 45 * 60 + 1)
        #expect(relay.isRunning(at: now, options: options))
        relay.lastReachable = WallTime(seconds: now.seconds - 45 * 60)
        #expect(!relay.isRunning(at: now, options: options))
        relay.lastReachable = nil
        #expect(!relay.isRunning(at: now, options: options))
        var trusting = options
        trusting.testsReachability = false
        #expect(relay.isRunning(at: now, options: trusting))
        relay.isHibernating = true
        #expect(!relay.isRunning(at: now, options: trusting))
        #expect(!relay.isRunning(at: now, options: options, isSelf: true))
        relay.isHibernating = false
        #expect(relay.isRunning(at: now, options: options, isSelf: true))

        relay.lastReachable = now
        relay.ipv6 = SocketEndpoint("[2001:db8::1]:9001")
        #expect(relay.isRunning(at: now, options: options))
        #expect(relay.votedIPv6(at: now, options: options) == nil)
        var dual = options
        dual.hasIPv6Connectivity = true
        #expect(!relay.isRunning(at: now, options: dual))
        relay.lastReachableIPv6 = now
        #expect(relay.isRunning(at: now, options: dual))
        #expect(relay.votedIPv6(at: now, options: dual) == relay.ipv6)
    }

    @Test func `more than two at one address are Sybils, the least useful ones`() throws {
        var relays = try (1...4).map { try relay(UInt8($0), bandwidth: 1000 * UInt32($0)) }
        for index in relays.indices { relays[index].address = 0x0A00_0001 }
        relays[0].isAuthority = true
        let assignment = assign(relays)
        #expect(assignment.thresholds.sybils == [relays[1].identity, relays[2].identity])
        #expect(assignment.flags(of: relays[1]) == [.sybil])
        #expect(assignment.flags(of: relays[3]).contains(.running))
        var unlimited = FlagOptions()
        unlimited.maximumPerAddress = 0
        #expect(assign(relays, unlimited).thresholds.sybils.isEmpty)
    }

    @Test func `an operator's wishes count`() throws {
        var relays = try (1...8).map { try relay(UInt8($0), bandwidth: 90_000) }
        for index in relays.indices { relays[index].isGeneralExit = true }
        relays[0].wishes.isMiddleOnly = true
        relays[1].wishes.isBadExit = true
        relays[2].wishes.votesGuard = true
        relays[2].lastReachable = nil
        relays[3].wishes.votesExit = true
        relays[3].isGeneralExit = false
        relays[4].wishes.exitIsStrict = true
        // Without the lists, nobody hears of bad exits.
        let plain = assign(relays)
        #expect(plain.flags(of: relays[0]).contains(.exit))
        #expect(!plain.flags(of: relays[1]).contains(.badExit))
        #expect(plain.flags(of: relays[2]).contains(.guard) && !plain.flags(of: relays[2]).contains(.running))
        #expect(!plain.flags(of: relays[3]).contains(.exit) && plain.flags(of: relays[4]).contains(.exit))
        var options = FlagOptions()
        options.listsBadExits = true
        options.listsMiddleOnly = true
        options.isTestingNetwork = true
        let assignment = assign(relays, options)
        let middle = assignment.flags(of: relays[0])
        #expect(middle.isSuperset(of: [.middleOnly, .badExit, .running]))
        #expect(middle.isDisjoint(with: [.exit, .guard, .hsDir, .v2Dir]))
        #expect(assignment.flags(of: relays[1]).isSuperset(of: [.badExit, .exit]))
        #expect(assignment.flags(of: relays[3]).contains(.exit) && !assignment.flags(of: relays[4]).contains(.exit))
        #expect(
            assignment.knownFlags == [
                "Authority", "BadExit", "Exit", "Fast", "Guard", "HSDir", "MiddleOnly", "Running", "Stable",
                "StaleDesc",
                "Sybil", "V2Dir", "Valid",
            ])
        #expect(RelayFlags([.authority, .exit]).bits(in: assignment.knownFlags) == 0b101)
    }

    @Test func `an authority that is new says nothing of who runs`() throws {
        let relays = try (1...4).map { try relay(UInt8($0)) }
        let assignment = assign(relays, votesOnRunning: false)
        #expect(!assignment.knownFlags.contains("Running"))
        #expect(!assignment.flags(of: relays[0]).contains(.running))
    }

    @Test func `a descriptor of eighteen hours is stale`() throws {
        var relays = try (1...4).map { try relay(UInt8($0)) }
        relays[0].published = WallTime(seconds: now.seconds - 18 * 3600 - 1)
        relays[1].published = WallTime(seconds: now.seconds - 18 * 3600)
        let assignment = assign(relays)
        #expect(assignment.flags(of: relays[0]).contains(.staleDesc))
        #expect(!assignment.flags(of: relays[1]).contains(.staleDesc))
    }

    @Test func `no relays at all give thresholds too`() {
        let assignment = assign([])
        #expect(
            assignment.thresholds.line
                == "stable-uptime=0 stable-mtbf=0 fast-speed=0 guard-wfu=0.000% guard-tk=0 guard-bw-inc-exits=0 guard-bw-exc-exits=0 enough-mtbf=1 ignoring-advertised-bws=0"
        )
    }
}
