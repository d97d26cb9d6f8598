import Cells
import Configuration
import Control
import Directory
import Foundation
import NIOCore
import NIOPosix
import Node
import Synchronization
import Testing

/// A node that is nothing but what a test says of it.
private final class TestSource: ControlSource {
    let version = "0.4.9.11"
    let torrcPath: String? = "/etc/tor/torrc"
    let signals = Mutex<[ControlSignal]>([])

    func circuits() async -> [String] { [] }
    func streams() async -> [String] { [] }
    func entryGuards() async -> [String] { [] }
    func hasCircuit() async -> Bool { false }
    func relays() async -> [RouterStatus] { [] }
    func bootstrap() async -> ControlBootstrap { .starting }
    func traffic() async -> ControlTraffic { ControlTraffic(read: 0, written: 0) }
    func listeners() async -> [String: [String]] { [:] }
    func fingerprint() async -> RSAIdentity? { nil }
    func hasEnoughDirectory() async -> Bool { false }
    func receive(_ signal: ControlSignal) async { signals.withLock { $0.append(signal) } }
}

/// A controller with a real socket.
private final class Controller: Sendable {
    private let descriptor: Int32

    init?(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            return nil
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Sends a command, if there is one, and reads a whole reply; what it could read if the connection ended. Waits on a thread that
    /// nothing else needs.
    func ask(_ command: String?) async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: self.askAndWait(command)) }
        }
    }

    private func askAndWait(_ command: String?) -> String {
        let bytes = Array((command.map { $0 + "\r\n" } ?? "").utf8)
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        var text = ""
        var line = ""
        var isInData = false
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) == 1 {
            line.unicodeScalars.append(UnicodeScalar(byte))
            guard byte == 10 else { continue }
            defer { line = "" }
            text += line
            if isInData {
                isInData = line != ".\r\n"
            } else if line.dropFirst(3).first == "+" {
                isInData = true
            } else if line.dropFirst(3).first == " " {
                return text
            }
        }
        return text
    }
}

@Suite(.serialized)
struct ControlServiceTests {
    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "fanion-control-\(UInt64.random(in: 0...UInt64.max))"
        try SecureFiles.makeFolder(path)
        return path
    }

    private func settings(_ torrc: String) throws -> ControlSettings {
        try Settings(torrc: TorrcFile(path: "torrc", text: torrc)).control
    }

    @Test func `the cookie's file is private, and lets in`() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let settings = try settings("ControlPort auto\nCookieAuthentication 1\nControlPortWriteToFile \(folder)/port\n")
        let authentication = try ControlFiles.authentication(settings, dataDirectory: folder)
        let path = folder + "/control_auth_cookie"
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let source = TestSource()
        let service = ControlService(
            source: source, authentication: authentication, group: MultiThreadedEventLoopGroup.singleton)
        let place = try await service.listen(on: settings.ports[0])
        try ControlFiles.writePorts([place], settings)
        #expect(try String(contentsOfFile: folder + "/port", encoding: .utf8) == "PORT=\(place)\n")
        let endpoint = try #require(SocketEndpoint(place))
        let controller = try #require(Controller(port: endpoint.port))
        let cookie = try #require(try SecureFiles.read(path)).map { String(format: "%02X", $0) }.joined()
        #expect(await controller.ask("AUTHENTICATE \(cookie)") == "250 OK\r\n")
        #expect(
            await controller.ask("GETINFO version process/pid")
                == "250-version=0.4.9.11\r\n250-process/pid=\(getpid())\r\n250 OK\r\n")
        #expect(await controller.ask("SIGNAL RELOAD") == "250 OK\r\n")
        for _ in 0..<200 where source.signals.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(10)) }
        #expect(source.signals.withLock { $0 } == [.reload])
        #expect(await controller.ask("SETEVENTS CIRC BW") == "250 OK\r\n")
        service.publish(.circuit, "5 BUILT")
        var event = await controller.ask(nil)
        if event.hasPrefix("650 BW") { event = await controller.ask(nil) }
        #expect(event == "650 CIRC 5 BUILT\r\n")
        #expect(await controller.ask("QUIT") == "250 closing connection\r\n")
        await service.stop()
    }

    @Test func `a Unix socket is only for its user`() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let service = ControlService(
            source: TestSource(), authentication: ControlAuthentication(), group: MultiThreadedEventLoopGroup.singleton)
        let port = try settings("ControlSocket \(folder)/control\n").ports[0]
        #expect(try await service.listen(on: port) == "unix:\(folder)/control")
        let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/control")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        await service.stop()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
        await #expect(throws: FileError.self) { try await service.listen(on: port) }
    }

    /// Whether C Tor is here, and is to be used.
    static let hasTor =
        ProcessInfo.processInfo.environment["FANION_TEST_TOR"] == "1"
        && FileManager.default.isExecutableFile(atPath: "/usr/sbin/tor")

    @Test(.enabled(if: hasTor)) func `C Tor gives the same answers`() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try SecureFiles.write([], to: folder + "/empty")
        let password = HashedPassword.hashing(Array("secret".utf8), salt: [8, 7, 6, 5, 4, 3, 2, 1])
        let tor = Process()
        tor.executableURL = URL(filePath: "/usr/sbin/tor")
        tor.arguments = [
            "-f", folder + "/empty", "--defaults-torrc", folder + "/empty", "--DataDirectory", folder + "/data",
            "--SocksPort", "0", "--ControlPort", "auto", "--ControlPortWriteToFile", folder + "/port",
            "--CookieAuthentication", "1", "--CookieAuthFile", folder + "/cookie", "--DisableNetwork", "1",
            "--HashedControlPassword", password.text, "--quiet",
        ]
        try tor.run()
        // Processes that are started from here inherit a mask that blocks SIGTERM.
        defer { kill(tor.processIdentifier, SIGKILL) }
        var theirs: UInt16?
        for _ in 0..<200 where theirs == nil {
            try await Task.sleep(for: .milliseconds(50))
            let text = (try? String(contentsOfFile: folder + "/port", encoding: .utf8)) ?? ""
            theirs = SocketEndpoint(text.dropFirst("PORT=".count).prefix { $0 != "\n" })?.port
        }
        let theirPort = try #require(theirs)
        // The same cookie for both, so that the same words let in.
        let cookie = try #require(try SecureFiles.read(folder + "/cookie"))
        let service = ControlService(
            source: TestSource(),
            authentication: ControlAuthentication(
                cookie: .init(bytes: cookie, path: folder + "/cookie"), passwords: [password]),
            group: MultiThreadedEventLoopGroup.singleton)
        let place = try await service.listen(on: try settings("ControlPort auto\nCookieAuthentication 1\n").ports[0])
        let ourPort = try #require(SocketEndpoint(place)).port
        let digits = cookie.map { String(format: "%02x", $0) }.joined()
        let conversations: [[String]] = [
            ["GETINFO version"], ["PROTOCOLINFO 1", "AUTHENTICATE \(digits)"], ["PROTOCOLINFO", "PROTOCOLINFO"],
            ["PROTOCOLINFO x"], [#"AUTHENTICATE "wrong""#], ["AUTHENTICATE xx"], ["AUTHENTICATE a b"],
            ["AUTHCHALLENGE FOO 00"], ["AUTHCHALLENGE SAFECOOKIE zz"], ["QUIT"], [""],
            ["AUTHCHALLENGE SAFECOOKIE 00", "AUTHENTICATE \(digits)"],
            [
                #"AUTHENTICATE "secret""#, "GETINFO version", "getinfo version", "GETINFO nonsense",
                "GETINFO nonsense version other", "GETINFO", "GETINFO circuit-status stream-status", "GETINFO ns/all",
                "GETINFO status/bootstrap-phase", "GETINFO traffic/read traffic/written", "GETINFO net/listeners/or",
                "GETINFO net/listeners/foo", "GETINFO fingerprint", "SIGNAL FOO", "SIGNAL", "SIGNAL A B",
                "SIGNAL NEWNYM", "SETEVENTS", "SETEVENTS BW FOO", "SETEVENTS CIRC EXTENDED", "NONSENSE x",
                "USEFEATURE VERBOSE_NAMES", "USEFEATURE X", "TAKEOWNERSHIP", "DROPOWNERSHIP", "GETINFO signal/names",
                "GETINFO events/names", "GETINFO features/names", "GETINFO dormant", "GETINFO process/uid",
                "GETINFO process/user", "GETINFO status/circuit-established", "GETINFO status/enough-dir-info",
                "GETINFO ns/name/nobody", "+NONSENSE\r\ndata\r\n.", "PROTOCOLINFO 1", "QUIT",
            ],
        ]
        for conversation in conversations {
            let them = try #require(Controller(port: theirPort))
            let us = try #require(Controller(port: ourPort))
            for command in conversation {
                let theirs = Self.plain(await them.ask(command))
                let ours = Self.plain(await us.ask(command))
                #expect(ours == theirs, "\(command)")
            }
        }
        await service.stop()
    }

    /// A reply without what cannot be the same: hashes and nonces.
    private static func plain(_ text: String) -> String {
        text.split(separator: " ").map { word in
            word.hasPrefix("SERVERHASH=") || word.hasPrefix("SERVERNONCE=")
                ? "\(word.prefix { $0 != "=" })=\(word.count)" : String(word)
        }.joined(separator: " ")
    }
}
