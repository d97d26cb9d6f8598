import Cells
import Configuration
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Node

@Suite struct DescriptorPublisherTests {
    @Test func `every authority but ourselves gets the descriptor`() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = loops.next()
        func identity(_ digit: String) -> RSAIdentity { RSAIdentity(hex: String(repeating: digit, count: 40))! }
        let text = ["A", "B", "C"].map { "DirAuthority auth\($0) orport=1 127.0.0.1:1 \(identity($0).hex)\n" }.joined()
        let settings = try Settings(torrc: TorrcFile(path: "torrc", text: "TestingTorNetwork 1\n" + text))
        let takers = [identity("A"): UploadTaker(), identity("B"): UploadTaker(), identity("C"): UploadTaker()]
        let made = Mutex<[String]>([])
        let box = try await loop.submit {
            let circuits = DirectoryCircuits(eventLoop: loop)
            for (identity, taker) in takers where identity != RSAIdentity(hex: String(repeating: "B", count: 40)) {
                let store = DirectoryStore(files: nil, servesConsensuses: false, logger: Logger(label: "test"))
                let server = DirectoryServer(store: store)
                server.setAuthority(taker)
                circuits.servers[identity] = server
            }
            let publisher = DescriptorPublisher(
                fetcher: DirectoryFetcher(launcher: circuits), authorities: settings.directory.authorities,
                ownIdentity: RSAIdentity(hex: String(repeating: "C", count: 40))!, logger: Logger(label: "test")
            ) { reason in
                made.withLock { $0.append(reason) }
                return Array("router x\n".utf8)
            }
            publisher.start()
            return NIOLoopBound((publisher, circuits), eventLoop: loop)
        }.get()
        func count(_ digit: String) -> Int { takers[identity(digit)]!.uploads.withLock { $0.count } }
        let deadline = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < deadline, count("A") == 0 { try await Task.sleep(for: .milliseconds(20)) }
        #expect(count("A") == 1 && count("B") == 0)
        // What fails may have been tried again by now.
        let asked = try await loop.submit { Set(box.value.1.launches) }.get()
        #expect(asked == [identity("A"), identity("B")])
        #expect(made.withLock { $0 } == ["initial"])
        try await loop.submit { box.value.0.stop() }.get()
        #expect(count("A") == 1 && count("C") == 0)
        try await loops.shutdownGracefully()
    }
}
