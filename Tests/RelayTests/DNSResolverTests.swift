import Cells
import NIOCore
import NIOPosix
import Testing

@testable import Relay

struct DNSResolverTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func settings(_ server: TestNameServer) -> DNSResolverSettings {
        var settings = DNSResolverSettings()
        settings.nameServers = [server.endpoint]
        settings.wantsIPv6 = true
        settings.timeoutMilliseconds = 10_000
        return settings
    }

    @Test func `a name has addresses of both families`() async throws {
        let server = try await TestNameServer([
            "www.example.test": .init(addresses: [IPAddress("192.0.2.7")!, IPAddress("2001:db8::7")!])
        ])
        let resolver = try DNSResolver(settings(server))
        let answer = try await resolver.resolve(.addresses(of: "www.example.test"), on: loop).get()
        #expect(answer.ipv4.value == IPAddress("192.0.2.7"))
        #expect(answer.ipv6.value == IPAddress("2001:db8::7"))
        // 600 seconds are more than 300, so they become about an hour.
        #expect((3_360...3_840).contains(answer.ipv4.timeToLive))
        resolver.stop()
        try await server.stop()
    }

    @Test func `a second question is answered from memory`() async throws {
        let server = try await TestNameServer(["a.test": .init(addresses: [IPAddress("192.0.2.1")!], timeToLive: 1)])
        let resolver = try DNSResolver(settings(server))
        let first = try await resolver.resolve(.addresses(of: "a.test"), on: loop).get()
        let second = try await resolver.resolve(.addresses(of: "a.test"), on: loop).get()
        #expect(first == second)
        #expect((60...540).contains(first.ipv4.timeToLive))
        #expect(server.asked.count == 2, "one for each family")
        resolver.stop()
        try await server.stop()
    }

    @Test func `the same question is asked once for many streams`() async throws {
        let server = try await TestNameServer(["a.test": .init(addresses: [IPAddress("192.0.2.1")!])])
        let resolver = try DNSResolver(settings(server))
        let futures = (0..<50).map { _ in
            resolver.resolve(.addresses(of: "a.test"), on: MultiThreadedEventLoopGroup.singleton.next())
        }
        for future in futures { #expect(try await future.get().ipv4.value != nil) }
        #expect(server.asked.count == 2)
        resolver.stop()
        try await server.stop()
    }

    @Test func `a name that does not exist has failed for good, a broken server only now`() async throws {
        let server = try await TestNameServer(["broken.test": .init(code: 2), "silent.test": .init(isSilent: true)])
        let resolver = try DNSResolver(settings(server))
        let missing = try await resolver.resolve(.addresses(of: "missing.test"), on: loop).get()
        #expect(missing.ipv4.value == nil && !missing.ipv4.isTransientFailure)
        let broken = try await resolver.resolve(.addresses(of: "broken.test"), on: loop).get()
        #expect(broken.ipv4.isTransientFailure)
        var hasty = settings(server)
        hasty.timeoutMilliseconds = 100
        resolver.configure(hasty)
        let silent = try await resolver.resolve(.addresses(of: "silent.test"), on: loop).get()
        #expect(silent.ipv4.isTransientFailure)
        resolver.stop()
        try await server.stop()
    }

    @Test func `an address has a name`() async throws {
        let server = try await TestNameServer([
            "7.2.0.192.in-addr.arpa": .init(pointer: "www.example.test"),
            "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": .init(pointer: "six.test"),
        ])
        let resolver = try DNSResolver(settings(server))
        let answer = try await resolver.resolve(.name(of: IPAddress("192.0.2.7")!), on: loop).get()
        #expect(answer.name.value == "www.example.test")
        let six = try await resolver.resolve(.name(of: IPAddress("2001:db8::7")!), on: loop).get()
        #expect(six.name.value == "six.test")
        resolver.stop()
        try await server.stop()
    }

    @Test func `questions are spelt in random case, and an answer to another spelling is not believed`() async throws {
        let name = "abcdefghijklmnopqrstuvwxyz.test"
        let server = try await TestNameServer([
            name: .init(addresses: [IPAddress("192.0.2.1")!]),
            "x" + name: .init(addresses: [IPAddress("192.0.2.1")!], forgetsCase: true),
        ])
        let resolver = try DNSResolver(settings(server))
        #expect(try await resolver.resolve(.addresses(of: name), on: loop).get().ipv4.value != nil)
        #expect(server.asked.contains { $0 != name })
        #expect(try await resolver.resolve(.addresses(of: "x" + name), on: loop).get().ipv4.isTransientFailure)
        resolver.stop()
        try await server.stop()
    }

    @Test func `an end leaves nobody waiting`() async throws {
        let server = try await TestNameServer(["silent.test": .init(isSilent: true)])
        var settings = settings(server)
        settings.timeoutMilliseconds = 60_000
        let resolver = try DNSResolver(settings)
        let future = resolver.resolve(.addresses(of: "silent.test"), on: loop)
        resolver.stop()
        let answer = try await future.get()
        #expect(answer.ipv4.isTransientFailure)
        #expect(try await resolver.resolve(.addresses(of: "late.test"), on: loop).get() == .transientFailure)
        try await server.stop()
    }

    @Test func `other name servers can be given while it runs`() async throws {
        let first = try await TestNameServer(["a.test": .init(addresses: [IPAddress("192.0.2.1")!])])
        let second = try await TestNameServer(["a.test": .init(addresses: [IPAddress("192.0.2.2")!])])
        let resolver = try DNSResolver(settings(first))
        #expect(
            try await resolver.resolve(.addresses(of: "a.test"), on: loop).get().ipv4.value == IPAddress("192.0.2.1"))
        resolver.configure(settings(second))
        #expect(
            try await resolver.resolve(.addresses(of: "a.test"), on: loop).get().ipv4.value == IPAddress("192.0.2.2"))
        resolver.stop()
        try await first.stop()
        try await second.stop()
    }
}
