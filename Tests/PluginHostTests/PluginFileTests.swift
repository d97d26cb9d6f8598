import EBPF
import Hooks
import OnionCrypto
import Testing

@testable import PluginHost

struct PluginFileTests {
    @Test func `a plugin says who it is`() throws {
        let bytes = try Fixture.bytes("constant-rate.o")
        let file = try PluginFile(bytes: bytes)
        #expect(file.identity == SHA3_256.hash(bytes))
        #expect(file.metadata.name == "org.fanion.constant-rate")
        #expect(file.metadata.version.description == "1.0.0")
        #expect(file.metadata.failure == .closed && file.metadata.scope == .circuit && file.metadata.roles == .all)
        #expect(file.metadata.capabilities == [.time, .padding])
        #expect(file.metadata.counters == ["real", "padding", "held"])
        #expect(file.metadata.memory == 16384)
        #expect(file.placings.map(\.point.description) == ["init", "departure", "padding"])
    }

    @Test func `no truncated or damaged file gets in, and none does harm`() throws {
        let bytes = try Fixture.bytes("monitor.o")
        for count in 0..<bytes.count {
            #expect(throws: PluginError.self) { try Plugin(PluginFile(bytes: Array(bytes[..<count]))) }
        }
        var random = SplitMix(state: 5)
        for _ in 0..<2000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let plugin = try? Plugin(PluginFile(bytes: damaged)) else { continue }
            // Whatever it is now, it can be run.
            let test = TestHost()
            var doors = test.doors()
            guard (try? doors.attach(plugin)) != nil else { continue }
            var context = CellReceivedContext()
            _ = doors.cellReceived(&context)
        }
    }

    @Test func `every field of the description is checked`() throws {
        let file = try PluginFile(bytes: Fixture.bytes("monitor.o"))
        let section = try #require(file.object.metadata[".plugin"])
        #expect(try PluginMetadata(section: section) == file.metadata)
        for count in 0..<section.count {
            #expect(throws: PluginError.self) { try PluginMetadata(section: Array(section[..<count])) }
        }
        #expect(throws: PluginError.self) { try PluginMetadata(section: section + [0]) }
        func broken(_ offset: Int, _ value: UInt8) -> PluginError? {
            var copy = section
            copy[offset] = value
            do throws(PluginError) {
                _ = try PluginMetadata(section: copy)
                return nil
            } catch {
                return error
            }
        }
        let places: [(Int, UInt8, String)] = [
            (0, 0, "magic"), (4, 2, "abi"), (8, 0, "size"), (12, 2, "scope"), (16, 0, "roles"), (16, 4, "roles"),
            (20, 2, "failure"), (30, 1, "capabilities"), (25, 0x40, "capabilities"), (33, 1, "memory"),
            (46, 1, "version"),
            (56, 0x41, "name"), (59, 0x20, "name"), (119, 1, "name"), (120, 0x80, "counters"), (120, 0x2e, "counters"),
            (120, 0, "counters"), (503, 1, "counters"),
        ]
        for (offset, value, field) in places {
            guard case .metadata(field, _)? = broken(offset, value) else {
                Issue.record("\(field) at \(offset): \(String(describing: broken(offset, value)))")
                continue
            }
        }
    }

    @Test func `errors say what to change`() {
        #expect(PluginError.noSuchDoor(section: "cell_sended").description.contains("cell_sent"))
        #expect(PluginError.noMetadata.description.contains("FANION_PLUGIN"))
        #expect(PluginError.mustFailClosed(because: "may_send").description.contains("FANION_CLOSED"))
        #expect(PluginError.notGranted([.log, .read]).description.contains("FANION_CAP_LOG | FANION_CAP_READ"))
    }

    @Test func `what a host or its operator does not allow is over budget`() throws {
        let file = try PluginFile(bytes: Fixture.bytes("constant-rate.o"))
        var budget = PluginBudget()
        budget.paddingPerSecond = 100
        #expect(throws: PluginError.overBudget(".padding_per_second", asked: 1000, allowed: 100)) {
            try Plugin(file, grant: Grant(budget: budget))
        }
        budget = PluginBudget()
        budget.memory = 8192
        #expect(throws: PluginError.overBudget(".memory", asked: 16384, allowed: 8192)) {
            try Plugin(file, grant: Grant(budget: budget))
        }
    }
}

struct PluginScriptTests {
    private static func reason(_ text: String) -> String? {
        do throws(PluginScript.Failure) {
            _ = try PluginScript(text: text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `a script is lines of events and answers`() throws {
        let script = try PluginScript(text: "# nothing\n\ndeparture/backward queue=0x10 -> hold  5 # late\nat +5\n")
        #expect(script.events.map(\.line) == [3, 4])
        #expect(script.events[0].expected == "hold 5")
        #expect(script.events[0].fields.map(\.name) == ["queue"])
    }

    @Test func `what means nothing is said with its line`() {
        #expect(Self.reason("departure queue=1")?.contains("line 1: say which: departure/forward|backward") == true)
        #expect(Self.reason("\ncell_sended")?.contains("line 2: cell_sended is no door") == true)
        #expect(Self.reason("cell_sent/forward sent=1")?.contains("has no field sent") == true)
        #expect(Self.reason("cell_sent/forward queue=many")?.contains("takes a number") == true)
        #expect(Self.reason("-> go")?.contains("without an event") == true)
        #expect(Self.reason("relay_message")?.contains("say which") == true)
    }
}
