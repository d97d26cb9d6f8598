import Cells
import Testing

@testable import Relay

struct HostNameTests {
    @Test func `ordinary names may be looked up`() {
        for name in ["example.com", "example.com.", "a-b.c_d.e", "localhost"] {
            #expect(HostName.kind(of: name, allowingOddCharacters: false) == .name, "\(name)")
        }
    }

    @Test func `odd names may not, unless the operator says so`() {
        for name in ["-a.com", "_sip.example.com", "a b", "a$b"] {
            #expect(HostName.kind(of: name, allowingOddCharacters: false) == .invalid, "\(name)")
            #expect(HostName.kind(of: name, allowingOddCharacters: true) == .name, "\(name)")
        }
    }

    @Test func `some names are never looked up`() {
        let long = Array(repeating: "a123456789", count: 30).joined(separator: ".")
        for name in ["", ".", "a..b", "abc.onion", "abc.exit", long, "1.2.3.in-addr.arpa", "x.ip6.arpa"] {
            #expect(HostName.kind(of: name, allowingOddCharacters: true) == .invalid, "\(name)")
        }
    }

    @Test func `reverse names are addresses, both ways`() {
        for text in ["192.0.2.7", "2001:db8::7"] {
            let address = IPAddress(text)!
            let name = HostName.reverse(of: address)
            #expect(HostName.kind(of: name, allowingOddCharacters: false) == .reverse(address))
        }
    }
}
