import Foundation
import Glibc
import Testing

extension OneNetwork {
    @Suite(.serialized)
    struct TrafficTests {
        @Test func `a large file arrives whole, down and up`() async throws {
            let network = try FanionNetwork.current
            let www = network.script.folder + "/www"
            let socks = try network.node("client1")
            let proxy = ["--socks5-hostname", "\(socks.address):\(socks.socksPort)"]
            let quiet = ["curl", "--silent", "--show-error", "--fail", "--max-time", "120"]
            let url = "http://\(FanionNetwork.serverAddress):\(network.port)/"
            _ = try network.serve("large", bytes: NetworkScript.megabytes << 20)
            let begin = ContinuousClock.now
            let down = try await ChildProcess.run(
                quiet + proxy + ["--output", www + "/received", url + "large"], within: .seconds(130))
            #expect(down.code == 0, "\(down.said)")
            let middle = ContinuousClock.now
            let up = try await ChildProcess.run(
                quiet + proxy + [
                    "--header", "Expect:", "--output", "/dev/null", "--upload-file", www + "/large", url + "sent",
                ],
                within: .seconds(130))
            #expect(up.code == 0, "\(up.said)")
            print("\(NetworkScript.megabytes) MiB: down in \(middle - begin), up in \(ContinuousClock.now - middle)")
            let sums = try await ChildProcess.run(["sha256sum"] + ["large", "received", "sent"].map { www + "/" + $0 })
            #expect(sums.said.split(separator: "\n").count == 3)
            #expect(Set(sums.said.split(separator: "\n").map { $0.prefix(64) }).count == 1, "\(sums.said)")
            for name in ["large", "received", "sent"] { unlink(www + "/" + name) }
        }

        @Test func `a hundred streams at once arrive whole, and one reader that stalls delays nobody`() async throws {
            let network = try FanionNetwork.current
            let small = try network.serve("small", bytes: 1 << 20)
            let long = try network.serve("long", bytes: 16 << 20)
            let user = "hundred"
            // The stalled reader has the same circuit as all others: that is the hard case.
            let stalled = try await offload {
                let connection = try network.socks(receiveBuffer: 4096)
                try connection.request(FanionNetwork.serverAddress, network.port, user: user)
                try connection.ask(for: "long")
                return connection
            }
            try await Task.sleep(for: .seconds(1))
            let begin = ContinuousClock.now
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await offload { try network.fetch("small", user: user) == small } }
                }
                for try await isWhole in group { #expect(isWhole) }
            }
            let time = ContinuousClock.now - begin
            print("100 streams of 1 MiB beside a stalled one: \(time)")
            #expect(time < .seconds(40))
            #expect(try await network.circuits(of: "client1", user: user).count == 1)
            // It was only waiting.
            #expect(try await offload { try stalled.answer() } == long)
        }

        @Test func `silent connections are dropped at the limit, and every descriptor comes back`() async throws {
            let network = try FanionNetwork.current
            var limit = rlimit()
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            getrlimit(resource, &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(resource, &limit)
            let count = 5_000
            guard limit.rlim_cur > count + 1_000 else {
                try Test.cancel("the system allows only \(limit.rlim_cur) open files")
            }
            let content = try network.serve("busy", bytes: 4 << 20)
            let (user, name) = try await Self.middle(network)
            let relay = try network.node(name)
            try await network.reload(name) { $0 + "TestingFanionHandshakeTimeout 4 seconds\n" }
            guard let pid = network.pid(of: name) else { throw Failure("\(name): \(network.log(of: name))") }
            let descriptors: @Sendable () -> Int = {
                (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
            }
            let before = descriptors()

            let traffic = Task {
                var downloads = 0
                while !Task.isCancelled {
                    guard try await offload({ try network.fetch("busy", user: user) }) == content else {
                        throw Failure("a download was not whole")
                    }
                    downloads += 1
                }
                return downloads
            }
            let (peak, opening, dropping) = try await offload {
                let begin = ContinuousClock.now
                // In portions: what overflows the queue of the system's own handshakes gets in seconds later.
                var silent: [Connection] = []
                while silent.count < count {
                    for _ in 0..<50 { silent.append(try Connection(to: relay.address, relay.orPort)) }
                    usleep(20_000)
                }
                let opened = ContinuousClock.now
                var peak = 0
                while ContinuousClock.now - opened < .seconds(30), !silent.isEmpty {
                    peak = max(peak, descriptors())
                    silent.removeAll { connection in
                        var byte: UInt8 = 0
                        let count = recv(connection.descriptor, &byte, 1, Int32(MSG_DONTWAIT))
                        return count == 0 || count < 0 && errno != EAGAIN
                    }
                    usleep(50_000)
                }
                guard silent.isEmpty else { throw Failure("\(silent.count) silent connections are still open") }
                return (peak, opened - begin, ContinuousClock.now - begin)
            }
            let isBack = try await eventually(within: .seconds(10)) { descriptors() <= before + 3 ? true : nil }
            traffic.cancel()
            let downloads = try await traffic.value
            print(
                "\(count) silent connections: \(before) descriptors before, \(peak) at most, \(descriptors()) after; "
                    + "opened in \(opening), all dropped after \(dropping); \(downloads) downloads of 4 MiB meanwhile")
            #expect(isBack == true, "\(descriptors()) descriptors, \(before) before")
            #expect(peak > count * 3 / 4)
            #expect(dropping > Duration.milliseconds(3_500))
            #expect(dropping < opening + Duration.seconds(8))
            #expect(downloads > 0)
            #expect(network.pid(of: name) == pid)
            try await network.reload(name) { $0.replacing("TestingFanionHandshakeTimeout 4 seconds\n", with: "") }
        }

        /// A SOCKS user with a circuit, and the circuit's middle relay, which is no authority. Relays are chosen by what
        /// they have carried, so not every one can be had.
        static func middle(_ network: FanionNetwork) async throws -> (user: String, relay: String) {
            for number in 0..<60 {
                let user = "middle-\(number)-\(UInt32.random(in: 0...UInt32.max))"
                let stream = try await offload {
                    let connection = try network.socks()
                    try connection.request(FanionNetwork.serverAddress, network.port, user: user)
                    return connection
                }
                let circuits = try await network.circuits(of: "client1", user: user)
                withExtendedLifetime(stream) {}
                guard circuits.count == 1, circuits[0].path.count == 3 else { continue }
                if !circuits[0].path[1].hasPrefix("auth") { return (user, circuits[0].path[1]) }
            }
            throw Failure("every middle relay is an authority")
        }
    }
}
