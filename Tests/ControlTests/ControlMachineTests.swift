import Cells
import Configuration
import OnionCrypto
import ProtocolTestKit
import Testing

@testable import Control

struct ControlMachineTests {
    private let cookie = [UInt8](repeating: 7, count: 32)
    private var random = SeededRandom()

    private func machine(cookie: Bool = true, password: String? = nil) -> ControlMachine {
        var authentication = ControlAuthentication()
        if cookie { authentication.cookie = .init(bytes: self.cookie, path: "/tmp/a \"cookie\"") }
        if let password {
            authentication.passwords = [.hashing(Array(password.utf8), salt: [1, 2, 3, 4, 5, 6, 7, 8])]
        }
        return ControlMachine(authentication: authentication, version: "1.2.3")
    }

    @Test mutating func `nothing is answered before AUTHENTICATE but PROTOCOLINFO, once`() {
        var machine = machine()
        #expect(
            machine.receive("PROTOCOLINFO 1", using: &random)
                == .reply(
                    ControlReply(lines: [
                        .init(250, "PROTOCOLINFO 1"),
                        .init(250, #"AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/tmp/a \"cookie\"""#),
                        .init(250, #"VERSION Tor="1.2.3""#), .init(250, "OK"),
                    ])))
        #expect(
            machine.receive("PROTOCOLINFO 1", using: &random)
                == .replyAndClose(ControlReply(514, "Authentication required.")))
        #expect(machine.receive("AUTHENTICATE", using: &random) == .ignore)
    }

    @Test mutating func `the cookie lets in, another does not`() {
        var good = machine()
        #expect(good.receive("authenticate \(hex(cookie))", using: &random) == .reply(.done))
        let isOpen = good.isOpen
        #expect(isOpen)
        var bad = machine()
        #expect(
            bad.receive("AUTHENTICATE \(hex([UInt8](repeating: 8, count: 32)))", using: &random)
                == .replyAndClose(
                    ControlReply(
                        515, "Authentication failed: Authentication cookie did not match expected value.")))
        var short = machine()
        #expect(
            short.receive("AUTHENTICATE 00", using: &random)
                == .replyAndClose(
                    ControlReply(515, "Authentication failed: Wrong length on authentication cookie.")))
        let areOpen = [bad.isOpen, short.isOpen]
        #expect(areOpen == [false, false])
    }

    @Test mutating func `a safe cookie exchange proves both sides`() throws {
        var machine = machine()
        let action = machine.receive("AUTHCHALLENGE SAFECOOKIE 00112233", using: &random)
        guard case .reply(let reply) = action else {
            Issue.record("\(action)")
            return
        }
        let words = reply.lines[0].text.split(separator: " ")
        let hash = try #require(Base16.decode(words[1].dropFirst("SERVERHASH=".count)))
        let nonce = try #require(Base16.decode(words[2].dropFirst("SERVERNONCE=".count)))
        let text = cookie + [0x00, 0x11, 0x22, 0x33] + nonce
        func code(_ who: String) -> [UInt8] {
            let key = "Tor safe cookie authentication \(who) hash"
            return HMACSHA256.code(text.span.bytes, key: Array(key.utf8).span.bytes)
        }
        #expect(hash == code("server-to-controller"))
        #expect(
            machine.receive("AUTHENTICATE \(hex(code("controller-to-server")))", using: &random) == .reply(.done))
        let isOpen = machine.isOpen
        #expect(isOpen)
    }

    @Test mutating func `after a challenge the cookie itself will not do`() {
        var machine = machine()
        _ = machine.receive("AUTHCHALLENGE SAFECOOKIE 00112233", using: &random)
        #expect(
            machine.receive("AUTHENTICATE \(hex(cookie))", using: &random)
                == .replyAndClose(
                    ControlReply(
                        515, "Authentication failed: Safe cookie response did not match expected value.")))
    }

    @Test mutating func `a password lets in, quoted or in hexadecimal digits`() {
        for command in [#"AUTHENTICATE "se\"cret""#, "AUTHENTICATE \(hex(Array("se\"cret".utf8)))"] {
            var machine = machine(cookie: false, password: "se\"cret")
            #expect(machine.receive(command, using: &random) == .reply(.done))
        }
        var machine = machine(cookie: true, password: "secret")
        #expect(
            machine.receive(#"AUTHENTICATE "wrong""#, using: &random)
                == .replyAndClose(
                    ControlReply(
                        515,
                        "Authentication failed: Password did not match HashedControlPassword *or* authentication cookie."
                    )))
    }

    @Test func `a password's hash is that of C Tor`() throws {
        // tor --hash-password "This is a password"
        let hash = try #require(HashedPassword("16:393D510EC48E957B607EA074B7A8E980320BB4340CC75D293822577F8E"))
        #expect(hash.matches(Array("This is a password".utf8)))
        let own = HashedPassword.hashing(Array("secret".utf8), salt: [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(own.matches(Array("secret".utf8)))
        #expect(!own.matches(Array("secre".utf8)))
        #expect(try #require(HashedPassword(own.text)) == own)
    }

    @Test mutating func `without any authentication everybody is let in`() {
        var machine = machine(cookie: false)
        #expect(machine.receive("AUTHENTICATE", using: &random) == .reply(.done))
    }

    @Test mutating func `commands become questions and orders`() {
        var machine = machine(cookie: false)
        _ = machine.receive("AUTHENTICATE", using: &random)
        #expect(machine.receive("GETINFO version  ns/all", using: &random) == .lookUp(["version", "ns/all"]))
        #expect(machine.receive("SIGNAL newnym", using: &random) == .signal(.newIdentity))
        #expect(machine.receive("SIGNAL INT", using: &random) == .signal(.halt))
        #expect(machine.receive("SIGNAL SHUTDOWN", using: &random) == .signal(.shutdown))
        #expect(machine.receive("SETEVENTS BW circ", using: &random) == .setEvents([.bandwidth, .circuit]))
        #expect(machine.receive("SETEVENTS", using: &random) == .setEvents([]))
        #expect(machine.receive("TAKEOWNERSHIP", using: &random) == .setOwner(true))
        #expect(
            machine.receive("SETEVENTS BW FOO", using: &random)
                == .reply(ControlReply(552, "Unrecognized event \"FOO\"")))
        #expect(machine.receive("QUIT", using: &random) == .replyAndClose(ControlReply(250, "closing connection")))
        #expect(machine.receive("GETINFO version", using: &random) == .ignore)
    }

    @Test func `values of several lines become data`() {
        let reply = ControlMachine.reply(to: [("a", .value("1")), ("b", .value("x\n.y\n")), ("c", .value("p\nq"))])
        #expect(reply.text == "250-a=1\r\n250+b=\r\nx\r\n..y\r\n.\r\n250+c=\r\np\r\nq\r\n.\r\n250 OK\r\n")
    }

    @Test func `one key that is not one spoils the whole`() {
        let reply = ControlMachine.reply(to: [("a", .value("1")), ("b", .unrecognized), ("c", .unrecognized)])
        #expect(reply.text == "552-Unrecognized key \"b\"\r\n552 Unrecognized key \"c\"\r\n")
    }
}
