import Cells
import Directory
import Paths
import ProtocolTestKit
import Testing

struct PathSelectorTests {
    private var random = SeededRandom(seed: 11)

    private func failure(_ body: () throws -> RelayFacts) -> PathFailure? {
        do {
            _ = try body()
            return nil
        } catch { return error as? PathFailure }
    }

    @Test mutating func `an exit serves the stream`() throws {
        let view = TestNetwork.view([
            TestNetwork.relay(1, .exit, policy: PortPolicy(isAccept: true, ports: [80...80])),
            TestNetwork.relay(2, .exit, policy: PortPolicy(isAccept: false, ports: [80...80])),
            TestNetwork.relay(3, [.exit, .badExit], policy: .acceptAll), TestNetwork.relay(4),
        ])
        let selector = PathSelector(view: view, rules: PathRules())
        for _ in 0..<20 {
            let web = try selector.exit(for: [.connect(address: nil, port: 80)], using: &random)
            #expect(web.nickname == "relay1")
            let other = try selector.exit(for: [.connect(address: IPAddress("192.0.2.1"), port: 22)], using: &random)
            #expect(other.nickname == "relay2")
            let resolver = try selector.exit(for: [.resolve], using: &random)
            #expect(["relay1", "relay2"].contains(resolver.nickname))
        }
        // Nobody's IPv6 policy lets anything out.
        let v6 = ExitDemand.connect(address: IPAddress("2001:db8::1"), port: 80)
        #expect(!selector.canExit(v6))
        #expect(failure { try selector.exit(for: [v6], using: &random) }?.constraint == .exitPolicy)
    }

    @Test mutating func `an exit is chosen that serves most of the waiting streams`() throws {
        let view = TestNetwork.view([
            TestNetwork.relay(1, .exit, bandwidth: 1_000_000, policy: PortPolicy(isAccept: true, ports: [80...80])),
            TestNetwork.relay(2, .exit, bandwidth: 1, policy: PortPolicy(isAccept: true, ports: [80...80, 443...443])),
        ])
        let selector = PathSelector(view: view, rules: PathRules())
        let streams = [ExitDemand.connect(address: nil, port: 80), .connect(address: nil, port: 443)]
        for _ in 0..<10 { #expect(try selector.exit(for: streams, using: &random).nickname == "relay2") }
    }

    @Test mutating func `relays of one family or one subnet do not meet`() throws {
        let exit = TestNetwork.relay(1, .exit, policy: .acceptAll, address: "10.1.0.1", family: [2, 3])
        let relays = [
            exit, TestNetwork.relay(2, family: [1]), TestNetwork.relay(3), TestNetwork.relay(4, address: "10.1.9.9"),
        ]
        var selector = PathSelector(view: TestNetwork.view(relays), rules: PathRules())
        // 2 is of the family, both say so; 3 has not agreed; 4 is a neighbour.
        for _ in 0..<20 { #expect(try selector.middle(between: [exit], using: &random).nickname == "relay3") }
        selector.rules.distinctSubnets = false
        var names: Set<String> = []
        for _ in 0..<60 { names.insert(try selector.middle(between: [exit], using: &random).nickname) }
        #expect(names == ["relay3", "relay4"])
    }

    @Test func `IPv6 neighbours are those of one /32`() {
        func relay(_ number: Int, _ v6: String) -> RelayFacts {
            var relay = TestNetwork.relay(number)
            relay.endpoints.append(SocketEndpoint(address: IPAddress(v6)!, port: 1))
            return relay
        }
        let first = relay(1, "2001:db8:1::1")
        #expect(first.isRelated(to: relay(2, "2001:db8:ffff::1"), bySubnet: true))
        #expect(!first.isRelated(to: relay(2, "2001:db9::1"), bySubnet: true))
        #expect(!first.isRelated(to: relay(2, "2001:db8:ffff::1"), bySubnet: false))
        var byKey = relay(3, "2001:db9::1")
        byKey.familyKeys = ["ed25519:abc"]
        var other = relay(4, "2001:dba::1")
        #expect(!byKey.isRelated(to: other, bySubnet: true))
        other.familyKeys = ["ed25519:abc", "ed25519:def"]
        #expect(byKey.isRelated(to: other, bySubnet: true))
    }

    @Test mutating func `the operator's lists hold`() throws {
        let view = TestNetwork.view(guards: 3, middles: 3, exits: 3)
        var selector = PathSelector(view: view, rules: PathRules())
        selector.rules.exitNodes = TestNetwork.set(2001, 2002)
        selector.rules.excludedExitNodes = TestNetwork.set(2002)
        selector.rules.middleNodes = TestNetwork.set(1001)
        let web = [ExitDemand.connect(address: nil, port: 80)]
        for _ in 0..<10 {
            #expect(try selector.exit(for: web, using: &random).nickname == "relay2001")
            #expect(try selector.middle(between: [], using: &random).nickname == "relay1001")
        }
        selector.rules.excludedNodes = TestNetwork.set(1001, 2001)
        #expect(failure { try selector.exit(for: web, using: &random) }?.constraint == .restriction)
        let lost = failure { try selector.middle(between: [], using: &random) }
        #expect(lost == PathFailure(position: .middle, constraint: .restriction, candidateCount: 7))
        selector.rules = PathRules()
        selector.rules.exitNodes = TestNetwork.set(2001)
        selector.refusingExits = [TestNetwork.identity(2001)]
        #expect(failure { try selector.exit(for: web, using: &random) }?.constraint == .restriction)
        #expect(!selector.isExit(view.relays[7], for: web[0]))
    }

    @Test mutating func `long-lived streams get Stable relays while there are any`() throws {
        var shaky = TestNetwork.relay(1, .exit, bandwidth: 1_000_000, policy: .acceptAll)
        shaky.flags.remove(.stable)
        let steady = TestNetwork.relay(2, .exit, bandwidth: 1, policy: .acceptAll)
        var selector = PathSelector(view: TestNetwork.view([shaky, steady]), rules: PathRules())
        let demand = [ExitDemand.connect(address: nil, port: 22)]
        for _ in 0..<10 {
            #expect(try selector.exit(for: demand, needsStable: true, using: &random).nickname == "relay2")
        }
        selector.view = TestNetwork.view([shaky])
        #expect(try selector.exit(for: demand, needsStable: true, using: &random).nickname == "relay1")
    }

    @Test mutating func `failures say what left nothing`() {
        var down = TestNetwork.relay(1, policy: .acceptAll)
        down.flags.remove(.running)
        func constraint(_ relays: [RelayFacts], _ rules: PathRules = PathRules()) -> PathConstraint? {
            let selector = PathSelector(view: TestNetwork.view(relays), rules: rules)
            return failure { try selector.exit(for: [.resolve], using: &random) }?.constraint
        }
        #expect(constraint([]) == .usable)
        #expect(constraint([down]) == .usable)
        #expect(constraint([TestNetwork.relay(1, policy: .acceptAll, hasKey: false)]) == .descriptor)
        var old = TestNetwork.relay(1, policy: .acceptAll)
        old.protocols = "Relay=1"
        #expect(constraint([old]) == .protocols)
        #expect(constraint([TestNetwork.relay(1)]) == .exitPolicy)
        var rules = PathRules()
        rules.ownIdentity = TestNetwork.identity(1)
        #expect(constraint([TestNetwork.relay(1, policy: .acceptAll)], rules) == .foreign)
        let answer = PathFailure(position: .exit, constraint: .exitPolicy, candidateCount: 3)
        #expect("\(answer)" == "no exit relay: of 3 none lets the streams out")
    }

    @Test mutating func `a directory is asked although excluded, unless StrictNodes`() throws {
        var selector = PathSelector(view: TestNetwork.view([TestNetwork.relay(1)]), rules: PathRules())
        selector.rules.excludedNodes = TestNetwork.set(1)
        #expect(try selector.directory(using: &random).nickname == "relay1")
        selector.rules.isStrict = true
        #expect(failure { try selector.directory(using: &random) }?.constraint == .exclusion)
    }
}
