import Cells
import Directory
import Glibc
import Testing

@testable import Relay

struct ExitTargetTests {
    private let v4 = IPAddress("192.0.2.1")!
    private let v6 = IPAddress("2001:db8::1")!

    private func rules(_ lines: [String], ipv6: Bool = true) throws -> ExitRules {
        var settings = ExitPolicy.Settings()
        settings.exitRelay = true
        settings.ipv6Exit = ipv6
        settings.rejectPrivate = true
        var rules = ExitRules()
        rules.policy = try ExitPolicy.configured(lines, settings)
        rules.allowsIPv6 = ipv6
        return rules
    }

    private func both() -> DNSAnswer {
        DNSAnswer(ipv4: .found(v4, timeToLive: 100), ipv6: .found(v6, timeToLive: 200))
    }

    private func connect(_ address: IPAddress, _ timeToLive: UInt32) -> ExitTarget {
        .connect(SocketEndpoint(address: address, port: 80), timeToLive: timeToLive)
    }

    @Test func `IPv4 is what a client gets that says nothing`() throws {
        let rules = try rules(["accept *:*"])
        #expect(ExitTarget(both(), port: 80, flags: [], rules: rules) == connect(v4, 100))
        #expect(ExitTarget(both(), port: 80, flags: [.ipv6Okay], rules: rules) == connect(v4, 100))
    }

    @Test func `IPv6 is for those who prefer it or take nothing else`() throws {
        let rules = try rules(["accept *:*"])
        #expect(ExitTarget(both(), port: 80, flags: [.ipv6Okay, .ipv6Preferred], rules: rules) == connect(v6, 200))
        #expect(ExitTarget(both(), port: 80, flags: [.ipv6Okay, .ipv4NotOkay], rules: rules) == connect(v6, 200))
        let only = DNSAnswer(ipv6: .found(v6, timeToLive: 200))
        #expect(ExitTarget(only, port: 80, flags: [.ipv6Okay], rules: rules) == connect(v6, 200))
        #expect(ExitTarget(only, port: 80, flags: [], rules: rules) == .refuse(EndMessage(reason: .resolveFailed)))
    }

    @Test func `the address that the policy lets through is taken`() throws {
        let rules = try rules(["reject 192.0.2.0/24:*", "accept *:*"])
        #expect(ExitTarget(both(), port: 80, flags: [.ipv6Okay], rules: rules) == connect(v6, 200))
    }

    @Test func `a refusal names the address`() throws {
        let rules = try rules(["reject *:25", "accept *:*"])
        #expect(
            ExitTarget(address: v4, port: 25, rules: rules)
                == .refuse(EndMessage(reason: .exitPolicy, address: v4, timeToLive: 1_800)))
    }

    @Test func `private addresses are refused, also when they are dressed up as IPv6`() throws {
        let rules = try rules(["accept *:*"])
        for text in ["127.0.0.1", "10.1.1.1", "::ffff:127.0.0.1", "::1", "fe80::1"] {
            guard case .refuse(let message) = ExitTarget(address: IPAddress(text)!, port: 80, rules: rules) else {
                Issue.record("\(text) is let through")
                continue
            }
            #expect(message.reason == .exitPolicy)
        }
    }

    @Test func `without IPv6Exit no IPv6 address is connected to`() throws {
        let rules = try rules(["accept *:*"], ipv6: false)
        guard case .refuse = ExitTarget(address: v6, port: 80, rules: rules) else {
            Issue.record("let through")
            return
        }
        #expect(ExitTarget(both(), port: 80, flags: [.ipv6Okay, .ipv6Preferred], rules: rules) == connect(v4, 100))
    }

    @Test func `nobody comes back into the network`() throws {
        var rules = try rules(["accept *:*"])
        let relay = SocketEndpoint(address: v4, port: 80)
        rules.isRelay = { $0 == relay }
        #expect(ExitTarget(address: v4, port: 80, rules: rules) == .refuse(EndMessage(reason: .connectRefused)))
        #expect(ExitTarget(address: v4, port: 81, rules: rules) != .refuse(EndMessage(reason: .connectRefused)))
    }

    @Test func `errors of sockets have C Tor's reasons`() {
        let expected: [(CInt, EndReason)] = [
            (EPIPE, .done), (EINVAL, .internal), (ENETUNREACH, .noRoute), (EACCES, .noRoute),
            (ECONNREFUSED, .connectRefused), (ECONNRESET, .connReset), (ETIMEDOUT, .timeout), (EMFILE, .resourceLimit),
            (EXDEV, .misc),
        ]
        for (code, reason) in expected { #expect(EndReason(errno: code) == reason) }
    }
}
