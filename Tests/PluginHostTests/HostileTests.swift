import EBPF
import Hooks
import Testing

@testable import PluginHost

/// What a plugin can try, and what becomes of it: it goes, and nothing else does.
struct HostileTests {
    private static let engines: [Module.Engine] = [.automatic, .interpreter]

    /// Doors with one hostile plugin that has been told what to do.
    private static func doors(
        _ test: TestHost, _ mode: Character, name: String = "hostile", verdict: UInt64 = 0,
        engine: Module.Engine = .automatic, budget: PluginBudget = PluginBudget()
    ) throws -> Doors {
        var doors = test.doors(scope: name == "hostile-host" ? .host : .circuit, budget: budget)
        let number = (0..<8).map { UInt8(truncatingIfNeeded: verdict >> UInt64(8 * $0)) }
        try doors.attach(
            Fixture.plugin(name, grant: Grant(budget: budget), engine: engine),
            arguments: Array(String(mode).utf8) + number)
        return doors
    }

    private static func cell(_ doors: inout Doors) -> Answer<CellVerdict> {
        var context = CellReceivedContext()
        return doors.cellReceived(&context)
    }

    @Test(arguments: engines)
    func `an endless loop ends, and takes the circuit along if it must`(engine: Module.Engine) throws {
        let test = TestHost()
        var closed = try Self.doors(test, "l", engine: engine)
        #expect(Self.cell(&closed) == .destroyCircuit)
        #expect(closed.mustDestroy && closed.plugins.isEmpty && closed.attended == [])
        var open = try Self.doors(test, "l", name: "hostile-open", engine: engine)
        #expect(Self.cell(&open) == .builtIn)
        #expect(!open.mustDestroy && open.plugins.isEmpty)
        // And nobody is asked any more.
        #expect(Self.cell(&open) == .builtIn)
        #expect(test["faults"] == 2)
        #expect(test["detached"] == 2)
        guard case .fault(let fault)? = test.notes.failures.first else {
            Issue.record("no fault")
            return
        }
        #expect(fault.kind == .outOfFuel)
    }

    @Test(arguments: engines)
    func `recursion and a wild call are faults`(engine: Module.Engine) throws {
        let test = TestHost()
        var deep = try Self.doors(test, "r", engine: engine)
        #expect(Self.cell(&deep) == .destroyCircuit)
        var wild = try Self.doors(test, "n", engine: engine)
        for _ in 0..<999 { #expect(Self.cell(&wild) == .verdict(.observed)) }
        #expect(Self.cell(&wild) == .destroyCircuit)
        let kinds = test.notes.failures.compactMap { if case .fault(let fault) = $0 { fault.kind } else { nil } }
        #expect(kinds == [.callTooDeep])
        #expect(test["faults"] == 2)
    }

    @Test func `a bad verdict is a failure at every door of a circuit`() throws {
        for verdict: UInt64 in [77, .max, 1 << 32, 1 << 63] {
            for door in 0..<11 {
                let test = TestHost()
                var doors = try Self.doors(test, "v", verdict: verdict)
                let isDestroyed = Self.ask(door, &doors)
                // 77 cells are a fine answer to `may_send`, and so are those of any number in range.
                if door == 7, verdict == 77 { continue }
                #expect(isDestroyed == true, "door \(door), verdict \(verdict)")
                #expect(doors.plugins.isEmpty)
                #expect(test["bad_verdicts"] == 1)
            }
        }
    }

    /// Asks at one door; whether the circuit is to be destroyed.
    private static func ask(_ door: Int, _ doors: inout Doors) -> Bool {
        switch door {
        case 0:
            var context = CircuitOpenedContext()
            return doors.circuitOpened(&context) == .destroyCircuit
        case 1:
            var context = CircuitClosedContext()
            return doors.circuitClosed(&context) == .destroyCircuit
        case 2: return cell(&doors) == .destroyCircuit
        case 3:
            var context = CellSentContext()
            return doors.cellSent(&context) == .destroyCircuit
        case 4:
            var context = RelayMessageContext()
            var rewritten: [UInt8]?
            return doors.relayMessage(&context, data: RawSpan(), rewritten: &rewritten) == .destroyCircuit
        case 5:
            var context = MessagePackagingContext()
            return doors.messagePackaging(&context, data: RawSpan()) == .destroyCircuit
        case 6:
            var context = StreamContext()
            return doors.stream(&context) == .destroyCircuit
        case 7:
            var context = MaySendContext()
            return doors.maySend(&context) == .destroyCircuit
        case 8:
            var context = AckDueContext()
            return doors.ackDue(&context) == .destroyCircuit
        case 9:
            var context = OnAckContext()
            return doors.onAck(&context) == .destroyCircuit
        default:
            var context = DepartureContext()
            return doors.departure(&context) == .destroyCircuit
        }
    }

    @Test func `a bad verdict of a host's plugin leaves the built-in`() throws {
        for verdict: UInt64 in [0, 32, .max] {
            let test = TestHost()
            var doors = try Self.doors(test, "v", name: "hostile-host", verdict: verdict)
            var context = RankContext()
            #expect(doors.rank(&context) == .builtIn)
            #expect(doors.plugins.isEmpty && !doors.mustDestroy)
        }
        let test = TestHost()
        var doors = try Self.doors(test, "v", name: "hostile-host", verdict: 1 << 25)
        var context = ChoosePathContext()
        #expect(doors.choosePath(&context) == .builtIn)
        #expect(test["bad_verdicts"] == 1)
    }

    @Test func `padding and destroying take capabilities`() throws {
        for (door, verdict): (Int, UInt64) in [(2, 1), (3, 1), (4, 3), (6, 2), (10, 2)] {
            let test = TestHost()
            var doors = try Self.doors(test, "v", name: "hostile-meek", verdict: verdict)
            #expect(Self.ask(door, &doors) == true)
            #expect(test["bad_verdicts"] == 1)
            // With them the same answer is a verdict.
            let other = TestHost()
            var able = try Self.doors(other, "v", verdict: verdict)
            _ = Self.ask(door, &able)
            #expect(other["bad_verdicts"] == 0 && able.plugins.count == 1)
        }
        let test = TestHost()
        var doors = try Self.doors(test, "v", name: "hostile-meek", verdict: 1)
        var context = PaddingContext()
        #expect(doors.padding(&context) == .destroyCircuit)
    }

    @Test func `what is asked for and withheld keeps a plugin out`() throws {
        let file = try PluginFile(bytes: Fixture.bytes("hostile.o"))
        for capability in file.metadata.capabilities.list {
            let bit = try #require(Capabilities.names.firstIndex(of: capability))
            let withheld = Capabilities(rawValue: 1 << UInt64(bit))
            #expect(throws: PluginError.notGranted(withheld)) {
                try Plugin(file, grant: Grant(capabilities: Capabilities.all.subtracting(withheld)))
            }
        }
        // A peer's never logs, whatever the policy says.
        #expect(throws: PluginError.notGranted(.log)) { try Plugin(file, grant: Grant(bringer: .peer)) }
    }

    @Test func `a flood of padding ends at its budget`() throws {
        let test = TestHost()
        var doors = try Self.doors(test, "p", name: "hostile-open")
        var cells: UInt32 = 0
        while !doors.plugins.isEmpty {
            _ = Self.cell(&doors)
            while case .padding(_, let count)? = doors.takeRequest() { cells += count }
        }
        #expect(cells == 100)
        #expect(test.notes.failures == [.paddingBudget])
    }

    @Test func `a flood of messages ends at its budget`() throws {
        let test = TestHost()
        var doors = try Self.doors(test, "m")
        #expect(Self.cell(&doors) == .destroyCircuit)
        var messages = 0
        while doors.takeRequest() != nil { messages += 1 }
        #expect(messages == 32)
        #expect(test.notes.failures == [.messageBudget])
    }

    @Test func `a memory hog gets its arena and no more`() throws {
        let test = TestHost()
        var doors = try Self.doors(test, "h")
        for _ in 0..<100 { _ = Self.cell(&doors) }
        #expect(test.host.memory <= 2 << 20)
        // The pool has an end too.
        var budget = PluginBudget()
        budget.totalMemory = 2 << 20
        let small = TestHost(budget: budget)
        let plugin = try Fixture.plugin("hostile")
        var circuits: [DoorsBox] = []
        var failure: PluginFailure?
        for _ in 0..<1000 where failure == nil {
            let box = DoorsBox(small)
            do throws(PluginFailure) { try box.doors.attach(plugin) } catch { failure = error }
            circuits.append(box)
        }
        #expect(failure == .noMemory)
        #expect(small.host.memory <= 2 << 20)
        // Who goes makes room.
        circuits.first?.doors.close()
        try circuits.last?.doors.attach(plugin)
    }

    @Test(arguments: engines)
    func `writing everywhere stays inside, and the host goes on`(engine: Module.Engine) throws {
        let test = TestHost()
        var attacker = try Self.doors(test, "w", engine: engine)
        var neighbour = try Self.doors(test, "B", engine: engine)
        let identity = neighbour.plugins[0].file.identity
        let before = neighbour.memory(of: identity)
        for _ in 0..<40 { _ = Self.cell(&attacker) }
        let after = neighbour.memory(of: identity)
        #expect(before != nil && after == before)
        #expect(Self.cell(&neighbour) == .verdict(.observed))
    }

    @Test func `a slow plugin is stopped by its share of the processor`() throws {
        let test = TestHost()
        var doors = try Self.doors(test, "s", name: "hostile-open")
        var calls = 0
        while !doors.plugins.isEmpty, calls < 1_000_000 {
            _ = Self.cell(&doors)
            calls += 1
            // A thousand cells a second.
            test.host.now += 1000
        }
        #expect(test.notes.failures == [.cpuBudget])
        // Thirty million of fuel a second is what 1 % of a core is; each call takes about 14,000, charged threefold.
        #expect((600...3500).contains(calls), "\(calls)")
    }

    @Test func `nonsense for helpers comes back as such`() throws {
        let test = TestHost()
        var doors = try Self.doors(test, "g", name: "hostile-open")
        for _ in 0..<50 { #expect(Self.cell(&doors) == .verdict(.observed)) }
        #expect(doors.plugins.count == 1 && test.notes.lines.isEmpty)
        var wild = try Self.doors(test, "a", name: "hostile-open")
        #expect(Self.cell(&wild) == .builtIn)
        #expect(wild.plugins.isEmpty)
    }

    @Test func `a timer that sets itself again does not hold up the loop`() throws {
        let test = TestHost()
        var doors = try Self.doors(test, "t", name: "hostile-open")
        _ = Self.cell(&doors)
        let before = test["calls"]
        _ = doors.runTimers()
        #expect(test["calls"] - before == 8)
        #expect(doors.nextDeadline == test.host.now)
    }

    @Test func `detaching from within a call is done when the call is over`() throws {
        let test = TestHost()
        var doors = try Self.doors(test, "d")
        #expect(Self.cell(&doors) == .verdict(.observed))
        #expect(doors.plugins.isEmpty && !doors.mustDestroy)
        #expect(Self.cell(&doors) == .builtIn)
        #expect(test["detached"] == 1 && test["faults"] == 0)
    }

    @Test func `init can refuse, fail, or say too much`() throws {
        for mode: Character in ["I", "V", "L", "A"] {
            let test = TestHost()
            var doors = test.doors()
            let plugin = try Fixture.plugin("hostile")
            #expect(throws: PluginFailure.self) { try doors.attach(plugin, arguments: Array(String(mode).utf8)) }
            #expect(doors.plugins.isEmpty && doors.attended == [])
            #expect(test["attached"] == 0)
        }
        let test = TestHost()
        var doors = test.doors()
        let answer = try doors.attach(Fixture.plugin("hostile"), arguments: Array("B".utf8))
        #expect(answer == Array(0..<64))
    }

    @Test func `an exit that does not end is cut off`() throws {
        let test = TestHost()
        var doors = try Self.doors(test, "E")
        doors.close()
        #expect(doors.plugins.isEmpty)
        #expect(test["detached"] == 1)
    }

    @Test func `messages are rewritten within a cell, or not at all`() throws {
        let data: [UInt8] = Array("hello".utf8)
        let test = TestHost()
        var doors = try Self.doors(test, "R")
        var context = RelayMessageContext()
        var rewritten: [UInt8]?
        #expect(doors.relayMessage(&context, data: data.span.bytes, rewritten: &rewritten) == .verdict(.byDefault))
        #expect(rewritten == Array("ok".utf8))
        var tooLong = try Self.doors(test, "Q")
        context = RelayMessageContext()
        #expect(tooLong.relayMessage(&context, data: data.span.bytes, rewritten: &rewritten) == .destroyCircuit)
        #expect(rewritten == nil)
        var delivering = try Self.doors(test, "D")
        context = RelayMessageContext()
        #expect(delivering.relayMessage(&context, data: data.span.bytes, rewritten: &rewritten) == .verdict(.handled))
        #expect(delivering.takeRequest() == .deliver(hop: 0, command: 2, stream: 7, bytes: data))
        #expect(delivering.takeRequest() == nil)
    }

    @Test func `a secret of the host is nowhere that a plugin can look`() throws {
        // Canaries: in memory around the slots, before and after them.
        let canary: [UInt8] = (0..<32).map { UInt8($0) &* 37 &+ 11 }
        var secrets = [[UInt8]](repeating: canary, count: 100)
        let test = TestHost()
        var doors = try Self.doors(test, "k")
        secrets.append(contentsOf: [[UInt8]](repeating: canary, count: 100))
        let shown: [UInt8] = Array(repeating: 0x41, count: 509)
        var messages = 0
        for _ in 0..<3 {
            var context = CellReceivedContext()
            _ = doors.cellReceived(&context, body: shown.span.bytes)
            while let request = doors.takeRequest() {
                guard case .message(_, _, _, let bytes) = request else { continue }
                messages += 1
                #expect(!Self.contains(bytes, canary))
            }
            test.host.now += 1_000_000
        }
        #expect(messages > 30)
        for plugin in doors.plugins {
            let memory = doors.memory(of: plugin.file.identity) ?? []
            #expect(!Self.contains(memory, canary))
        }
        // No address of the host either: nothing in the arena looks like one of its heap or stack.
        let place = secrets.withUnsafeBufferPointer { UInt64(UInt(bitPattern: $0.baseAddress)) } >> 32
        for plugin in doors.plugins {
            let memory = doors.memory(of: plugin.file.identity) ?? []
            for index in stride(from: 0, to: memory.count - 8, by: 8) {
                let word = (0..<8).reduce(UInt64(0)) { $0 | UInt64(memory[index + $1]) << UInt64(8 * $1) }
                #expect(word >> 32 != place || place == 0)
            }
        }
        #expect(secrets.count == 200)
    }

    private static func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
        guard bytes.count >= pattern.count else { return false }
        return (0...bytes.count - pattern.count).contains { start in
            bytes[start] == pattern[0] && bytes[start..<start + pattern.count].elementsEqual(pattern)
        }
    }
}

/// Doors in a place that can be kept in an array.
final class DoorsBox {
    private let test: TestHost
    var doors: Doors

    init(_ test: TestHost, role: PluginRoles = .relay) {
        self.test = test
        doors = test.doors(role)
    }
}
