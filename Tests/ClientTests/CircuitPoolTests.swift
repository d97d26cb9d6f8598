import CellPath
import Cells
import Directory
import Paths
import ProtocolTestKit
import Testing

@testable import Client

/// A pool, hand-moved time, and the network's side of it.
private struct Bench {
    var clock = HandClock(wallTime: TestRelays.start)
    var pool: CircuitPool
    var nextStream: UInt64 = 1

    init(_ change: (inout PoolSettings) -> Void = { _ in }, predicts: Bool = false) {
        var settings = PoolSettings()
        settings.predicts = predicts
        settings.learnsBuildTimeout = false
        change(&settings)
        pool = CircuitPool(
            settings: settings, version: "test", now: Moment(steady: clock.now, wall: clock.wallTime),
            generator: SeededRandom(seed: 9))
    }

    var now: Moment { Moment(steady: clock.now, wall: clock.wallTime) }

    mutating func network(_ view: NetworkView = TestRelays.view()) -> [CircuitPool.Action] {
        pool.networkChanged(view, isUsable: true, now: now)
    }

    mutating func want(
        _ host: String = "a.example", _ port: UInt16 = 80, _ change: (inout StreamDemand) -> Void = { _ in }
    ) -> (id: UInt64, actions: [CircuitPool.Action]) {
        let key = IsolationKey(
            fields: [.clientAddress, .socksAuthentication, .sessionGroup, .epoch], destinationPort: port,
            destinationHost: host)
        var demand = StreamDemand(.connect(host: host, port: port), isolation: key)
        change(&demand)
        let id = nextStream
        nextStream += 1
        return (id, pool.streamWanted(id, demand, now: now))
    }

    mutating func build(_ circuit: UInt64) -> [CircuitPool.Action] {
        pool.circuitGrew(circuit, hopCount: 1, now: now) + pool.circuitGrew(circuit, hopCount: 2, now: now)
            + pool.circuitBuilt(circuit, now: now)
    }

    mutating func close(
        _ circuit: UInt64, _ reason: DestroyReason = .destroyed, isRemote: Bool = true, hopCount: Int = 3,
        isChannelFailure: Bool = false
    ) -> [CircuitPool.Action] {
        pool.circuitClosed(
            circuit,
            CircuitEnding(
                reason: reason, isRemote: isRemote, hopCount: hopCount, isChannelFailure: isChannelFailure), now: now)
    }

    mutating func end(_ stream: UInt64, _ reason: EndReason, _ address: String? = nil) -> [CircuitPool.Action] {
        pool.streamEnded(
            stream, EndMessage(reason: reason, address: address.flatMap { IPAddress($0) }, timeToLive: 60), now: now)
    }

    mutating func pass(_ seconds: Int) -> [CircuitPool.Action] {
        var actions: [CircuitPool.Action] = []
        for _ in 0..<seconds {
            clock.advance(by: .seconds(1))
            actions += pool.tick(now)
        }
        return actions
    }

    /// A stream on an open circuit of its own.
    mutating func attached(_ host: String = "a.example", _ port: UInt16 = 80) throws -> (
        stream: UInt64, circuit: UInt64
    ) {
        let (stream, actions) = want(host, port)
        if let circuit = actions.launched.first {
            #expect(build(circuit).attachments == [stream: circuit])
            return (stream, circuit)
        }
        return (stream, try #require(actions.attachments[stream]))
    }
}

extension [CircuitPool.Action] {
    fileprivate var launched: [UInt64] {
        compactMap { if case .launch(let circuit, _) = $0 { circuit } else { nil } }
    }
    fileprivate var paths: [[RelayFacts]] {
        compactMap { if case .launch(_, let path) = $0 { path } else { nil } }
    }
    fileprivate var attachments: [UInt64: UInt64] {
        reduce(into: [:]) { if case .attach(let stream, let circuit, _) = $1 { $0[stream] = circuit } }
    }
    fileprivate var closed: [UInt64: DestroyReason] {
        reduce(into: [:]) { if case .close(let circuit, let reason) = $1 { $0[circuit] = reason } }
    }
    fileprivate var failed: [UInt64: StreamFailure] {
        reduce(into: [:]) { if case .fail(let stream, let failure) = $1 { $0[stream] = failure } }
    }
}

@Suite struct CircuitPoolTests {
    @Test func `a stream waits for the network, then for its circuit`() throws {
        var bench = Bench()
        let (stream, before) = bench.want()
        #expect(before.isEmpty)
        let actions = bench.network()
        let circuit = try #require(actions.launched.first)
        let path = try #require(actions.paths.first)
        #expect(path.count == 3)
        #expect(path[0].flags.contains(.guard) && path[2].isExit)
        #expect(Set(path.map(\.rsaIdentity)).count == 3)
        #expect(
            bench.build(circuit) == [
                .attach(
                    stream: stream, circuit: circuit,
                    .connect(BeginTarget(host: "a.example", port: 80, flags: [])))
            ])
        #expect(
            bench.pool.streamConnected(stream, IPAddress("192.0.2.1"), now: bench.now) == [
                .accept(stream: stream, IPAddress("192.0.2.1"))
            ])
        #expect(bench.pool.streams[stream]?.phase == .open(circuit: circuit))
    }

    @Test func `streams share circuits, unless they are isolated`() throws {
        var bench = Bench()
        _ = bench.network()
        let first = try bench.attached()
        #expect(bench.want("b.example").actions.attachments.values.first == first.circuit)
        let isolated = bench.want("b.example") { $0.isolation.username = [65] }
        let second = try #require(isolated.actions.launched.first)
        // One more of the same name waits for the same circuit, one of another name gets its own.
        #expect(bench.want("c.example") { $0.isolation.username = [65] }.actions.isEmpty)
        let third = try #require(bench.want("c.example") { $0.isolation.username = [66] }.actions.launched.first)
        #expect(bench.build(second).attachments.count == 2)
        #expect(bench.build(third).attachments.count == 1)
    }

    @Test func `a circuit takes no streams ten minutes after its first`() throws {
        var bench = Bench()
        _ = bench.network()
        let first = try bench.attached()
        _ = bench.pool.streamConnected(first.stream, nil, now: bench.now)
        #expect(bench.pass(599).isEmpty)
        #expect(!bench.want().actions.attachments.isEmpty)
        _ = bench.pass(2)
        #expect(bench.want().actions.launched.count == 1)
        // It stays as long as streams are on it.
        #expect(bench.pool.circuits[first.circuit] != nil)
        for stream in bench.pool.streams.keys { _ = bench.pool.streamGone(stream, now: bench.now) }
        #expect(bench.pass(1).closed[first.circuit] == .finished)
    }

    @Test func `the exit must let the stream out`() throws {
        let mail = TestRelays.relay(3000, .exit, policy: PortPolicy(isAccept: true, ports: [25...25]))
        var bench = Bench()
        _ = bench.network(
            TestRelays.view(
                guards: 30, exits: 0,
                extra: [mail, TestRelays.relay(3001, .exit, policy: PortPolicy(isAccept: true, ports: [80...80]))]))
        let web = bench.want("a.example", 80)
        #expect(web.actions.paths.first?.last?.nickname == "relay3001")
        let post = bench.want("a.example", 25)
        #expect(post.actions.paths.first?.last?.nickname == "relay3000")
        let none = bench.want("a.example", 22)
        #expect(none.actions.failed == [none.id: .cannotAttach])
    }

    @Test func `a stream waits while the exits of a new consensus have no microdescriptors yet`() throws {
        let known = TestRelays.view(exits: 2)
        let unknown = known.relays.map { relay in
            var relay = relay
            if relay.flags.contains(.exit) { relay.onionKey = nil }
            return relay
        }
        var bench = Bench { $0.socksTimeout = .seconds(30) }
        _ = bench.network(TestRelays.view(unknown, validAfter: TestRelays.start))
        let (early, actions) = bench.want()
        #expect(actions.isEmpty)
        #expect(bench.pass(20).failed.isEmpty)
        let (late, _) = bench.want("b.example")
        // Nobody comes for the first within its time; the microdescriptors save the second.
        #expect(bench.pass(11).failed.keys.contains(early))
        let circuit = try #require(bench.network(known).launched.first)
        #expect(bench.build(circuit).attachments[late] == circuit)
    }

    @Test func `EXITPOLICY with an address moves the stream elsewhere, by address`() throws {
        var bench = Bench()
        _ = bench.network(TestRelays.view(exits: 2))
        let first = try bench.attached()
        let exit = try #require(bench.pool.circuits[first.circuit]?.path.last)
        let actions = bench.end(first.stream, .exitPolicy, "192.0.2.7")
        let other = try #require(actions.paths.first?.last)
        #expect(other != exit)
        #expect(bench.pool.streams[first.stream]?.demand.target == .connect(host: "192.0.2.7", port: 80))
        let second = try #require(actions.launched.first)
        #expect(bench.build(second).attachments[first.stream] == second)
        // Both have refused that address: nobody is left.
        #expect(bench.end(first.stream, .exitPolicy, "192.0.2.7").failed == [first.stream: .remote(.exitPolicy)])
        // Other addresses still go there.
        #expect(bench.want("b.example").actions.attachments.count == 1)
    }

    @Test func `EXITPOLICY without an address condemns the exit until the next consensus`() throws {
        var bench = Bench()
        _ = bench.network(TestRelays.view(exits: 1))
        let first = try bench.attached()
        #expect(bench.end(first.stream, .exitPolicy).failed == [first.stream: .remote(.exitPolicy)])
        #expect(bench.want("b.example").actions.failed.count == 1)
        let later = TestRelays.view(TestRelays.view(exits: 1).relays, validAfter: TestRelays.start + 3600)
        _ = bench.network(later)
        #expect(bench.want("b.example").actions.attachments.count == 1)
    }

    @Test(arguments: [EndReason.hibernating, .resourceLimit])
    func `a relay that is short of something is left alone`(_ reason: EndReason) throws {
        var bench = Bench()
        _ = bench.network(TestRelays.view(exits: 2))
        let first = try bench.attached()
        let exit = try #require(bench.pool.circuits[first.circuit]?.path.last)
        #expect(bench.end(first.stream, reason).paths.first?.last?.rsaIdentity != exit.rsaIdentity)
    }

    @Test(arguments: [EndReason.resolveFailed, .misc, .noRoute])
    func `a host that cannot be reached is tried through three exits`(_ reason: EndReason) throws {
        var bench = Bench()
        _ = bench.network()
        var (stream, circuit) = try bench.attached()
        for _ in 0..<2 {
            let actions = bench.end(stream, reason)
            #expect(bench.pool.circuits[circuit]?.isUnusable == true)
            circuit = try #require(actions.launched.first)
            #expect(bench.build(circuit).attachments[stream] == circuit)
        }
        #expect(bench.end(stream, reason).failed == [stream: .remote(reason)])
        // Next time it has three tries again.
        (stream, circuit) = try bench.attached()
        #expect(bench.end(stream, reason).launched.count == 1)
    }

    @Test(arguments: [EndReason.connectRefused, .done, .connReset, .internal, .timeout, .notDirectory])
    func `other reasons are final`(_ reason: EndReason) throws {
        var bench = Bench()
        _ = bench.network()
        let first = try bench.attached()
        #expect(bench.end(first.stream, reason) == [.fail(stream: first.stream, .remote(reason))])
    }

    @Test func `TORPROTOCOL costs the circuit`() throws {
        var bench = Bench()
        _ = bench.network()
        let first = try bench.attached()
        #expect(
            bench.end(first.stream, .torProtocol) == [
                .fail(stream: first.stream, .remote(.torProtocol)), .close(circuit: first.circuit, .torProtocol),
            ])
    }

    @Test func `a stream whose circuit goes away before it is open is tried again`() throws {
        var bench = Bench()
        _ = bench.network()
        let first = try bench.attached()
        let actions = bench.end(first.stream, .destroy) + bench.close(first.circuit)
        let second = try #require(actions.launched.first)
        #expect(actions.failed.isEmpty)
        #expect(bench.build(second).attachments[first.stream] == second)
    }

    @Test func `attempts end after 10, 10 and 15 seconds, the stream after SocksTimeout`() throws {
        var bench = Bench { $0.socksTimeout = .seconds(41) }
        _ = bench.network()
        let (stream, circuit) = try bench.attached()
        #expect(bench.pass(9).isEmpty)
        var actions = bench.pass(1)
        #expect(actions.first == .detach(stream: stream, .timeout))
        #expect(bench.pool.circuits[circuit]?.isUnusable != false)
        for wait in [10, 15] {
            let next = try #require(actions.launched.first)
            #expect(bench.build(next).attachments[stream] == next)
            #expect(bench.pass(wait - 1).filter { $0 == .detach(stream: stream, .timeout) }.isEmpty)
            actions = bench.pass(1)
            #expect(actions.contains(.detach(stream: stream, .timeout)))
        }
        // 35 seconds have passed; the fourth circuit is never built.
        #expect(bench.pass(5).failed.isEmpty)
        #expect(bench.pass(1).failed == [stream: .timeout])
    }

    @Test func `an internal or empty address is not believed`() throws {
        var bench = Bench()
        _ = bench.network()
        for address in ["10.0.0.1", "0.0.0.0", "127.0.0.1"] {
            let first = try bench.attached()
            #expect(
                bench.pool.streamConnected(first.stream, IPAddress(address), now: bench.now)
                    == [.fail(stream: first.stream, .torProtocol)])
        }
        bench = Bench { $0.rejectsInternalAnswers = false }
        _ = bench.network()
        let first = try bench.attached()
        #expect(
            bench.pool.streamConnected(first.stream, IPAddress("10.0.0.1"), now: bench.now)
                == [.accept(stream: first.stream, IPAddress("10.0.0.1"))])
    }

    @Test func `look-ups are answered, and kept for who asked`() throws {
        var bench = Bench()
        _ = bench.network()
        let (stream, actions) = bench.want("a.example", 0) { $0.target = .resolve("a.example") }
        let circuit = try #require(actions.launched.first)
        #expect(bench.build(circuit) == [.attach(stream: stream, circuit: circuit, .resolve("a.example"))])
        let answer = ResolvedMessage(answers: [
            .init(.address(IPAddress("10.1.1.1")!), timeToLive: 300),
            .init(.address(IPAddress("2001:db8::1")!), timeToLive: 300),
            .init(.address(IPAddress("192.0.2.9")!), timeToLive: 300),
        ])
        let found = Resolution.address(IPAddress("192.0.2.9")!, timeToLive: 300)
        #expect(bench.pool.streamResolved(stream, answer, now: bench.now) == [.resolve(stream: stream, found)])
        let again = bench.want("a.example", 0) { $0.target = .resolve("a.example") }
        #expect(again.actions == [.resolve(stream: again.id, found)])
        let other = bench.want("a.example", 0) {
            $0.target = .resolve("a.example")
            $0.isolation.username = [1]
        }
        #expect(other.actions.launched.count == 1)
        _ = bench.pass(301)
        #expect(bench.want("a.example", 0) { $0.target = .resolve("a.example") }.actions.attachments.count == 1)
        let private4 = bench.want("b.example", 0) { $0.target = .resolve("b.example") }
        let onlyPrivate = ResolvedMessage(answers: [.init(.address(IPAddress("10.1.1.1")!), timeToLive: 3)])
        #expect(
            bench.pool.streamResolved(private4.id, onlyPrivate, now: bench.now)
                == [.resolve(stream: private4.id, .nothing)])
    }

    @Test func `names of addresses are asked for in arpa's form`() {
        #expect(StreamDemand.reverseName(IPAddress("192.0.2.1")!) == "1.2.0.192.in-addr.arpa")
        #expect(
            StreamDemand.reverseName(IPAddress("2001:db8::1")!)
                == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
    }

    @Test func `an unreachable guard is left for the next, at once`() throws {
        var bench = Bench()
        _ = bench.network()
        let (stream, actions) = bench.want()
        let circuit = try #require(actions.launched.first)
        let dead = try #require(actions.paths.first?.first)
        let retry = bench.close(circuit, .connectFailed, isRemote: false, hopCount: 0, isChannelFailure: true)
        let next = try #require(retry.launched.first)
        #expect(retry.paths.first?.first != dead)
        #expect(bench.build(next).attachments[stream] == next)
        #expect(bench.pool.guards.current.guards.first { $0.identity == dead.rsaIdentity }?.reachability == .no)
    }

    @Test func `a relay behind the guard that is dead costs one more circuit, not the guard`() throws {
        var bench = Bench()
        _ = bench.network()
        let (stream, actions) = bench.want()
        let circuit = try #require(actions.launched.first)
        let retry =
            bench.pool.circuitGrew(circuit, hopCount: 1, now: bench.now)
            + bench.close(circuit, .connectFailed, hopCount: 1)
        #expect(retry.paths.first?.first == actions.paths.first?.first)
        let next = try #require(retry.launched.first)
        #expect(bench.build(next).attachments[stream] == next)
    }

    @Test func `a relay that could not be reached is avoided for a minute`() throws {
        var bench = Bench()
        _ = bench.network(TestRelays.view(exits: 2))
        let (_, actions) = bench.want()
        var circuit = try #require(actions.launched.first)
        let deadMiddle = try #require(actions.paths.first?[1])
        var retry =
            bench.pool.circuitGrew(circuit, hopCount: 1, now: bench.now)
            + bench.close(circuit, .connectFailed, hopCount: 1)
        circuit = try #require(retry.launched.first)
        let deadExit = try #require(retry.paths.first?[2])
        #expect(retry.paths.first?[1] != deadMiddle)
        retry =
            bench.pool.circuitGrew(circuit, hopCount: 2, now: bench.now)
            + bench.close(circuit, .connectFailed, hopCount: 2)
        #expect(retry.paths.first?[1] != deadMiddle)
        #expect(retry.paths.first?[2] != deadExit)
        _ = bench.pass(59)
        for user in 0..<10 {
            let path = bench.want { $0.isolation.username = [UInt8(user)] }.actions.paths.first
            #expect(path?[1] != deadMiddle && path?[2] != deadExit)
        }
        _ = bench.pass(2)
        let exits = (10..<30).compactMap { user in
            bench.want { $0.isolation.username = [UInt8(user)] }.actions.paths.first?[2]
        }
        #expect(exits.contains(deadExit))
    }

    @Test func `when everything fails there is a pause`() throws {
        var bench = Bench()
        _ = bench.network()
        var (_, actions) = bench.want()
        var count = 0
        while let circuit = actions.launched.first {
            count += 1
            actions = bench.close(circuit, .connectFailed, hopCount: 1)
        }
        #expect(count == 10)
        #expect(bench.pass(4).launched.isEmpty)
        #expect(bench.pass(1).launched.count == 1)
    }

    @Test func `circuits that take too long are given up`() throws {
        var bench = Bench { $0.buildTimeout = .seconds(40) }
        _ = bench.network()
        let (_, actions) = bench.want()
        let silent = try #require(actions.launched.first)
        #expect(bench.pass(30).closed.isEmpty)
        // Silent before its first hop, for longer than a guard needs: the next guard.
        let later = bench.pass(11)
        #expect(later.closed[silent] == .timeout)
        let next = try #require(later.launched.first)
        #expect(later.paths.first?.first != actions.paths.first?.first)
        _ = bench.pool.circuitGrew(next, hopCount: 1, now: bench.now)
        let last = bench.pass(42)
        #expect(last.closed[next] == .timeout)
        #expect(last.paths.first?.first == later.paths.first?.first)
    }

    @Test func `no more circuits than allowed are under way`() {
        var bench = Bench { $0.maxPending = 3 }
        _ = bench.network()
        let launched = (0..<10).flatMap { number in
            bench.want { $0.isolation.username = [UInt8(number)] }.actions.launched
        }
        #expect(launched.count == 3)
    }

    @Test func `two circuits are kept for each port used lately`() throws {
        var bench = Bench(predicts: true)
        _ = bench.network()
        var launched = bench.pass(5).launched
        #expect(launched.count == 2)
        for circuit in launched { _ = bench.build(circuit) }
        #expect(bench.pass(5).isEmpty)
        // A stream takes one of them; another is built in its place.
        let first = bench.want("a.example", 443)
        #expect(first.actions.attachments.count == 1)
        launched = bench.pass(5).launched
        #expect(launched.count == 1)
        // After an hour without use nothing is built ahead any more, and what there is goes.
        for circuit in launched { _ = bench.build(circuit) }
        _ = bench.pool.streamGone(first.id, now: bench.now)
        _ = bench.pass(3601)
        #expect(bench.pool.circuits.isEmpty)
        #expect(bench.pass(60).isEmpty)
    }

    @Test func `NEWNYM parts streams from those before`() throws {
        var bench = Bench()
        _ = bench.network()
        let first = try bench.attached()
        #expect(bench.pool.newIdentity(bench.now).isEmpty)
        #expect(bench.want().actions.launched.count == 1)
        _ = bench.pool.streamGone(first.stream, now: bench.now)
        #expect(bench.pass(1).closed[first.circuit] == .finished)
    }

    @Test func `a circuit through a lesser guard carries nothing until it is sure`() throws {
        var bench = Bench()
        _ = bench.network()
        // The three primary guards work, then none of them does.
        for _ in 0..<3 {
            let (stream, actions) = bench.want()
            let circuit = try #require(actions.launched.first)
            _ = bench.build(circuit)
            _ = bench.pool.streamGone(stream, now: bench.now)
            for circuit in bench.pool.circuits.keys { _ = bench.close(circuit) }
            let (waiting, more) = bench.want()
            let doomed = try #require(more.launched.first)
            _ = bench.pool.streamGone(waiting, now: bench.now)
            _ = bench.close(doomed, .connectFailed, isRemote: false, hopCount: 0, isChannelFailure: true)
        }
        #expect(bench.pool.guards.allPrimariesAreDown)
        let (one, first) = bench.want { $0.isolation.username = [1] }
        let (two, second) = bench.want { $0.isolation.username = [2] }
        let better = try #require(first.launched.first)
        let lesser = try #require(second.launched.first)
        #expect(first.paths.first?.first != second.paths.first?.first)
        // Neither guard was used before; the one that answers is confirmed, so nothing is better. The stream that has waited
        // longest takes the circuit, for whomever it was begun.
        let built = bench.build(lesser)
        #expect(built.attachments == [one: lesser])
        // The other stream gets a circuit of its own, through the guard that has just answered.
        #expect(built.paths.first?.first == second.paths.first?.first)
        // The guard of the circuit begun first is now the lesser: it waits while a better one may answer.
        #expect(bench.build(better).attachments.isEmpty)
        #expect(bench.pool.circuits[better]?.phase == .waitingForGuard)
        #expect(bench.pool.streams[two]?.phase == .waiting)
        #expect(bench.close(lesser).attachments.isEmpty)
        #expect(bench.pass(14).attachments.isEmpty)
        // The better one has had its fifteen seconds.
        #expect(bench.pass(1).attachments.values.contains(better))
        #expect(bench.pool.circuits[better]?.phase == .open)
    }

    @Test func `the state file's lines survive a restart`() throws {
        var bench = Bench()
        _ = bench.network()
        _ = try bench.attached()
        let isDirty = bench.pool.takeDirty()
        #expect(isDirty)
        let lines = bench.pool.stateLines
        #expect(lines.filter { $0.hasPrefix("Guard in=default rsa_id=") }.count == 20)
        let again = CircuitPool(
            settings: PoolSettings(), stateLines: lines, version: "later", now: bench.now,
            generator: SeededRandom(seed: 1))
        #expect(again.stateLines == lines)
        let file = "TorVersion Tor 0.4.9.11\nGuard in=default rsa_id=00\nLastWritten 2026-01-01 00:00:00\n"
        let merged = StateLines.merging(lines, of: StateLines.clientWords, into: file)
        #expect(merged.hasPrefix("TorVersion Tor 0.4.9.11\nLastWritten 2026-01-01 00:00:00\nGuard in=default rsa_id="))
        #expect(!merged.contains("rsa_id=00\n"))
    }

    @Test func `a state file of C Tor's is taken up, and its lines are written as they were`() {
        // Of a client of 0.4.9.11 in a network of eight relays, half a minute old.
        let file = """
            # Tor state file last generated on 2026-11-24 23:22:30 local time
            # Other times below are in UTC
            # You *do not* need to edit this file.

            CircuitBuildTimeBin 15 6
            CircuitBuildTimeBin 25 3
            CircuitBuildTimeBin 35 2
            CircuitBuildTimeBin 45 1
            CircuitBuildTimeBin 75 1
            Dormant 0
            Guard in=default rsa_id=2F69FF9B6441E14C599D5BBDA8C0982859A25938 nickname=auth3 sampled_on=2026-11-14T10:41:40 sampled_idx=0 sampled_by=0.4.9.11 listed=1 confirmed_on=2026-11-13T16:56:14 confirmed_idx=1 pb_circ_attempts=8.000000 pb_circ_successes=7.000000 pb_successful_circuits_closed=7.000000
            Guard in=default rsa_id=52FFE49EED9E5B9E1B91BDA4B25C3D0DA484C3D5 nickname=auth1 sampled_on=2026-11-18T05:23:33 sampled_idx=1 sampled_by=0.4.9.11 listed=1 confirmed_on=2026-11-13T20:56:01 confirmed_idx=0
            Guard in=default rsa_id=72D1B651EE0C3F741372E1ECCCF7C2963A7A91A5 nickname=exit1 sampled_on=2026-11-23T00:59:41 sampled_idx=2 sampled_by=0.4.9.11 listed=1
            LastWritten 2026-11-24 23:22:30
            TorVersion Tor 0.4.9.11
            TotalBuildTimes 13
            """
        let lines = StateLines.lines(of: file)
        let pool = CircuitPool(
            settings: PoolSettings(), stateLines: lines, version: "test",
            now: Moment(steady: .now, wall: TestRelays.start), generator: SeededRandom(seed: 1))
        #expect(pool.guards.current.guards.map(\.nickname) == ["auth3", "auth1", "exit1"])
        #expect(pool.guards.current.guards.map(\.confirmedIndex) == [1, 0, nil])
        #expect(pool.buildTimes.count == 13)
        #expect(Set(pool.stateLines) == Set(lines.filter { $0.hasPrefix("Guard") || $0.contains("Build") }))
    }

    @Test func `a directory is a guard, and guards that had nothing are passed over`() throws {
        var bench = Bench()
        _ = bench.network()
        let first = try bench.pool.directory(now: bench.now)
        #expect(bench.pool.guards.current.primaries.contains(first.relay.rsaIdentity))
        let second = try bench.pool.directory(excluding: [first.relay.rsaIdentity], now: bench.now)
        #expect(second.relay != first.relay)
        let ticket = try #require(first.ticket)
        _ = bench.pool.directoryFailed(ticket, now: bench.now)
        for _ in 0..<10 {
            let next = try bench.pool.directory(now: bench.now)
            #expect(next.relay != first.relay)
        }
    }
}
