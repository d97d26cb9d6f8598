import Foundation
import Glibc
import Testing

extension OneNetwork {
    @Suite(.serialized)
    struct BrowserTests {
        /// As a browser does when it opens a page: thirty requests at once, over connections that are kept.
        @Test(arguments: ["http", "https"])
        func `thirty requests at once over one kind of connection are all answered whole`(scheme: String) async throws {
            let network = try FanionNetwork.current
            let folder = network.script.folder
            var port = network.port
            if scheme == "https" { port = try await Self.secureServer(network) }
            let contents = try (0..<30).map { try network.serve("page\($0)", bytes: 20_000 + 7_919 * $0) }
            let socks = try network.node("client1")
            var words = [
                "curl", "--silent", "--show-error", "--fail", "--insecure", "--http1.1", "--max-time", "100",
                "--parallel",
                "--parallel-max", "30", "--parallel-immediate", "--socks5-hostname",
                "\(socks.address):\(socks.socksPort)", "--proxy-user", "browser-\(scheme):x",
            ]
            for number in 0..<30 {
                words += [
                    "--output", "\(folder)/received\(number)",
                    "\(scheme)://\(FanionNetwork.serverAddress):\(port)/page\(number)",
                ]
            }
            let (code, said) = try await ChildProcess.run(words, within: .seconds(110))
            #expect(code == 0, "\(said)")
            for (number, content) in contents.enumerated() {
                let received = try? Data(contentsOf: URL(filePath: "\(folder)/received\(number)"))
                #expect(received.map { [UInt8]($0) } == content, "page \(number)")
                for path in ["\(folder)/received\(number)", "\(folder)/www/page\(number)"] { unlink(path) }
            }
            // They are one user's, so they share a circuit.
            #expect(try await network.circuits(of: "client1", user: "browser-\(scheme)").count == 1)
        }

        /// Starts a web server behind TLS; its port.
        private static func secureServer(_ network: FanionNetwork) async throws -> UInt16 {
            let folder = network.script.folder
            let (code, said) = try await ChildProcess.run([
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=server.test",
                "-keyout", folder + "/tls.key", "-out", folder + "/tls.crt",
            ])
            guard code == 0 else { throw Failure("openssl: \(said)") }
            let pem = try ["key", "crt"].map { try String(contentsOfFile: "\(folder)/tls.\($0)", encoding: .utf8) }
            try pem.joined().write(toFile: folder + "/tls.pem", atomically: true, encoding: .utf8)
            let words = [
                NetworkScript.tools, "serve", FanionNetwork.serverAddress, folder + "/www", folder + "/tls.port",
                folder + "/tls.pem",
            ]
            try network.keep(ChildProcess(words, output: folder + "/tls.log"), as: "tls")
            let port = try await eventually(within: .seconds(20)) {
                try? String(contentsOfFile: folder + "/tls.port", encoding: .utf8)
            }
            guard let port = port.flatMap({ UInt16($0) }) else { throw Failure("the TLS server does not start") }
            return port
        }
    }
}
