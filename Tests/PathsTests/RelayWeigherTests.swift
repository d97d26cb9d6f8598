import Cells
import Directory
import Hooks
import Paths
import ProtocolTestKit
import Testing

/// Answers at `choose_path` by a rule.
private struct Rule: RelayWeigher {
    /// The factor, in units of 1/65,536; nil: as if nobody stood there.
    let factor: @Sendable (ChoosePathContext) -> UInt32?

    func beginChoice() -> Bool { true }

    func choosePath(_ context: inout ChoosePathContext) -> Answer<PathVerdict> {
        guard let factor = factor(context), let verdict = PathVerdict(answer: UInt64(factor)) else { return .builtIn }
        return .verdict(verdict)
    }
}

struct RelayWeigherTests {
    private var random = SeededRandom(seed: 5)

    @Test mutating func `relays that are vetoed are not chosen, and without others nobody is`() throws {
        let view = TestNetwork.view([
            TestNetwork.relay(1, bandwidth: 1_000_000), TestNetwork.relay(2, bandwidth: 7), TestNetwork.relay(3),
        ])
        var selector = PathSelector(view: view, rules: PathRules())
        selector.weigher = Rule { $0.parameter == 1 && $0.bandwidth == 7 ? 65_536 : 0 }
        for _ in 0..<20 { #expect(try selector.middle(between: [], using: &random).nickname == "relay2") }
        selector.weigher = Rule { _ in 0 }
        let failure = #expect(throws: PathFailure.self) { try selector.middle(between: [], using: &random) }
        #expect(failure?.constraint == .plugin && failure?.candidateCount == 3)
        // Nobody who stands there decides: as without.
        selector.weigher = Rule { _ in nil }
        var names: Set<String> = []
        for _ in 0..<50 { names.insert(try selector.middle(between: [], using: &random).nickname) }
        #expect(names.contains("relay1"))
    }

    @Test mutating func `a weight is multiplied`() throws {
        let view = TestNetwork.view((0..<10).map { TestNetwork.relay($0, bandwidth: UInt32(100 + $0)) })
        var selector = PathSelector(view: view, rules: PathRules())
        selector.weigher = Rule { $0.bandwidth == 103 ? 256 << 16 : 65_536 }
        var hits = 0
        for _ in 0..<300 where try selector.middle(between: [], using: &random).nickname == "relay3" { hits += 1 }
        // 256 of about 265.
        #expect(hits > 270, "\(hits)")
    }

    @Test mutating func `positions are told as they are, and a relay's number stays the same`() throws {
        let view = TestNetwork.view(guards: 3)
        // Counted by what the answers do: exits only at the exit, and everybody at the entry.
        var selector = PathSelector(view: view, rules: PathRules())
        selector.weigher = Rule { context in
            switch context.parameter {
            case 0: context.isGuard == 1 ? 65_536 : 0
            case 1: context.isGuard == 0 && context.isExit == 0 ? 65_536 : 0
            default: context.isExit == 1 ? 65_536 : 0
            }
        }
        let exit = try selector.exit(for: [.connect(address: nil, port: 80)], using: &random)
        let entry = try selector.entry(avoiding: [exit], using: &random)
        let middle = try selector.middle(between: [entry, exit], using: &random)
        #expect(entry.flags.contains(.guard) && !middle.flags.contains(.guard) && exit.isExit)
    }

    @Test mutating func `guards that are vetoed are neither sampled nor used`() throws {
        let relays = (0..<40).map { TestNetwork.relay($0, .guard, bandwidth: UInt32(1_000 + $0 % 2)) }
        let view = TestNetwork.view(relays)
        var guards = GuardSelection(version: "test", now: TestNetwork.start)
        let parameters = GuardParameters(view.parameters)
        guards.update(view: view, rules: PathRules(), parameters: parameters, now: TestNetwork.start, using: &random)
        let before = guards.current.guards.filter(\.isFiltered).count
        guards.update(
            view: view, rules: PathRules(), parameters: parameters,
            weigher: Rule { $0.bandwidth == 1_001 ? 65_536 : 0 },
            now: TestNetwork.start, using: &random)
        let left = guards.current.guards.filter(\.isFiltered)
        #expect(before > 0 && !left.isEmpty)
        for sampled in left { #expect(view[sampled.identity]?.bandwidth == 1_001) }
        for _ in 0..<10 {
            let choice = guards.choose(for: .traffic, now: TestNetwork.start, using: &random)
            #expect(choice?.relay.bandwidth == 1_001)
        }
    }
}
