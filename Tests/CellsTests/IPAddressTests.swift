import Cells
import ProtocolTestKit
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
        ("[2001:DB8::1]", "2001:db8::1"), ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("::ffff:192.0.2.128", "::ffff:192.0.2.128"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("fe80::1:0:0", "fe80::1:0:0"),
    ])
    func `text becomes an address, and RFC 5952's text`(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(address.bracketed) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "[1.2.3.4]", ":", ":::", "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", "1:2:3:4:5:6:7:8::", "1:", ":1", "::1.2.3", "1.2.3.4::",
        "1:2:3:4:5:6:7:1.2.3.4", "[::1", "::1]", "[]", "fe80::1%eth0", "example.com",
    ])
    func `anything else is no address`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        "10.0.0.1", "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.5.0.1", "100.64.0.0", "100.127.255.255", "169.254.1.1",
        "172.16.0.1", "172.31.255.255", "192.168.3.4", "::", "::1", "fc00::1", "fdff::1", "fe80::1", "febf::1",
        "fec0::1",
        "feff::", "::ffff:10.0.0.1",
    ])
    func `internal addresses are those of C Tor`(text: String) {
        #expect(IPAddress(text)?.isInternal == true)
    }

    @Test(arguments: [
        "11.0.0.1", "9.255.255.255", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.0", "192.169.0.1",
        "192.167.0.1", "169.253.0.1", "8.8.8.8", "2001:db8::1", "::2", "fe00::1", "ff02::1", "::ffff:8.8.8.8",
        "224.0.0.1",
    ])
    func `others are not internal`(text: String) {
        #expect(IPAddress(text)?.isInternal == false)
    }

    @Test func `prefixes tell networks apart`() throws {
        let first = try #require(IPAddress("192.0.2.1"))
        #expect(first.prefix(16) == IPAddress("192.0.0.0"))
        #expect(first.prefix(0) == IPAddress("0.0.0.0"))
        #expect(first.prefix(32) == first)
        let second = try #require(IPAddress("2001:db8:ffff:ffff:ffff::1"))
        #expect(second.prefix(32) == IPAddress("2001:db8::"))
        #expect(second.prefix(72) == IPAddress("2001:db8:ffff:ffff:ff00::"))
    }

    @Test func `endpoints are read and written`() throws {
        let first = try #require(SocketEndpoint("192.0.2.1:9001"))
        #expect(first.port == 9001 && first.description == "192.0.2.1:9001")
        let second = try #require(SocketEndpoint("[2001:db8::1]:443"))
        #expect(second.description == "[2001:db8::1]:443")
        for text in ["192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "::1:80", "192.0.2.1:+1", "1.2.3.4:1 ", ":80"] {
            #expect(SocketEndpoint(text) == nil, "\(text)")
        }
    }
}
