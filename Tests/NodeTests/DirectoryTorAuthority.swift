import Cells
import Directory
import Foundation
import Logging
import Testing
import Transport

@testable import Node

/// A C Tor directory authority, alone in its network, with a consensus of itself: the judge of what a directory answers.
///
/// Needs `/usr/sbin/tor` and FANION_TEST_TOR=1. One process for all tests; it ends when they do.
final class DirectoryTorAuthority: @unchecked Sendable {
    static let isWanted =
        ProcessInfo.processInfo.environment["FANION_TEST_TOR"] == "1"
        && FileManager.default.isExecutableFile(atPath: tor)
    private static let tor = "/usr/sbin/tor"

    let orPort: UInt16
    let dirPort: UInt16
    let identity: RSAIdentity
    let v3Identity: RSAIdentity
    let folder: String
    private let process = Process()

    /// The one that all tests share.
    static let shared: Task<DirectoryTorAuthority, any Error> = Task { try await start() }

    private static func start() async throws -> DirectoryTorAuthority {
        let authority = try DirectoryTorAuthority()
        let deadline = ContinuousClock.now + .seconds(150)
        while ContinuousClock.now < deadline {
            if let answer = try? authority.get("/tor/status-vote/current/consensus-microdesc"), answer.status == 200,
                String(decoding: answer.body, as: UTF8.self).contains("\nm ")
            {
                return authority
            }
            try await Task.sleep(for: .milliseconds(500))
        }
        throw FileError(path: authority.folder, reason: "the authority makes no consensus")
    }

    private init() throws {
        folder = NSTemporaryDirectory() + "fanion-tor-\(UUID().uuidString)"
        let keys = folder + "/keys"
        try FileManager.default.createDirectory(atPath: keys, withIntermediateDirectories: true)
        chmod(folder, 0o700)
        chmod(keys, 0o700)
        orPort = try Self.freePort()
        dirPort = try Self.freePort()
        try Data().write(to: URL(filePath: folder + "/empty"))
        try Data("password\n".utf8).write(to: URL(filePath: folder + "/passphrase"))
        let certificate = keys + "/authority_certificate"
        try Self.run(
            "/bin/sh", "-c",
            "exec tor-gencert --create-identity-key --passphrase-fd 0 -m 12 -a 127.0.0.1:\(dirPort)"
                + " -i \(keys)/authority_identity_key -s \(keys)/authority_signing_key -c \(certificate)"
                + " < \(folder)/passphrase")
        let text = try String(contentsOfFile: certificate, encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("fingerprint ") })
        v3Identity = try #require(RSAIdentity(hex: line.dropFirst("fingerprint ".count)))
        let printed = try Self.run(
            Self.tor, "-f", folder + "/empty", "--defaults-torrc", folder + "/empty", "--list-fingerprint", "--hush",
            "--orport", "1", "--datadirectory", folder, "--nickname", "lone", "--dirauthority",
            "unused 127.0.0.1:1 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF")
        let last = try #require(printed.split(separator: "\n").last { $0.hasPrefix("lone ") })
        identity = try #require(RSAIdentity(hex: last.dropFirst("lone ".count).filter { $0 != " " }))
        let torrc = """
            TestingTorNetwork 1
            DataDirectory \(folder)
            Nickname lone
            Address 127.0.0.1
            ORPort 127.0.0.1:\(orPort) IPv4Only
            DirPort 127.0.0.1:\(dirPort) IPv4Only
            DirAuthority lone orport=\(orPort) v3ident=\(v3Identity.hex) 127.0.0.1:\(dirPort) \(identity.hex)
            ContactInfo none
            AssumeReachable 1
            SocksPort 0
            ShutdownWaitLength 0
            __OwningControllerProcess \(getpid())
            AuthoritativeDirectory 1
            V3AuthoritativeDirectory 1
            TestingV3AuthInitialVotingInterval 20
            TestingV3AuthInitialVoteDelay 2
            TestingV3AuthInitialDistDelay 2
            V3AuthVotingInterval 60
            V3AuthVoteDelay 2
            V3AuthDistDelay 2
            TestingDirAuthVoteGuard *
            TestingDirAuthVoteHSDir *
            TestingDirAuthVoteExit *
            ExitRelay 1
            ExitPolicy accept *:*
            ExitPolicyRejectPrivate 0
            Log notice file \(folder)/log
            """
        try Data(torrc.utf8).write(to: URL(filePath: folder + "/torrc"))
        process.executableURL = URL(filePath: Self.tor)
        process.arguments = ["-f", folder + "/torrc", "--defaults-torrc", folder + "/empty", "--quiet"]
        // With our output it would hold the pipe that the test runner reads to the end, and outlive us.
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    /// Asks its DirPort, byte for byte as given; the body is as it came.
    func get(_ path: String, headers: [(String, String)] = []) throws -> HTTPResponse {
        var request = HTTPRequest(.get, path)
        for (name, value) in headers { request.headers.append(name, value) }
        return try exchange(request.encode())
    }

    /// Sends bytes to its DirPort and reads until it closes.
    func exchange(_ bytes: [UInt8]) throws -> HTTPResponse {
        try BlockingSocket.exchange(bytes, port: dirPort)
    }

    /// A store with all that the authority has.
    func mirror() throws -> DirectoryStore {
        let store = DirectoryStore(files: nil, servesConsensuses: false, logger: Logger(label: "test"))
        let keys = try get("/tor/keys/all").body
        store.add(
            try DocumentSplitter.split(keys, startingWith: ["dir-key-certificate-version"]).map {
                try KeyCertificate(Array(keys[$0.range]))
            })
        for path in ["", "-microdesc"] {
            let text = try get("/tor/status-vote/current/consensus\(path)").body
            let consensus = try Consensus(parsing: text)
            let status = consensus.signatureStatus(
                authorities: [v3Identity], certificates: store.snapshot.certificates.values.joined(),
                now: WallTime.now)
            #expect(status.isSufficient)
            #expect(store.set(consensus))
            #expect(!store.set(consensus))
        }
        let digests = try #require(store.snapshot.consensus(.microdesc)).routers.compactMap(\.microdescriptorDigest)
        let micro = try get(DirectoryRequest.microdescriptors(digests).http.target).body
        store.add(
            try DocumentSplitter.split(micro, startingWith: ["onion-key"]).map {
                try Microdescriptor(Array(micro[$0.range]))
            }, at: WallTime.now)
        try refresh(store)
        return store
    }

    /// Adds the router descriptors that it has now, and those that its consensus names: its own is made anew at times.
    func refresh(_ store: DirectoryStore) throws {
        let named = try #require(store.snapshot.consensus(.ns)).routers.compactMap(\.descriptorDigest)
        for target in ["/tor/server/all", DirectoryRequest.descriptors(named).http.target] {
            let bytes = try get(target).body
            store.add(
                try DocumentSplitter.split(bytes, startingWith: ["router"]).map {
                    try RouterDescriptor(Array(bytes[$0.range]))
                })
        }
        // Those of descriptors that were replaced it has too, and serves by digest alone.
        let digests = store.snapshot.descriptors.values.compactMap { router in
            router.extraInfoDigest.map { Base16.encode($0.bytes, uppercase: true) }
        }
        for target in ["/tor/extra/all", "/tor/extra/d/" + digests.joined(separator: "+")] {
            let extra = try get(target).body
            store.add(
                try DocumentSplitter.split(extra, startingWith: ["extra-info"]).map {
                    try ExtraInfoDocument(Array(extra[$0.range]))
                })
        }
    }

    @discardableResult
    private static func run(_ words: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: words[0])
        process.arguments = Array(words.dropFirst())
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw FileError(path: words[0], reason: "failed") }
        return String(decoding: data, as: UTF8.self)
    }

    private static func freePort() throws -> UInt16 {
        try BlockingSocket.freePort()
    }
}

/// The simplest TCP client there is.
enum BlockingSocket {
    static func open(port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else {
            close(descriptor)
            throw DirectoryFetchError.connectionFailed
        }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    static func close(_ descriptor: Int32) { _ = Foundation.close(descriptor) }

    static func exchange(_ bytes: [UInt8], port: UInt16) throws -> HTTPResponse {
        let descriptor = try open(port: port)
        defer { close(descriptor) }
        var machine = HTTPResponseMachine()
        _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw DirectoryFetchError.timedOut }
            let action =
                count > 0 ? machine.receive(Array(buffer[..<count]).span.bytes) : machine.receiveEnd()
            switch action {
            case .wait: continue
            case .handle(let response): return response
            case .fail(let error): throw error
            case .ignore: throw HTTPError.truncated
            }
        }
    }

    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        guard result == 0 else { throw FileError(path: "127.0.0.1", reason: "no port is free") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
