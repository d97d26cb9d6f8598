import Testing

@testable import Hooks

struct VerdictTests {
    @Test(arguments: Hook.allCases.filter(\.isOpen))
    func `of the answers to a door only those listed mean something`(hook: Hook) {
        let known: [Hook: Int] = [
            .initialise: 2, .cellReceived: 2, .cellSent: 2, .relayMessage: 4, .messagePackaging: 2, .onAck: 2,
            .stream: 3, .exit: 1, .timer: 1, .circuitOpened: 1, .circuitClosed: 1, .consensusChanged: 1,
        ]
        if let count = known[hook] {
            for answer in 0..<UInt64(count) { #expect(hook.verdictText(answer) != nil) }
            for answer in [UInt64(count), 255, 1 << 32, .max] { #expect(hook.verdictText(answer) == nil) }
        }
        #expect(hook.verdictText(.max) == nil)
    }

    @Test func `departure takes a delay with a hold and nothing else`() {
        #expect(DepartureVerdict(answer: 0) == .go)
        #expect(DepartureVerdict(answer: 1 | 5 << 32) == .hold(5))
        #expect(DepartureVerdict(answer: 1 | 2_000_000 << 32) == .hold(2_000_000))
        #expect(DepartureVerdict(answer: 2) == .paddingFirst)
        for answer: UInt64 in [1, 1 | 2_000_001 << 32, 1 << 32, 2 | 1 << 32, 3] {
            #expect(DepartureVerdict(answer: answer) == nil)
        }
    }

    @Test func `padding names a timer that exists`() {
        #expect(PaddingVerdict(answer: 0) == .nothing)
        #expect(
            PaddingVerdict(answer: 1 | 3 << 8 | 3 << 16 | 7 << 32) == .schedule(timer: 3, delay: 7, .all))
        #expect(PaddingVerdict(answer: 2 | 1 << 8) == .cancel(timer: 1))
        for answer: UInt64 in [1 | 4 << 8, 1 | 4 << 16, 1 | 1 << 24, 2 | 1 << 32, 3, 1 | 600_000_001 << 32, 1 << 32] {
            #expect(PaddingVerdict(answer: answer) == nil)
        }
    }

    @Test func `no acknowledgement for so many cells, and nothing else with a number`() {
        #expect(AckVerdict(answer: 0) == .no(0))
        #expect(AckVerdict(answer: 99 << 2) == .no(99))
        #expect(AckVerdict(answer: 0xF_FFFF << 2) == .no(0xF_FFFF))
        #expect(AckVerdict(answer: 1) == .yes)
        #expect(AckVerdict(answer: 2) == .destroyCircuit)
        for answer: UInt64 in [3, 5, 6, 7, 1 << 22, 1 << 32, .max] { #expect(AckVerdict(answer: answer) == nil) }
    }

    @Test func `numbers have ends`() {
        #expect(MaySendVerdict(answer: 0)?.description == "wait")
        #expect(MaySendVerdict(answer: 1 << 31) == nil)
        #expect(RankVerdict(answer: 31)?.quantum == 31)
        #expect(RankVerdict(answer: 0) == nil && RankVerdict(answer: 32) == nil)
        #expect(PathVerdict(answer: 256 << 16)?.factor == 256 << 16)
        #expect(PathVerdict(answer: 256 << 16 + 1) == nil)
    }
}

struct HookPointTests {
    @Test func `sections name doors`() {
        #expect(HookPoint(section: "init") == HookPoint(.initialise))
        #expect(HookPoint(section: "cell_sent/backward") == HookPoint(.cellSent, 1))
        #expect(HookPoint(section: "relay_message/3") == HookPoint(.relayMessage, 3))
        #expect(HookPoint(section: "relay_message/tor/2") == HookPoint(.relayMessage, 0x1_0002))
        #expect(HookPoint(section: "message_packaging/tor/2") == HookPoint(.messagePackaging, 0x1_0002))
        for name in [
            "", "initialise", "init/", "init/0", "cell_sent/up", "relay_message/", "relay_message/03",
            "relay_message/65536", "relay_message/tor/256", "relay_message/tor/", "message_packaging/2", "may_send/x/y",
        ] { #expect(HookPoint(section: name) == nil, "\(name)") }
    }

    @Test func `every door's spelling is read back`() {
        for hook in Hook.allCases {
            for parameter in [nil] + HookPoint.parameterNames(hook).indices.map({ UInt32($0) }) {
                let point = HookPoint(hook, parameter)
                #expect(HookPoint(section: point.description) == point)
            }
        }
    }

    @Test func `contexts have no gaps`() {
        for layout in ContextLayout.all {
            #expect(layout.size == (layout.fields.last.map { $0.offset + $0.width }), "\(layout.structName)")
            for field in layout.fields { #expect(field.offset % field.width == 0, "\(field.name)") }
            #expect(layout.fields.prefix(4).map(\.name) == ["size", "hook", "parameter", "hop"])
        }
        #expect(ContextLayout.all.map(\.hook) == Hook.allCases.filter(\.isOpen))
    }
}
