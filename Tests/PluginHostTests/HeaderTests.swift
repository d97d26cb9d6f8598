import EBPF
import Foundation
import Hooks
import Testing

@testable import PluginHost

struct HeaderTests {
    @Test func `contexts lie in C as they lie in Swift`() throws {
        guard let clang = Fixture.clang else { return }
        var source = "#include <stddef.h>\n#include \"fanion.h\"\n"
        for layout in ContextLayout.all {
            source +=
                "_Static_assert(sizeof(struct \(layout.structName)) == \(layout.size), \"\(layout.structName)\");\n"
            for field in layout.fields {
                let place = "offsetof(struct \(layout.structName), \(field.name))"
                source += "_Static_assert(\(place) == \(field.offset), \"\(layout.structName).\(field.name)\");\n"
                let width = "sizeof(((struct \(layout.structName) *)0)->\(field.name))"
                source += "_Static_assert(\(width) == \(field.width), \"\(layout.structName).\(field.name)\");\n"
            }
        }
        try check(source, clang)
    }

    @Test func `every context of the header is one of ours`() throws {
        let header = try String(contentsOf: Fixture.plugins.appending(path: "include/fanion.h"), encoding: .utf8)
        let names = header.split(separator: "\n").compactMap { line -> Substring? in
            line.hasPrefix("struct ") && line.hasSuffix("_ctx {") ? line.dropFirst(7).dropLast(2) : nil
        }
        #expect(Set(names.map(String.init)) == Set(ContextLayout.all.map(\.structName)))
        // And no field more.
        let fields = header.split(separator: "\n").count { $0.hasPrefix("    __u") && $0.hasSuffix(";") }
        let metadata = 12
        let arrays = ContextLayout.all.flatMap(\.fields).count { $0.name.hasSuffix("]") && !$0.name.hasSuffix("[0]") }
        #expect(fields == ContextLayout.all.reduce(0) { $0 + $1.fields.count - 4 } - arrays + metadata - 1)
    }

    @Test func `capabilities, helpers and verdicts mean the same in C`() throws {
        guard let clang = Fixture.clang else { return }
        var source = "#include \"fanion.h\"\n"
        func expect(_ expression: String, _ value: UInt64) {
            source += "_Static_assert((__u64)(\(expression)) == \(value)ULL, \"\(expression)\");\n"
        }
        for (bit, name) in Capabilities.names.enumerated() {
            expect("FANION_CAP_\(name.uppercased())", 1 << UInt64(bit))
        }
        expect("FANION_ABI", UInt64(PluginMetadata.abi))
        expect("FANION_TOR_COMMAND", UInt64(HookPoint.torCommand))
        expect("sizeof(struct fanion_plugin)", 504)
        for (name, hook, text) in [
            ("FANION_READY", Hook.initialise, "ready"), ("FANION_REFUSE", .initialise, "refuse"),
            ("FANION_OBSERVED", .cellSent, "observed"), ("FANION_DESTROY_CELL", .cellSent, "destroy"),
            ("FANION_DEFAULT", .relayMessage, "default"), ("FANION_HANDLED", .relayMessage, "handled"),
            ("FANION_DROP", .relayMessage, "drop"), ("FANION_DESTROY_MESSAGE", .relayMessage, "destroy"),
            ("FANION_TAKEN", .messagePackaging, "taken"), ("FANION_DESTROY_STREAM", .stream, "destroy"),
            ("FANION_WAIT", .maySend, "wait"), ("FANION_ACK_NO", .ackDue, "no"), ("FANION_ACK_YES", .ackDue, "yes"),
            ("FANION_ACK_VIOLATION", .ackDue, "destroy"), ("FANION_ACCEPTED", .onAck, "accepted"),
            ("FANION_ON_ACK_VIOLATION", .onAck, "destroy"), ("FANION_GO", .departure, "go"),
            ("FANION_HOLD(2000000)", .departure, "hold 2000000"), ("FANION_PADDING_FIRST", .departure, "padding"),
            ("FANION_NOTHING", .padding, "nothing"), ("FANION_CANCEL(3)", .padding, "cancel 3"),
            ("FANION_PAD(2, 17, FANION_BYPASSING | FANION_REPLACING)", .padding, "pad 2 17 bypassing replacing"),
            ("FANION_WEIGHT_SAME", .choosePath, "weight 65536"), ("FANION_VETO", .choosePath, "veto"),
        ] {
            let answer = (0...6).map(UInt64.init).first { hook.verdictText($0) == text }
            if let answer { expect(name, answer) }
        }
        expect("FANION_HOLD(2000000)", 1 | 2_000_000 << 32)
        expect("FANION_PAD(2, 17, FANION_BYPASSING | FANION_REPLACING)", 1 | 2 << 8 | 3 << 16 | 17 << 32)
        expect("FANION_CANCEL(3)", 2 | 3 << 8)
        expect("FANION_ACK_NO_FOR(99)", 99 << 2)
        for (name, event) in [
            ("OPENED", PaddingEvent.opened), ("CELL_SENT", .cellSent), ("CELL_RECEIVED", .cellReceived),
            ("SENT", .paddingSent), ("RECEIVED", .paddingReceived), ("REPLACED", .replaced),
            ("HOLD_BEGINS", .holdBegins), ("HOLD_ENDS", .holdEnds),
        ] { expect("FANION_PADDING_\(name)", UInt64(event.rawValue)) }
        try check(source, clang)
    }

    @Test func `helpers have the numbers that the header says`() throws {
        let header = try String(contentsOf: Fixture.plugins.appending(path: "include/fanion.h"), encoding: .utf8)
        var numbers: [String: Int32] = [:]
        for line in header.split(separator: "\n") where line.hasPrefix("FANION_HELPER(") {
            let parts = line.dropFirst("FANION_HELPER(".count).split(separator: ",")
            let name = parts[2].drop { $0 == " " }.dropFirst("fanion_".count)
            numbers[String(name)] = Int32(parts[0])
        }
        #expect(numbers == Dictionary(uniqueKeysWithValues: HelperTable.all.map { ($0.helper.name, $0.helper.number) }))
    }

    @Test func `fixtures are what their sources say`() throws {
        guard let clang = Fixture.clang else { return }
        try Fixture.withFolder { folder in
            let result = try Fixture.run(
                Fixture.directory.appending(path: "build").path, [clang, folder.path])
            #expect(result.status == 0, "\(result.output)")
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                #expect(
                    FileManager.default.contentsEqual(
                        atPath: folder.appending(path: name).path,
                        andPath: Fixture.directory.appending(path: name).path),
                    "\(name) is out of date: run Fixtures/build")
            }
        }
    }

    private func check(_ source: String, _ clang: String) throws {
        try Fixture.withFolder { folder in
            let file = folder.appending(path: "check.c")
            try source.write(to: file, atomically: true, encoding: .utf8)
            for target in [["--target=bpf"], []] {
                let result = try Fixture.run(
                    clang,
                    target + [
                        "-std=c11", "-ffreestanding", "-fsyntax-only", "-I",
                        Fixture.plugins.appending(path: "include").path, file.path,
                    ])
                #expect(result.status == 0, "\(result.output)")
            }
        }
    }
}
