import Cells
import Testing

@testable import Configuration

@Suite struct ExitSettingsTests {
    private func exit(_ text: String) throws -> ExitSettings {
        try Settings(torrc: TorrcFile(path: "torrc", text: text)).exit
    }

    @Test func `a relay is no exit unless something asks for it`() throws {
        #expect(try !exit("").isExit)
        #expect(try exit("ExitRelay 1").isExit)
        #expect(try exit("ExitPolicy reject *:25").isExit)
        #expect(try exit("ReducedExitPolicy 1").isExit)
        #expect(try exit("IPv6Exit 1").isExit)
        #expect(try !exit("ExitRelay 0\nExitPolicy accept *:*").isExit)
    }

    @Test func `policy lines are kept as written`() throws {
        let exit = try exit("ExitPolicy reject 8.8.8.0/24:*, accept *:25\nExitPolicy accept6 [2001:db8::]/32:443")
        #expect(exit.policy == ["reject 8.8.8.0/24:*, accept *:25", "accept6 [2001:db8::]/32:443"])
    }

    @Test func `rules stand for prefixes and ports`() throws {
        func rules(_ text: String) throws -> [AddressRule] { try AddressRule.read(text).get() }
        #expect(try rules("accept *").map(\.pattern) == [.allIPv4, .allIPv6])
        #expect(try rules("reject *4:80-90")[0].ports == 80...90)
        #expect(try rules("reject private:*").count == 12)
        #expect(try rules("reject6 private:*").count == 6)
        let masked = try rules("reject 8.0.0.0/255.128.0.0:*")[0]
        #expect(masked.matches(.v4(0x087F_0001), 1) && !masked.matches(.v4(0x0880_0001), 1))
        let v6 = try rules("accept [2001:db8::]/32:443")[0]
        #expect(v6.matches(IPAddress("2001:db8::1")!, 443) && !v6.matches(IPAddress("2001:db9::1")!, 443))
        #expect(!v6.matches(.v4(0x2001_0DB8), 443))
    }
}
