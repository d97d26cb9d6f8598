import CellPath
import Cells
import Directory
import NIOCore
import NIOPosix
import Testing

@testable import Relay

struct ExitStreamsTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func rules() -> ExitRules {
        var rules = ExitRules()
        rules.policy = ExitPolicy(rules: [
            .init(isAccept: true, addresses: .allIPv4), .init(isAccept: true, addresses: .allIPv6),
        ])
        rules.allowsIPv6 = true
        return rules
    }

    /// Opens a stream on the loop and returns the port.
    private func open(
        _ request: StreamRequest, window: Int = .max, rules: ExitRules? = nil, resolver: DNSResolver? = nil,
        isFirstHop: Bool = false, early: [UInt8] = []
    ) async throws -> TestPort {
        let rules = rules ?? self.rules()
        let loop = loop
        return try await loop.submit {
            let streams = ExitStreams(eventLoop: loop, rules: rules, resolver: resolver)
            let port = TestPort(loop, window: window)
            port.owner = streams.accept(request, port: port, isFirstHop: isFirstHop)
            if !early.isEmpty { port.owner?.streamReceived(ByteBuffer(bytes: early)) }
            return port
        }.get()
    }

    private func begin(_ host: TestHost, flags: BeginMessage.Flags = []) -> StreamRequest {
        .begin(BeginMessage(address: "127.0.0.1", port: host.endpoint.port, flags: flags))
    }

    @Test func `bytes go both ways, those before CONNECTED too, and the host's end ends the stream`() async throws {
        let host = try await TestHost(.echoLine)
        let port = try await open(begin(host), early: Array("early ".utf8))
        let connected = try await port.wait("CONNECTED") { $0.connected != nil }.connected
        #expect(connected == ConnectedMessage(address: IPAddress("127.0.0.1"), timeToLive: 1_800))
        try await loop.submit { port.owner?.streamReceived(ByteBuffer(string: "and late\n")) }.get()
        let log = try await port.wait("END") { $0.ended != nil }
        #expect(String(decoding: log.received, as: UTF8.self) == "early and late\n")
        #expect(log.ended == EndMessage(reason: .done))
        try await host.stop()
    }

    @Test func `a narrow stream slows the host down, and nothing is lost`() async throws {
        let count = 3_000_000
        let host = try await TestHost(.send(count))
        let port = try await open(begin(host), window: 100_000)
        _ = try await port.wait("first window") { $0.received.count == 100_000 }
        try await Task.sleep(for: .milliseconds(100))
        #expect(port.seen.received.count == 100_000)
        #expect(port.seen.ended == nil)
        while port.seen.ended == nil {
            try await loop.submit { port.grow(24_900) }.get()
        }
        #expect(port.seen.received == TestHost.pattern(count))
        #expect(port.seen.ended == EndMessage(reason: .done))
        try await host.stop()
    }

    @Test func `one read fills many cells`() async throws {
        let host = try await TestHost(.send(1_000_000))
        let port = try await open(begin(host))
        let log = try await port.wait("END") { $0.ended != nil }
        #expect(log.received.count == 1_000_000)
        #expect(log.largestSend > 32_768)
        try await host.stop()
    }

    @Test func `a slow host holds the client back, and gets everything`() async throws {
        let host = try await TestHost(.readLater)
        let port = try await open(begin(host))
        _ = try await port.wait("CONNECTED") { $0.connected != nil }
        let block = TestHost.pattern(498 * 20)
        var sent = 0
        for _ in 0..<2_000 where !port.seen.backlog.contains(true) {
            try await loop.submit { port.owner?.streamReceived(ByteBuffer(bytes: block)) }.get()
            sent += block.count
        }
        #expect(port.seen.backlog == [true])
        try await host.startReading()
        _ = try await port.wait("room") { $0.backlog == [true, false] }
        // The end comes while bytes may still be under way: they must arrive.
        try await loop.submit { port.endFromClient() }.get()
        for _ in 0..<500 where host.received.count < sent || host.openConnections > 0 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(host.received.count == sent)
        #expect(host.openConnections == 0)
        try await host.stop()
    }

    @Test func `a client cannot fill our memory while a name is looked up`() async throws {
        let host = try await TestHost(.readLater)
        let server = try await TestNameServer(["slow.test": .init(isSilent: true)])
        var settings = DNSResolverSettings()
        settings.nameServers = [server.endpoint]
        settings.timeoutMilliseconds = 60_000
        let resolver = try DNSResolver(settings)
        let port = try await open(.begin(BeginMessage(address: "slow.test", port: 80)), resolver: resolver)
        let block = TestHost.pattern(50_000)
        for _ in 0..<6 {
            try await loop.submit { port.owner?.streamReceived(ByteBuffer(bytes: block)) }.get()
        }
        #expect(port.seen.backlog == [true])
        try await loop.submit { port.endFromClient() }.get()
        resolver.stop()
        try await server.stop()
        try await host.stop()
    }

    @Test func `early bytes beyond a bound are acknowledged once they have left`() async throws {
        let host = try await TestHost(.echoLine)
        let early = TestHost.pattern(300_000).map { $0 == 10 ? 11 : $0 }
        let port = try await open(begin(host), early: early)
        _ = try await port.wait("all of it back") { $0.received.count == early.count }
        #expect(port.seen.backlog == [true, false])
        try await loop.submit { port.endFromClient() }.get()
        try await host.stop()
    }

    @Test func `a refused connection says so`() async throws {
        let host = try await TestHost(.echoLine)
        let port = host.endpoint.port
        try await host.stop()
        let stream = try await open(.begin(BeginMessage(address: "127.0.0.1", port: port)))
        #expect(try await stream.wait("END") { $0.ended != nil }.ended == EndMessage(reason: .connectRefused))
    }

    @Test func `a reset connection says so`() async throws {
        let host = try await TestHost(.reset)
        let port = try await open(begin(host), early: [1])
        #expect(try await port.wait("END") { $0.ended != nil }.ended == EndMessage(reason: .connReset))
        try await host.stop()
    }

    @Test func `an end while the host is being asked leaves no socket`() async throws {
        let host = try await TestHost(.echoLine)
        let port = try await open(begin(host))
        try await loop.submit { port.endFromClient() }.get()
        for _ in 0..<100 where host.openConnections > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(host.openConnections == 0)
        try await host.stop()
    }

    @Test func `a client with one hop only is refused`() async throws {
        let port = try await open(.begin(BeginMessage(address: "192.0.2.1", port: 80)), isFirstHop: true)
        #expect(port.seen.ended == EndMessage(reason: .torProtocol))
        #expect(port.owner == nil)
    }

    @Test func `the policy speaks before a socket is made`() async throws {
        var rules = rules()
        rules.policy = .rejectAll
        let port = try await open(.begin(BeginMessage(address: "192.0.2.1", port: 80)), rules: rules)
        #expect(
            port.seen.ended
                == EndMessage(reason: .exitPolicy, address: IPAddress("192.0.2.1"), timeToLive: 1_800))
    }

    @Test func `a client that takes only IPv6 needs IPv6Exit`() async throws {
        var rules = rules()
        rules.allowsIPv6 = false
        let port = try await open(
            .begin(BeginMessage(address: "example.test", port: 80, flags: [.ipv6Okay, .ipv4NotOkay])), rules: rules)
        #expect(port.seen.ended == EndMessage(reason: .exitPolicy))
    }

    @Test func `a relay that is about to end takes nothing new`() async throws {
        var rules = rules()
        rules.isHibernating = true
        let port = try await open(.begin(BeginMessage(address: "192.0.2.1", port: 80)), rules: rules)
        #expect(port.seen.ended == EndMessage(reason: .hibernating))
    }

    @Test func `no directory, no BEGIN_DIR`() async throws {
        let port = try await open(.beginDirectory)
        #expect(port.seen.ended == EndMessage(reason: .notDirectory))
    }

    @Test func `names are looked up, and what they turn out to be is checked`() async throws {
        let host = try await TestHost(.echoLine)
        let server = try await TestNameServer([
            "here.test": .init(addresses: [IPAddress("127.0.0.1")!], timeToLive: 10),
            "there.test": .init(addresses: [IPAddress("192.0.2.1")!], timeToLive: 10),
        ])
        var settings = DNSResolverSettings()
        settings.nameServers = [server.endpoint]
        let resolver = try DNSResolver(settings)
        var rules = rules()
        rules.policy = ExitPolicy(rules: [
            .init(isAccept: true, addresses: AddressPattern(IPAddress("127.0.0.0")!, prefixLength: 8)),
            .init(isAccept: false, addresses: .allIPv4),
        ])
        let good = try await open(
            .begin(BeginMessage(address: "Here.TEST", port: host.endpoint.port)), rules: rules, resolver: resolver)
        let connected = try #require(try await good.wait("CONNECTED") { $0.connected != nil }.connected)
        #expect(connected.address == IPAddress("127.0.0.1"))
        #expect((60...540).contains(connected.timeToLive))
        let bad = try await open(
            .begin(BeginMessage(address: "there.test", port: 80)), rules: rules, resolver: resolver)
        let refusal = try #require(try await bad.wait("END") { $0.ended != nil }.ended)
        #expect(refusal.reason == .exitPolicy && refusal.address == IPAddress("192.0.2.1"))
        let missing = try await open(
            .begin(BeginMessage(address: "missing.test", port: 80)), rules: rules, resolver: resolver)
        #expect(try await missing.wait("END") { $0.ended != nil }.ended == EndMessage(reason: .resolveFailed))
        resolver.stop()
        try await server.stop()
        try await host.stop()
    }

    @Test func `RESOLVE answers with addresses, a name, or an error`() async throws {
        let server = try await TestNameServer([
            "both.test": .init(addresses: [IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!]),
            "1.2.0.192.in-addr.arpa": .init(pointer: "both.test"),
            "broken.test": .init(code: 2),
        ])
        var settings = DNSResolverSettings()
        settings.nameServers = [server.endpoint]
        settings.wantsIPv6 = true
        let resolver = try DNSResolver(settings)
        func resolved(_ name: String) async throws -> [ResolvedMessage.Answer] {
            let port = try await open(.resolve(ResolveMessage(name: name)), resolver: resolver)
            return try #require(try await port.wait(name) { $0.resolved != nil }.resolved).answers
        }
        #expect(
            try await resolved("both.test") == [
                .init(.address(IPAddress("192.0.2.1")!), timeToLive: 60),
                .init(.address(IPAddress("2001:db8::1")!), timeToLive: 60),
            ])
        #expect(try await resolved("1.2.0.192.in-addr.arpa") == [.init(.hostName("both.test"), timeToLive: 60)])
        #expect(try await resolved("missing.test") == [.init(.permanentError, timeToLive: 60)])
        #expect(try await resolved("broken.test") == [.init(.transientError, timeToLive: 60)])
        #expect(try await resolved("1.0.0.127.in-addr.arpa") == [.init(.permanentError, timeToLive: 60)])
        #expect(try await resolved("192.0.2.1") == [.init(.permanentError, timeToLive: 60)])
        resolver.stop()
        try await server.stop()
    }
}
