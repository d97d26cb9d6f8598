import Cells
import Configuration
import Directory
import Foundation
import Testing

@testable import Relay

struct RelaySettingsTests {
    private func settings(_ torrc: String) throws -> Settings {
        try Settings(torrc: TorrcFile(path: "torrc", text: torrc))
    }

    @Test func `an exit's rules come from its torrc, and its own addresses are out of bounds`() throws {
        let settings = try settings(
            """
            ORPort 9001
            ExitRelay 1
            ExitPolicy accept *:443
            ExitPolicy reject *:*
            OutboundBindAddressExit 127.0.0.9
            """)
        let own = try #require(IPAddress("203.0.113.5"))
        let rules = try ExitRules(settings, ownAddresses: [own])
        let other = try #require(IPAddress("198.51.100.1"))
        #expect(rules.answer(to: SocketEndpoint(address: other, port: 443)) == nil)
        #expect(rules.answer(to: SocketEndpoint(address: other, port: 80)) == .exitPolicy)
        #expect(rules.answer(to: SocketEndpoint(address: own, port: 443)) == .exitPolicy)
        #expect(rules.sourceIPv4 == IPAddress("127.0.0.9") && rules.sourceIPv6 == nil)
        #expect(!rules.allowsIPv6 && !rules.rejectsEverything)
    }

    @Test func `a relay that is no exit lets nothing out`() throws {
        let rules = try ExitRules(try settings("ORPort 9001\nExitRelay 0\n"), ownAddresses: [])
        #expect(rules.rejectsEverything)
    }

    @Test func `a missing or empty list of name servers is told`() throws {
        let path = NSTemporaryDirectory() + "fanion-resolv-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let dns = DNSResolverSettings(try settings("ORPort 9001\nServerDNSResolvConfFile \(path)\nIPv6Exit 1\n"))
        #expect(dns.resolvConfPath == path && dns.wantsIPv6 && dns.randomizesCase)
        #expect(dns.problem?.contains("does not exist") == true)
        try "# nothing\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(dns.problem?.contains("names no name server") == true)
        try "nameserver 192.0.2.1\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(dns.problem == nil)
    }
}
