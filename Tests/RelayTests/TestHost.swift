import Cells
import NIOCore
import NIOPosix
import Synchronization

/// A real TCP server on 127.0.0.1 for exit streams to go to.
final class TestHost: Sendable {
    enum Behaviour: Sendable {
        /// Sends back what comes, and closes when a newline has come.
        case echoLine
        /// Sends so many bytes and closes.
        case send(Int)
        /// Reads nothing until told to.
        case readLater
        /// Resets the connection once a byte has come.
        case reset
    }

    let endpoint: SocketEndpoint
    private let socket: any Channel
    private let state: State

    final class State: Sendable {
        let received = Mutex<[UInt8]>([])
        let accepted = Mutex<[any Channel]>([])
        let open = Atomic(0)
    }

    var received: [UInt8] { state.received.withLock { $0 } }
    var openConnections: Int { state.open.load(ordering: .relaxed) }

    init(_ behaviour: Behaviour) async throws {
        let state = State()
        self.state = state
        socket = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: { if case .readLater = behaviour { false } else { true } }())
            .childChannelInitializer { socket in
                state.accepted.withLock { $0.append(socket) }
                return socket.eventLoop.makeCompletedFuture {
                    try socket.pipeline.syncOperations.addHandler(Handler(behaviour, state))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        endpoint = SocketEndpoint(address: IPAddress("127.0.0.1")!, port: UInt16(socket.localAddress!.port!))
    }

    /// Lets it read after all.
    func startReading() async throws {
        // Who connected may be heard of before who accepted is.
        while state.accepted.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(10)) }
        for socket in state.accepted.withLock({ $0 }) { try await socket.setOption(.autoRead, value: true).get() }
    }

    func stop() async throws {
        for socket in state.accepted.withLock({ $0 }) { socket.close(promise: nil) }
        try await socket.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        let behaviour: Behaviour
        let state: State

        init(_ behaviour: Behaviour, _ state: State) {
            self.behaviour = behaviour
            self.state = state
        }

        func channelActive(context: ChannelHandlerContext) {
            state.open.add(1, ordering: .relaxed)
            guard case .send(let count) = behaviour else { return }
            let socket = context.channel
            socket.writeAndFlush(ByteBuffer(bytes: TestHost.pattern(count))).whenComplete { _ in
                socket.close(promise: nil)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            state.open.subtract(1, ordering: .relaxed)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.received.withLock { $0 += bytes.readableBytesView }
            let socket = context.channel
            switch behaviour {
            case .echoLine:
                let isLast = bytes.readableBytesView.last == UInt8(ascii: "\n")
                socket.writeAndFlush(bytes).whenComplete { _ in if isLast { socket.close(promise: nil) } }
            case .reset:
                let linger = linger(l_onoff: 1, l_linger: 0)
                (socket as? any SocketOptionProvider)?.setSoLinger(linger).whenComplete { _ in
                    socket.close(promise: nil)
                }
            case .send, .readLater: break
            }
        }
    }

    static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }
}
