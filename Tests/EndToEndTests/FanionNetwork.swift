import Foundation
import Glibc
import Synchronization
import Testing

/// A network that the cases of a suite share, and a web server. Unless told otherwise it is all of Fanion: three authorities,
/// three relays, two exits, two clients. It goes when the test's process goes, however that be.
final class FanionNetwork: Sendable {
    /// A node, as the script's list has it.
    struct Node: Sendable {
        let name: String
        let kind: String
        /// Whether it is of C Tor.
        let isTor: Bool
        let address: String
        let orPort: UInt16
        let dirPort: UInt16
        let socksPort: UInt16
        let controlPort: UInt16
    }

    /// The one of the suite that is running.
    @TaskLocal static var running: FanionNetwork?

    /// The one of the suite that is running.
    static var current: FanionNetwork {
        get throws {
            guard let running else { throw Failure("no network is running") }
            return running
        }
    }

    /// Where the web server and the name server live, and what the exits' name server is.
    static let serverAddress = "127.191.0.1"
    /// Whether port 53 can be bound here.
    static let canServeNames = geteuid() == 0

    let script: NetworkScript
    let nodes: [Node]
    /// The web server's port.
    let port: UInt16
    private let up: ChildProcess
    private let input: CInt
    private let children = Mutex<[ChildProcess]>([])

    /// What the script needs to know of the usual network.
    static let usual = ["--clients", "2"]

    /// Starts it, and waits until it carries traffic.
    ///
    /// - Parameter seats: words for the script: how many nodes, and which of them are C Tor.
    static func start(_ seats: [String] = usual) async throws -> FanionNetwork {
        let script = NetworkScript()
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure("no pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let words = ["up", "--hold", "--fanion", NetworkScript.fanion] + seats
        let up = try script.start(words, input: ends[0])
        close(ends[0])
        let isReady = try await eventually(within: .seconds(200)) {
            if let code = up.code { throw Failure("the network did not start (\(code)): \(script.output)") }
            return script.output.contains("ready: SOCKS of client") ? true : nil
        }
        guard isReady != nil else {
            close(ends[1])
            throw Failure("the network is not ready: \(script.output)")
        }
        return try await FanionNetwork(script, up: up, input: ends[1])
    }

    private init(_ script: NetworkScript, up: ChildProcess, input: CInt) async throws {
        self.script = script
        self.up = up
        self.input = input
        nodes = try String(contentsOfFile: script.folder + "/nodes", encoding: .utf8).split(separator: "\n").map {
            line in
            let words = line.split(separator: " ").map(String.init)
            let ports = words[4...].compactMap { UInt16($0) }
            return Node(
                name: words[0], kind: words[1], isTor: words[2] == "tor", address: words[3], orPort: ports[0],
                dirPort: ports[1],
                socksPort: ports[2], controlPort: ports[3])
        }
        let folder = script.folder
        try FileManager.default.createDirectory(atPath: folder + "/www", withIntermediateDirectories: true)
        let serve = [NetworkScript.tools, "serve", Self.serverAddress, folder + "/www", folder + "/www.port"]
        let server = try ChildProcess(serve, output: folder + "/server.log")
        let portText = try await eventually(within: .seconds(20)) {
            try? String(contentsOfFile: folder + "/www.port", encoding: .utf8)
        }
        guard let port = portText.flatMap({ UInt16($0) }) else { throw Failure("the web server does not start") }
        self.port = port
        try keep(server, as: "server")
        guard Self.canServeNames else { return }
        let names = [NetworkScript.tools, "names", Self.serverAddress]
        try keep(ChildProcess(names, output: folder + "/names.log"), as: "names")
    }

    /// Stops all of it. Says what is still there then, which should be nothing.
    func stop() async throws -> [Int] {
        close(input)
        _ = try await up.end(within: .seconds(40))
        let left = script.processes
        script.remove()
        return left
    }

    // MARK: Nodes

    /// A node by name.
    func node(_ name: String) throws -> Node {
        guard let node = nodes.first(where: { $0.name == name }) else { throw Failure("no node \(name)") }
        return node
    }

    /// The folder of a node.
    func folder(of name: String) -> String { script.folder + "/" + name }

    /// What a node has logged.
    func log(of name: String) -> String {
        (try? String(contentsOfFile: folder(of: name) + "/log", encoding: .utf8)) ?? ""
    }

    /// The process of a node; nil if it has ended.
    func pid(of name: String) -> pid_t? {
        let lines = (try? String(contentsOfFile: script.folder + "/running", encoding: .utf8)) ?? ""
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == name, let pid = pid_t(words[1]) else { continue }
            if Self.start(of: pid).map({ $0 == words[2] }) == true { return pid }
        }
        return nil
    }

    /// The nodes that do not run any more.
    var dead: [String] { nodes.map(\.name).filter { pid(of: $0) == nil } }

    /// Sends a node a signal.
    func signal(_ number: Int32, to name: String) throws {
        guard let pid = pid(of: name) else { throw Failure("\(name) does not run: \(log(of: name).suffix(500))") }
        kill(pid, number)
    }

    /// Changes a node's torrc, has it read, and waits until it has done so: what follows meets the new settings.
    func reload(_ name: String, _ change: (String) -> String) async throws {
        let sentence = "the configuration was read again"
        let before = log(of: name).components(separatedBy: sentence).count
        try rewriteTorrc(of: name, change)
        try signal(SIGHUP, to: name)
        let isRead = try await eventually(within: .seconds(20), every: .milliseconds(20)) {
            log(of: name).components(separatedBy: sentence).count > before ? true : nil
        }
        guard isRead == true else {
            throw Failure("\(name) did not read its torrc again: \(log(of: name).suffix(500))")
        }
    }

    /// Starts a node that has ended again, with the torrc that it has now.
    func startAgain(_ name: String) throws {
        let words = [
            NetworkScript.fanion, "-f", folder(of: name) + "/torrc", "--defaults-torrc", script.folder + "/empty",
        ]
        try keep(ChildProcess(words, output: folder(of: name) + "/output"), as: name)
    }

    /// Changes the torrc of a node.
    func rewriteTorrc(of name: String, _ change: (String) -> String) throws {
        let path = folder(of: name) + "/torrc"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try change(text).write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// Has a process end with the network.
    func keep(_ child: ChildProcess, as name: String) throws {
        children.withLock { $0.append(child) }
        guard let file = FileHandle(forWritingAtPath: script.folder + "/running") else { throw Failure("no list") }
        file.seekToEndOfFile()
        file.write(Data("\(name) \(child.pid) \(Self.start(of: child.pid) ?? "0")\n".utf8))
        try file.close()
    }

    /// When a process began; nil if it is a zombie or none.
    private static func start(of pid: pid_t) -> String? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let bracket = text.lastIndex(of: ")")
        else { return nil }
        let words = text[text.index(after: bracket)...].split(separator: " ")
        return words.count > 19 && words[0] != "Z" ? String(words[19]) : nil
    }

    // MARK: What is asked

    /// The answers of a node's control port.
    func control(_ name: String, _ commands: String...) async throws -> [String] {
        let node = try node(name)
        let cookie = folder(of: name) + "/data/control_auth_cookie"
        let words = [NetworkScript.tools, "control", "\(node.address):\(node.controlPort)", cookie] + commands
        let (code, said) = try await ChildProcess.run(words)
        guard code == 0 else { throw Failure("control port of \(name): \(said)") }
        return said.split(separator: "\n").map(String.init)
    }

    /// A circuit that is built.
    struct Circuit: Hashable, Sendable {
        let id: String
        /// Nicknames, first hop first.
        let path: [String]
    }

    /// The built circuits of a client for a SOCKS user.
    func circuits(of client: String, user: String) async throws -> [Circuit] {
        try await control(client, "GETINFO circuit-status").compactMap { line in
            let words = line.replacing("circuit-status=", with: "").split(separator: " ").map(String.init)
            guard words.count > 3, words[1] == "BUILT", words.contains("SOCKS_USERNAME=\"\(user)\"") else { return nil }
            let path = words[2].split(separator: ",").map { String($0.split(separator: "~").last ?? "") }
            return Circuit(id: words[0], path: path)
        }
    }

    /// Makes a file for the web server.
    func serve(_ name: String, bytes: Int) throws -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        var content: [UInt8] = []
        content.reserveCapacity(bytes + 8)
        while content.count < bytes { withUnsafeBytes(of: random.next()) { content += $0 } }
        content.removeLast(content.count - bytes)
        try Data(content).write(to: URL(filePath: script.folder + "/www/" + name))
        return content
    }

    /// Has a program connect to a client's SocksPort.
    func socks(_ client: String = "client1", receiveBuffer: CInt? = nil) throws -> Connection {
        let node = try node(client)
        return try Connection(to: node.address, node.socksPort, receiveBuffer: receiveBuffer)
    }

    /// Fetches a file over one stream. Blocks.
    func fetch(_ name: String, user: String?, client: String = "client1", timeout: Int = 60) throws -> [UInt8] {
        let connection = try socks(client)
        connection.setTimeout(timeout)
        try connection.request(Self.serverAddress, port, user: user)
        try connection.ask(for: name)
        return try connection.answer()
    }
}

/// A suite whose cases share one network, which is started before the first and stopped after the last.
struct FanionNetworkTrait: SuiteTrait, TestScoping {
    /// Words for the script.
    let seats: [String]

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let network = try await FanionNetwork.start(seats)
        do {
            try await FanionNetwork.$running.withValue(network) { try await function() }
        } catch {
            _ = try await network.stop()
            throw error
        }
        let left = try await network.stop()
        #expect(left.isEmpty, "these processes are left")
    }
}

extension SuiteTrait where Self == FanionNetworkTrait {
    /// One network of Fanion for all cases of the suite.
    static var fanionNetwork: Self { FanionNetworkTrait(seats: FanionNetwork.usual) }
    /// A network of both programs for all cases of the suite, in the script's words.
    static func mixedNetwork(_ seats: String...) -> Self { FanionNetworkTrait(seats: seats) }
}
