import Foundation
import Glibc
import Testing

/// What cannot be started says why, with the option or file that is at fault, ends with 1 and leaves nothing half done.
@Suite(.serialized)
struct StartFailureTests {
    /// An authority that is never there, so that nothing leaves this machine.
    private static let authority =
        "DirAuthority none orport=1 v3ident=\(String(repeating: "F", count: 40)) 127.180.0.2:1 "
        + String(repeating: "E", count: 40) + "\n"

    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "fanion-failure-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: folder + "/empty", contents: nil)
    }

    private func start(_ torrc: String, by prefix: [String] = [], _ words: String...) async throws -> (
        code: Int32?, said: String
    ) {
        let path = folder + "/torrc"
        try "DataDirectory \(folder)/data\n\(torrc)\n".write(toFile: path, atomically: true, encoding: .utf8)
        return try await ChildProcess.run(
            prefix + [NetworkScript.fanion, "-f", path, "--defaults-torrc", folder + "/empty"] + words,
            within: .seconds(20))
    }

    private func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A port that is taken for as long as the socket is kept.
    private func takenPort() throws -> (socket: CInt, number: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, "127.180.0.1", &address.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard code else { throw Failure("no port: \(String(cString: strerror(errno)))") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private func relay(_ port: String) -> String {
        """
        SocksPort 0
        Nickname failing
        Address 127.180.0.1
        ORPort 127.180.0.1:\(port) IPv4Only
        AssumeReachable 1
        TestingTorNetwork 1
        \(Self.authority)
        """
    }

    @Test(arguments: [
        ("Nonsense 3", "torrc:2: unknown option \"Nonsense\""),
        ("BandwidthRate fast", "torrc:2: BandwidthRate: "),
        ("SocksPort 127.0.0.1:99999", "torrc:2: SocksPort: "),
        ("ORPort auto\nExitPolicy accept *:x", "torrc:3: ExitPolicy: "),
        ("ORPort auto\nNickname no-good", "torrc:3: Nickname: "),
        ("%include /nonexistent/file", "torrc:2: "),
        ("DirAuthority x", "torrc:2: DirAuthority: "),
        ("Log notice file /nonexistent/log", "/nonexistent/log"),
        ("DataDirectory /dev/null/data", "/dev/null"),
    ])
    func `a bad configuration is named with its line, and nothing is made`(torrc: String, complaint: String)
        async throws
    {
        defer { remove() }
        let (code, said) = try await start(torrc)
        #expect(code == 1)
        #expect(said.contains(complaint), "\(said)")
        #expect(!FileManager.default.fileExists(atPath: folder + "/data"))
    }

    @Test func `a torrc that is not there is named`() async throws {
        defer { remove() }
        let (code, said) = try await ChildProcess.run([NetworkScript.fanion, "-f", folder + "/missing"])
        #expect(code == 1)
        #expect(said.contains(folder + "/missing"))
    }

    @Test(arguments: ["ORPort", "DirPort", "SocksPort", "ControlPort"])
    func `a port that is in use is named with its option`(option: String) async throws {
        defer { remove() }
        let taken = try takenPort()
        defer { close(taken.socket) }
        let torrc =
            switch option {
            case "ORPort": relay("\(taken.number)")
            case "DirPort": relay("auto") + "DirPort 127.180.0.1:\(taken.number)\n"
            default: "SocksPort 127.180.0.1:auto\n\(option) 127.180.0.1:\(taken.number)\n" + Self.authority
            }
        let (code, said) = try await start(torrc)
        #expect(code == 1)
        #expect(
            said.contains("\(option) 127.180.0.1:\(taken.number) cannot be opened: Address already in use"), "\(said)")
    }

    @Test func `a second process is kept out of the data folder`() async throws {
        defer { remove() }
        let torrc = folder + "/first"
        try "DataDirectory \(folder)/data\nSocksPort 127.180.0.1:auto\n\(Self.authority)"
            .write(toFile: torrc, atomically: true, encoding: .utf8)
        let first = try ChildProcess(
            [NetworkScript.fanion, "-f", torrc, "--defaults-torrc", folder + "/empty"], output: folder + "/output")
        let isUp = try await eventually(within: .seconds(10)) {
            (try? String(contentsOfFile: folder + "/output", encoding: .utf8))?.contains("Opened Socks") == true
                ? true : nil
        }
        #expect(isUp == true)
        let (code, said) = try await start("SocksPort 127.180.0.1:auto\n" + Self.authority)
        #expect(code == 1)
        #expect(said.contains("another process") && said.contains(folder + "/data"), "\(said)")
        first.signal(SIGTERM)
        #expect(try await first.end(within: .seconds(10)) == 0)
    }

    /// Not the master key: as long as the signing key is good, it is never read and may be elsewhere.
    @Test(arguments: ["secret_id_key", "secret_onion_key", "secret_onion_key_ntor", "ed25519_signing_secret_key"])
    func `a key file with a wrong mode, unreadable or damaged is named and kept`(name: String) async throws {
        defer { remove() }
        #expect(try await start(relay("auto"), "--keygen").code == 0)
        #expect(try await start(relay("auto"), "--list-fingerprint").code == 0)
        // What --keygen leaves for the first start is made then.
        try await runShortly()
        let file = folder + "/data/keys/" + name
        let whole = try Data(contentsOf: URL(filePath: file))
        func expectComplaint(_ words: String, by prefix: [String] = []) async throws {
            let (code, said) = try await start(relay("auto"), by: prefix)
            #expect(code == 1)
            #expect(said.contains(file) && said.contains(words), "\(said)")
        }
        chmod(file, 0o644)
        try await expectComplaint("has permissions 0644")
        chmod(file, 0o600)
        try whole.prefix(whole.count / 2).write(to: URL(filePath: file))
        chmod(file, 0o600)
        try await expectComplaint("damaged")
        #expect(try Data(contentsOf: URL(filePath: file)) == whole.prefix(whole.count / 2))
        try whole.write(to: URL(filePath: file))
        if geteuid() == 0 {
            guard access("/usr/bin/setpriv", X_OK) == 0 else { return }
            for path in [folder, folder + "/data", folder + "/data/keys"] { chown(path, 65_534, 65_534) }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/data/keys")
            for path in names.map({ "keys/" + $0 }) + ["lock", "fingerprint"] {
                chown(folder + "/data/" + path, 65_534, 65_534)
            }
            chmod(file, 0)
            let nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            try await expectComplaint("cannot be opened for reading: Permission denied", by: nobody)
        } else {
            chmod(file, 0)
            try await expectComplaint("cannot be opened for reading: Permission denied")
        }
    }

    /// Lets the relay start once.
    private func runShortly() async throws {
        let torrc = folder + "/torrc"
        let output = folder + "/output"
        let child = try ChildProcess(
            [NetworkScript.fanion, "-f", torrc, "--defaults-torrc", folder + "/empty"], output: output)
        _ = try await eventually(within: .seconds(15)) {
            (try? String(contentsOfFile: output, encoding: .utf8))?.contains("Opened OR listener") == true ? true : nil
        }
        child.signal(SIGTERM)
        let code = try await child.end(within: .seconds(10))
        guard code == 0 else {
            throw Failure("ended with \(code ?? -1): \((try? String(contentsOfFile: output, encoding: .utf8)) ?? "")")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func `a full disk leaves no half of a key`() async throws {
        defer { remove() }
        // A small file system of our own is filled but for a few pages, again and again: wherever a new relay runs out of
        // room, what it has written is whole, and it goes on from there when there is room again.
        try relay("auto").write(toFile: folder + "/torrc", atomically: true, encoding: .utf8)
        let script = """
            set -u
            mkdir -p "$1/disk" && mount -t tmpfs -o size=64k tmpfs "$1/disk" || exit 9
            for pages in 0 1 2 3 4 5 6 7 8; do
                rm -rf "$1/disk/"* && mkdir -m 700 "$1/disk/data" "$1/disk/data/keys"
                dd if=/dev/zero of="$1/disk/filler" bs=4096 count=$((16 - pages)) 2>/dev/null
                "$2" -f "$1/torrc" --DataDirectory "$1/disk/data" --defaults-torrc "$1/empty" --keygen >"$1/said" 2>&1
                first=$?
                grep -q "$1/disk/data.*No space left on device" "$1/said" && said=named || said=silent
                left=$(find "$1/disk/data" -name '*.tmp' -o -type f -empty ! -name lock | wc -l)
                rm "$1/disk/filler"
                "$2" -f "$1/torrc" --DataDirectory "$1/disk/data" --defaults-torrc "$1/empty" --keygen >"$1/said" 2>&1
                echo "$pages: $first $said left=$left then $?"
            done
            """
        let (code, said) = try await ChildProcess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", folder, NetworkScript.fanion], within: .seconds(120))
        try #require(code != 9, "no tmpfs can be mounted here: \(said)")
        let lines = said.split(separator: "\n").map(String.init)
        #expect(lines.count == 9)
        #expect(lines.contains { $0.contains(": 1 named") })
        for line in lines {
            let words = line.split(separator: " ")
            #expect(words[1] == "0" || words[1] == "1" && words[2] == "named", "\(line)")
            #expect(line.hasSuffix("left=0 then 0"), "\(line)")
        }
    }
}
