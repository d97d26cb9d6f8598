import EBPF
import Hooks
import Testing

@testable import PluginHost

struct DoorsTests {
    private static func cell(_ doors: inout Doors, _ direction: CellDirection = .forward) -> Answer<CellVerdict> {
        var context = CellReceivedContext()
        context.parameter = direction.rawValue
        return doors.cellReceived(&context)
    }

    @Test func `observers stand side by side, deciders alone`() throws {
        let test = TestHost()
        var doors = test.doors()
        let monitor = try Fixture.plugin("monitor")
        try doors.attach(monitor)
        try doors.attach(Fixture.plugin("upgrade-1"))
        #expect(Self.cell(&doors) == .verdict(.observed))
        #expect(test["received_forward"] == 1 && test["cells"] == 1)
        try doors.attach(Fixture.plugin("sendme"))
        #expect(throws: PluginFailure.doorTaken(HookPoint(.maySend))) {
            try doors.attach(Fixture.plugin("hostile-meek"))
        }
        #expect(doors.plugins.count == 3)
        try doors.attach(Fixture.plugin("constant-rate"), arguments: Array("5000".utf8))
        #expect(throws: PluginFailure.tooManyPlugins) { try doors.attach(monitor) }
        #expect(doors.detach(monitor.file.identity) == true)
        #expect(doors.detach(monitor.file.identity) == false)
        #expect(Self.cell(&doors) == .verdict(.observed))
        #expect(test["received_forward"] == 1 && test["cells"] == 2)
    }

    @Test func `doors know who attends them`() throws {
        let test = TestHost()
        var doors = test.doors()
        #expect(doors.attended == [])
        let plugin = try Fixture.plugin("sendme")
        try doors.attach(plugin)
        #expect(doors.attended == [DoorSet(.initialise), DoorSet(.maySend), DoorSet(.ackDue), DoorSet(.onAck)])
        #expect(doors.attended.contains(.maySend) && !doors.attended.contains(.cellSent))
        doors.close()
        #expect(doors.attended == [])
    }

    @Test func `a plugin is for a scope and a role`() throws {
        let test = TestHost()
        var circuit = test.doors()
        #expect(throws: PluginFailure.wrongPlace) { try circuit.attach(Fixture.plugin("ewma")) }
        var host = test.doors(scope: .host)
        #expect(throws: PluginFailure.wrongPlace) { try host.attach(Fixture.plugin("monitor")) }
        try host.attach(Fixture.plugin("ewma"))
    }

    @Test func `a newer version takes over between two cells`() throws {
        let test = TestHost()
        var doors = test.doors()
        let (old, new) = (try Fixture.plugin("upgrade-1"), try Fixture.plugin("upgrade-2"))
        try doors.attach(old)
        for _ in 0..<5 { #expect(Self.cell(&doors) == .verdict(.observed)) }
        // One that refuses leaves the old one where it is.
        #expect(throws: PluginFailure.refused) { try doors.upgrade(to: new, arguments: Array("n".utf8)) }
        #expect(doors.plugins.map(\.metadata.version.minor) == [1])
        #expect(Self.cell(&doors) == .verdict(.observed))
        try doors.upgrade(to: new)
        #expect(doors.plugins.map(\.metadata.version.minor) == [2])
        #expect(Self.cell(&doors) == .verdict(.observed))
        let counters = test.host.counters
        #expect(counters.map(\.version.minor) == [1, 2])
        #expect(counters[0]["cells"] == 6 && counters[0]["exits"] == 1)
        #expect(counters[1]["taken_over"] == 6 && counters[1]["cells"] == 1)
        // Not back, and not to itself.
        #expect(throws: PluginFailure.nothingToReplace) { try doors.upgrade(to: old) }
        #expect(throws: PluginFailure.nothingToReplace) { try doors.upgrade(to: new) }
    }

    @Test func `a thousand instances come and go under load`() throws {
        let test = TestHost()
        let plugins = [
            try Fixture.plugin("monitor"), try Fixture.plugin("upgrade-1"), try Fixture.plugin("constant-rate"),
        ]
        var random = SplitMix(state: 3)
        let circuits = (0..<100).map { _ in DoorsBox(test) }
        var attached = 0
        while attached < 1000 {
            let box = circuits[Int.random(in: 0..<circuits.count, using: &random)]
            let plugin = plugins[Int.random(in: 0..<plugins.count, using: &random)]
            if box.doors.plugins.contains(where: { $0 === plugin }) {
                #expect(box.doors.detach(plugin.file.identity) == true)
            } else {
                try box.doors.attach(plugin)
                attached += 1
            }
            for other in circuits.prefix(20) { #expect(Self.cell(&other.doors) != .destroyCircuit) }
            test.host.now += 50
        }
        let there = circuits.reduce(0) { $0 + $1.doors.plugins.count }
        #expect(test["attached"] == 1000 && test["detached"] == UInt64(1000 - there))
        for box in circuits { box.doors.close() }
        #expect(test["detached"] == 1000)
        #expect(test["faults"] + test["bad_verdicts"] + test["over_budget"] == 0)
        // 300 of 16 KiB at most were there at once.
        #expect(test.host.memory <= 8 << 20)
    }

    @Test func `a peer's clock is coarse`() throws {
        let test = TestHost()
        let file = try PluginFile(bytes: Fixture.bytes("constant-rate.o"))
        var grant = Grant(bringer: .peer)
        grant.budget.paddingPerSecond = 1000
        var doors = test.doors()
        test.host.now = 1_000_050
        try doors.attach(Plugin(file, grant: grant), arguments: Array("10000".utf8))
        var context = DepartureContext()
        context.parameter = 1
        test.host.now = 1_000_099
        // As if it were 1,000,000 still.
        #expect(doors.departure(&context) == .verdict(.hold(10_000)))
    }

    @Test func `padding timers run out one by one`() throws {
        let test = TestHost()
        var doors = test.doors()
        try doors.attach(Fixture.plugin("constant-rate"), arguments: Array("10000".utf8))
        var context = PaddingContext()
        context.parameter = 1
        #expect(doors.padding(&context) == .verdict(.schedule(timer: 0, delay: 10_000, .all)))
        #expect(doors.nextDeadline == 10_000)
        #expect(doors.takeDuePadding() == nil)
        test.host.now = 10_001
        #expect(
            doors.takeDuePadding()
                == DuePadding(direction: .backward, timer: 0, isBypassing: true, isReplacing: true))
        #expect(doors.takeDuePadding() == nil)
        #expect(doors.nextDeadline == .max)
        #expect(doors.admitPadding() == true)
        // Whoever goes leaves no timer behind.
        context.event = PaddingEvent.paddingSent.rawValue
        _ = doors.padding(&context)
        #expect(doors.nextDeadline != .max)
        doors.close()
        #expect(doors.nextDeadline == .max)
    }

    @Test func `counters of loops are summed`() throws {
        let plugin = try Fixture.plugin("monitor")
        let loops = try (0..<3).map { _ in
            let test = TestHost()
            var doors = test.doors()
            try doors.attach(plugin)
            for _ in 0..<5 { _ = Self.cell(&doors, .backward) }
            return test.host.counters
        }
        let sums = PluginCounters.sum(loops)
        #expect(sums.count == 1)
        #expect(sums[0]["received_backward"] == 15 && sums[0]["attached"] == 3)
        #expect(sums[0].line.hasPrefix("org.fanion.monitor 1.0.0 circuits=3 "))
    }
}
