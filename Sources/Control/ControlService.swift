internal import Cells
package import Configuration
internal import Glibc
package import NIOCore
internal import NIOPosix
internal import Node
internal import Synchronization
internal import Transport

/// The node's control ports: listens, lets controllers in, and tells them of events.
package final class ControlService: Sendable {
    private struct State {
        var sockets: [any Channel] = []
        var listeners: [ObjectIdentifier: (socket: any Channel, events: Set<ControlEvent>)] = [:]
        var bandwidthTask: RepeatedTask?
        var lastTraffic = ControlTraffic(read: 0, written: 0)
    }

    let source: any ControlSource
    let authentication: ControlAuthentication
    let answers: ControlAnswers
    private let group: any EventLoopGroup
    private let state = Mutex(State())

    /// A service that listens nowhere yet.
    package init(source: any ControlSource, authentication: ControlAuthentication, group: any EventLoopGroup) {
        self.source = source
        self.authentication = authentication
        self.group = group
        answers = ControlAnswers(source: source)
    }

    /// Listens on one more port.
    ///
    /// - Returns: where: an endpoint with the port that the system chose, or a `unix:` path.
    package func listen(on port: ControlPort) async throws -> String {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] socket in
                socket.eventLoop.makeCompletedFuture {
                    try socket.pipeline.syncOperations.addHandler(ControlHandler(service: self))
                }
            }
        let socket: any Channel
        let place: String
        switch port.address {
        case .tcp(let address, let number):
            socket = try await bootstrap.bind(to: SocketAddress(SocketEndpoint(address: address, port: number ?? 0)))
                .get()
            place = socket.localAddress.flatMap { SocketEndpoint($0) }.map(\.description) ?? ""
        case .unix(let path):
            try Self.checkFolder(of: path, port.access)
            socket = try await bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
            let mode: mode_t = port.access.isWorldWritable ? 0o666 : port.access.isGroupWritable ? 0o660 : 0o600
            chmod(path, mode)
            place = "unix:" + path
        }
        state.withLock { $0.sockets.append(socket) }
        return place
    }

    /// Refuses a socket in a folder that lets in more people than the socket does, as C Tor.
    private static func checkFolder(of path: String, _ access: UnixSocketAccess) throws(FileError) {
        guard !access.isWorldWritable else { return }
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var status = stat()
        guard stat(folder, &status) == 0 else {
            throw FileError(path: folder, reason: String(cString: strerror(errno)))
        }
        let forbidden: mode_t = access.relaxesFolderCheck ? 0o022 : access.isGroupWritable ? 0o007 : 0o077
        guard status.st_mode & forbidden == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw FileError(path: folder, reason: "has permissions 0\(mode): too many may use a control socket in it")
        }
    }

    /// Stops listening, and ends every conversation.
    package func stop() async {
        let (sockets, task) = state.withLock { state in
            defer { state = State() }
            return (state.sockets + state.listeners.values.map(\.socket), state.bandwidthTask)
        }
        task?.cancel()
        for socket in sockets { try? await socket.close() }
    }

    /// Tells whoever asked for it: `650 CIRC ...`, where `text` is what comes after the event's name.
    package func publish(_ event: ControlEvent, _ text: String) {
        let sockets = state.withLock { state in
            state.listeners.values.filter { $0.events.contains(event) }.map(\.socket)
        }
        for socket in sockets {
            // A controller that does not read is not worth its memory.
            guard socket.isWritable else { continue }
            socket.writeAndFlush(ByteBuffer(string: "650 \(event.rawValue) \(text)\r\n"), promise: nil)
        }
    }

    /// Whether anybody would hear of such an event.
    package func hasListeners(for event: ControlEvent) -> Bool {
        state.withLock { $0.listeners.values.contains { $0.events.contains(event) } }
    }
}

// MARK: - For handlers

extension ControlService {
    func receive(_ signal: ControlSignal) {
        Task { await source.receive(signal) }
    }

    func ownerLeft() {
        receive(.halt)
    }

    func tell(_ socket: any Channel, of events: Set<ControlEvent>) {
        state.withLock { state in
            state.listeners[ObjectIdentifier(socket)] = events.isEmpty ? nil : (socket, events)
            guard events.contains(.bandwidth), state.bandwidthTask == nil else { return }
            state.bandwidthTask = group.next().scheduleRepeatedTask(
                initialDelay: .seconds(1), delay: .seconds(1)
            ) { [weak self] _ in self?.publishBandwidth() }
        }
    }

    func forget(_ socket: any Channel) {
        state.withLock { $0.listeners[ObjectIdentifier(socket)] = nil }
    }

    /// What went through in the last second.
    private func publishBandwidth() {
        guard hasListeners(for: .bandwidth) else { return }
        Task {
            let now = await source.traffic()
            let last = state.withLock { state in
                defer { state.lastTraffic = now }
                return state.lastTraffic
            }
            publish(
                .bandwidth, "\(now.read - min(last.read, now.read)) \(now.written - min(last.written, now.written))")
        }
    }
}
