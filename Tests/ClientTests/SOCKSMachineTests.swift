import Cells
import Testing

@testable import Client

/// Bytes from hexadecimal text; blanks do not matter.
private func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    return stride(from: 0, to: digits.count, by: 2).map { offset in
        let start = digits.index(digits.startIndex, offsetBy: offset)
        return UInt8(digits[start...digits.index(after: start)], radix: 16)!
    }
}

private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A SOCKS 5 request for a host name.
private func request(_ command: UInt8 = 1, name: String, port: UInt16 = 80) -> [UInt8] {
    [5, command, 0, 3, UInt8(name.utf8.count)] + text(name) + [UInt8(port >> 8), UInt8(port & 255)]
}

@Suite struct SOCKSMachineTests {
    private func machine(_ change: (inout SOCKSMachine.Policy) -> Void = { _ in }) -> SOCKSMachine {
        var policy = SOCKSMachine.Policy()
        change(&policy)
        return SOCKSMachine(policy: policy)
    }

    /// What comes of all bytes at once.
    private func receive(
        _ bytes: [UInt8], _ change: (inout SOCKSMachine.Policy) -> Void = { _ in }
    ) -> SOCKSMachine.ReceiveAction {
        var machine = machine(change)
        return machine.receive(bytes)
    }

    private func requested(_ action: SOCKSMachine.ReceiveAction) throws -> SOCKSRequest {
        guard case .request(let request, _, _) = action else {
            Issue.record("\(action)")
            throw CancellationError()
        }
        return request
    }

    private let hello = hex("05 01 00")

    // MARK: SOCKS 5

    @Test func `SOCKS 5 without authentication goes step by step`() throws {
        var machine = machine()
        #expect(machine.receive(hello) == .wait(reply: [5, 0]))
        let wanted = try requested(machine.receive(request(name: "Example.COM", port: 443)))
        #expect(wanted.host == .name("example.com") && wanted.port == 443 && wanted.command == .connect)
        #expect(wanted.version == 5 && wanted.credentials == nil)
        #expect(machine.granted() == hex("05 00 00 01 00000000 0000"))
        #expect(machine.granted() == [])
    }

    @Test func `a password isolates and is not checked`() throws {
        let bytes = hex("05 02 00 02") + hex("01 03") + text("abc") + hex("02") + text("xy") + request(name: "a.b")
        guard case .request(let wanted, let reply, let early) = receive(bytes + text("GET /")) else {
            Issue.record("no request")
            return
        }
        #expect(reply == hex("05 02 01 00"))
        #expect(early == text("GET /"))
        #expect(wanted.credentials == SOCKSCredentials(username: text("abc"), password: text("xy")))
        #expect("\(wanted.credentials!)" == "[scrubbed]")
        #expect(receive(hex("05 02 00 02")) { $0.prefersNoAuthentication = true } == .wait(reply: [5, 0]))
        #expect(receive(hex("05 01 02")) { $0.prefersNoAuthentication = true } == .wait(reply: [5, 2]))
    }

    @Test func `empty and unasked passwords are accepted, as broken programs send them`() throws {
        #expect(
            try requested(receive(hex("05 01 02 01 00 00") + request(name: "a.b"))).credentials
                == SOCKSCredentials(username: [], password: []))
        #expect(
            try requested(receive(hello + hex("01 01 61 00") + request(name: "a.b"))).credentials
                == SOCKSCredentials(username: text("a"), password: []))
    }

    @Test func `any split of the bytes means the same`() throws {
        let bytes = hex("05 01 02 01 01 61 01 62") + request(name: "example.com")
        let whole = try requested(receive(bytes))
        for cut in 1..<bytes.count {
            var machine = machine()
            guard case .wait(let first) = machine.receive(bytes[..<cut]) else {
                Issue.record("cut at \(cut)")
                return
            }
            guard case .request(let wanted, let second, let early) = machine.receive(bytes[cut...]) else {
                Issue.record("cut at \(cut)")
                return
            }
            #expect(wanted == whole && first + second == hex("05 02 01 00") && early == [])
        }
    }

    @Test func `addresses come as four bytes, sixteen bytes, or text`() throws {
        let v4 = try requested(receive(hello + hex("05 01 00 01 01020304 0050")))
        #expect(v4.host == .address(.v4(0x0102_0304)))
        let v6 = try requested(receive(hello + hex("05 01 00 04 20010db8000000000000000000000001 0050")))
        #expect(v6.host == .address(IPAddress("2001:db8::1")!))
        #expect(try requested(receive(hello + request(name: "1.2.3.4"))).host == .address(.v4(0x0102_0304)))
        #expect(try requested(receive(hello + request(name: "[2001:db8::1]"))).host == v6.host)
    }

    @Test(arguments: [
        ("05 00", ""), ("05 01 01", "05 ff"), ("05 01 80", "05 ff"),
        // BIND and UDP ASSOCIATE; an unknown command; a reserved byte; an address type.
        ("05 01 00 05 02 00 01 01020304 0050", "05 00 05 07 00 01 00000000 0000"),
        ("05 01 00 05 03 00 01 01020304 0050", "05 00 05 07 00 01 00000000 0000"),
        ("05 01 00 05 04 00 01 01020304 0050", "05 00 05 01 00 01 00000000 0000"),
        ("05 01 00 05 01 01 01 01020304 0050", "05 00 05 01 00 01 00000000 0000"),
        ("05 01 00 05 01 00 02 01020304 0050", "05 00 05 01 00 01 00000000 0000"),
        // Port 0; an empty name; a name with a NUL; RESOLVE_PTR of a name; version 4 in the middle.
        ("05 01 00 05 01 00 01 01020304 0000", "05 00 05 01 00 01 00000000 0000"),
        ("05 01 00 05 01 00 03 00 0050", "05 00 05 01 00 01 00000000 0000"),
        ("05 01 00 05 01 00 03 03 610062 0050", "05 00 05 01 00 01 00000000 0000"),
        ("05 01 00 05 f1 00 03 01 61 0000", "05 00 05 08 00 01 00000000 0000"),
        ("05 01 00 04 01 00 03 01 61 0000", "05 00 05 01 00 01 00000000 0000"),
        ("05 01 02 05 01 00 01 01020304 0050", "05 02 05 01 00 01 00000000 0000"),
        ("06 01 00", ""), ("00 00", ""), ("ff ff", ""),
    ])
    func `what is no request is refused with C Tor's bytes`(bytes: String, reply: String) {
        #expect(receive(hex(bytes)) == .close(reply: hex(reply)))
    }

    @Test func `names with parameters are refused, except the plain ones`() throws {
        func login(_ name: String) -> [UInt8] {
            hex("05 01 02 01") + [UInt8(name.utf8.count)] + text(name) + [0] + request(name: "a.b")
        }
        #expect(try requested(receive(login("<torS0X>0"))).credentials?.username == text("<torS0X>0"))
        #expect(try requested(receive(login("<torS0X"))).credentials?.username == text("<torS0X"))
        for name in ["<torS0X>", "<torS0X>1", "<torS0X>00", "<torS0X>1abc"] {
            #expect(receive(login(name)) == .close(reply: hex("05 02 05 01 00 01 00000000 0000")))
        }
    }

    @Test(arguments: [
        "-a.b", "_a.b", "a..b", "a b", "a.b@c", "a\u{e9}", "1.2.3", "1.2.3.999", ".", "a.-b", "[a.b]", "a:b:",
    ])
    func `names that no resolver should see are refused`(name: String) {
        #expect(receive(hello + request(name: name)) == .close(reply: hex("05 00 05 01 00 01 00000000 0000")))
    }

    @Test func `names with digits, hyphens, underscores and a last dot are fine`() throws {
        for name in ["a-1.b_c.d9", "localhost", "a.b.", "xn--bcher-kva.example", String(repeating: "a", count: 255)] {
            #expect(try requested(receive(hello + request(name: name))).host == .name(name))
        }
    }

    // MARK: Policy

    @Test func `the port's policy decides before anybody else sees the request`() throws {
        let address = hello + hex("05 01 00 01 01020304 0050")
        func refused(_ code: UInt8) -> SOCKSMachine.ReceiveAction {
            .close(reply: [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0])
        }
        #expect(receive(address) { $0.refusesAddresses = true } == refused(2))
        #expect(receive(address) { $0.allowsIPv4 = false } == refused(2))
        #expect(receive(address) { $0.rejectedPorts = [80] } == refused(2))
        #expect(receive(address) { $0.isInternal = { _ in true } } == refused(1))
        #expect(try requested(receive(address) { $0.plaintextPorts = [80] }).isPlaintextPort)
        let name = hello + request(name: "a.b")
        #expect(receive(name) { $0.allowsDNS = false } == refused(2))
        #expect(try requested(receive(name) { $0.refusesAddresses = true }).host == .name("a.b"))
        #expect(receive(hello + request(name: "LOCALHOST")) { $0.isInternal = { _ in false } } == refused(1))
        #expect(receive(hello + request(name: "a.local.")) { $0.isInternal = { _ in false } } == refused(1))
    }

    @Test func `onion and exit names never leave`() {
        func refused(_ code: UInt8) -> SOCKSMachine.ReceiveAction {
            .close(reply: [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0])
        }
        #expect(receive(hello + request(name: "abc.ONION")) == refused(4))
        #expect(receive(hello + request(name: "abc.onion.")) { $0.extendedErrors = true } == refused(0xF6))
        #expect(receive(hello + request(0xF0, name: "abc.onion")) == refused(4))
        #expect(receive(hello + request(name: "www.example.com.relay.exit")) == refused(1))
    }

    // MARK: RESOLVE

    @Test func `RESOLVE finds an address`() throws {
        var machine = machine()
        let wanted = try requested(machine.receive(hello + request(0xF0, name: "a.b", port: 0)))
        #expect(wanted.command == .resolve)
        #expect(machine.resolved(IPAddress.v4(0x0102_0304)) == hex("05 00 00 01 01020304 0000"))
        var other = self.machine()
        _ = other.receive(hello + request(0xF0, name: "a.b", port: 0))
        #expect(other.resolved(IPAddress("2001:db8::1")!) == hex("05 00 00 04 20010db8000000000000000000000001 0000"))
    }

    @Test func `RESOLVE of an address answers itself`() {
        #expect(
            receive(hello + request(0xF0, name: "1.2.3.4")) == .close(reply: hex("05 00 05 00 00 01 01020304 0000")))
    }

    @Test func `RESOLVE_PTR finds a name`() throws {
        var machine = machine()
        let wanted = try requested(machine.receive(hello + hex("05 f1 00 01 01020304 0000")))
        #expect(wanted.command == .resolvePointer && wanted.host == .address(.v4(0x0102_0304)))
        #expect(machine.resolved("a.b") == hex("05 00 00 03 03 612e62 0000"))
    }

    // MARK: SOCKS 4

    @Test func `SOCKS 4 carries an address and 4a a name`() throws {
        let v4 = try requested(receive(hex("04 01 0050 01020304") + text("me") + [0]))
        #expect(v4.version == 4 && v4.host == .address(.v4(0x0102_0304)) && v4.port == 80)
        #expect(v4.credentials == SOCKSCredentials(username: text("me"), password: []))
        let v4a = hex("04 01 0050 00000001 00") + text("A.b") + [0]
        #expect(try requested(receive(v4a)).host == .name("a.b"))
        #expect(try requested(receive(v4a)).credentials == nil)
        for cut in 1..<v4a.count { #expect(receive(Array(v4a[..<cut])) == .wait(reply: [])) }
        var machine = machine()
        guard case .request(_, let reply, let early) = machine.receive(v4a + [1, 2]) else { return }
        #expect(reply == [] && early == [1, 2])
        #expect(machine.granted() == hex("00 5a 0000 00000000"))
    }

    @Test(arguments: [
        "04 01 0000 01020304 00", "04 01 0050 00000000 00", "04 02 0050 01020304 00", "04 f1 0050 01020304 00",
        "04 01 0050 00000001 00 00", "04 01 0050 00000001 00 6120 00", "04 09 0050 01020304 00",
    ])
    func `SOCKS 4 is refused with 5B`(bytes: String) {
        #expect(receive(hex(bytes)) == .close(reply: hex("00 5b 0000 00000000")))
    }

    @Test func `SOCKS 4 ends when no NUL comes`() {
        let long = hex("04 01 0050 01020304") + Array(repeating: 65, count: 600)
        #expect(receive(long) == .close(reply: hex("00 5b 0000 00000000")))
        #expect(receive(Array(long[..<511])) == .wait(reply: []))
        #expect(
            receive(hex("04 01 0050 01020304 00")) { $0.refusesAddresses = true }
                == .close(reply: hex("00 5b 0000 00000000")))
    }

    @Test func `SOCKS 4 resolves IPv4 only`() throws {
        func resolve() throws -> SOCKSMachine {
            var machine = machine()
            _ = try requested(machine.receive(hex("04 f0 0000 00000001 00 612e62 00")))
            return machine
        }
        var first = try resolve()
        #expect(first.resolved(IPAddress.v4(0x0102_0304)) == hex("00 5a 0000 01020304"))
        var second = try resolve()
        #expect(second.resolved(IPAddress("::1")!) == hex("00 5b 0000 00000000"))
    }

    // MARK: HTTP

    @Test(arguments: ["GET / HTTP/1.0", "HEAD /", "POST /", "CONNECT a:1"])
    func `a browser is told that this is no HTTP proxy`(line: String) {
        guard case .close(let reply) = receive(text(line)) else {
            Issue.record("not closed")
            return
        }
        #expect(String(decoding: reply, as: UTF8.self).hasPrefix("HTTP/1.0 501 Tor is not an HTTP Proxy\r\n"))
    }

    // MARK: Replies

    @Test(arguments: [
        (EndReason.misc, UInt8(1)), (.resolveFailed, 4), (.connectRefused, 5), (.exitPolicy, 2), (.destroy, 1),
        (.done, 5), (.timeout, 6), (.noRoute, 4), (.hibernating, 1), (.internal, 1), (.resourceLimit, 1),
        (.connReset, 5),
        (.torProtocol, 1), (.notDirectory, 1),
    ])
    func `each END reason has C Tor's code`(reason: EndReason, code: UInt8) {
        var machine = machine()
        _ = machine.receive(hello + request(name: "a.b"))
        #expect(machine.refused(SOCKSFailure(reason)) == [5, code, 0, 1, 0, 0, 0, 0, 0, 0])
    }

    @Test func `events out of turn have an answer`() {
        var early = machine()
        #expect(early.granted() == [])
        #expect(early.receive(hello) == .close(reply: []))
        var late = machine()
        _ = late.receive(hello + request(name: "a.b"))
        #expect(late.receive([1]) == .close(reply: hex("05 01 00 01 00000000 0000")))
        #expect(late.refused(.general) == [])
    }

    @Test func `what the operator should know is told`() {
        var safe = machine { $0.refusesAddresses = true }
        _ = safe.receive([5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 80])
        #expect(safe.complaint == .address)
        var older = machine { $0.refusesAddresses = true }
        #expect(older.receive([4, 1, 0, 80, 192, 0, 2, 1, 0]) == .close(reply: [0, 0x5B, 0, 0, 0, 0, 0, 0]))
        #expect(older.complaint == .address)
        var onion = machine()
        _ = onion.receive([5, 1, 0] + request(name: "abc.onion"))
        #expect(onion.complaint == .onionService)
        var other = machine()
        _ = other.receive([5, 1, 0] + request(name: "a.exit"))
        #expect(other.complaint == nil)
    }
}
