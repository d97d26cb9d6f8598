import CellPath
import Cells
import Circuits
import NIOCore

@testable import Node

/// One-hop circuits in memory, from our fetcher to our directory server: the faces of the corridor without its cells.
/// Windows are small, so that every response takes many turns.
final class DirectoryCircuits: CircuitLauncher {
    let eventLoop: any EventLoop
    /// The directories that can be reached.
    var servers: [RSAIdentity: DirectoryServer] = [:]
    /// Whom a circuit was built to, in order.
    private(set) var launches: [RSAIdentity] = []
    /// How many bytes may be on their way.
    var window = 300
    /// Directories that take streams and never answer.
    var mute: Set<RSAIdentity> = []
    var peer = DirectoryPeer(address: .v4(0x0A00_0001), isEncrypted: true, isAnonymous: false)

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func launch(_ path: [HopTarget], owner: any ClientCircuitOwner) -> any ClientCircuit {
        launches.append(path[0].rsaIdentity)
        let circuit = MemoryCircuit(path, network: self, id: UInt64(launches.count))
        eventLoop.assumeIsolated().execute { [self] in
            if servers[path[0].rsaIdentity] == nil {
                circuit.isOpen = false
                owner.circuitClosed(
                    circuit, CircuitEnding(reason: .finished, isRemote: false, hopCount: 0, isChannelFailure: true))
            } else {
                circuit.isOpen = true
                owner.circuitBuilt(circuit)
            }
        }
        return circuit
    }

    func probe(_ target: HopTarget) -> EventLoopFuture<Ed25519Identity?> {
        eventLoop.makeSucceededFuture(nil)
    }
}

/// A circuit that is nothing but its streams.
final class MemoryCircuit: ClientCircuit {
    let id: UInt64
    let path: [HopTarget]
    let network: DirectoryCircuits
    var isOpen = false
    var streamCount = 0

    init(_ path: [HopTarget], network: DirectoryCircuits, id: UInt64) {
        self.path = path
        self.network = network
        self.id = id
    }

    var eventLoop: any EventLoop { network.eventLoop }
    var hopCount: Int { 1 }

    func openStream(_ request: StreamRequest, owner: any StreamOwner) -> (any StreamPort)? {
        guard isOpen, let server = network.servers[path[0].rsaIdentity] else { return nil }
        let ours = MemoryStream(circuit: self)
        let theirs = MemoryStream(circuit: self)
        (ours.other, theirs.other) = (theirs, ours)
        ours.owner = owner
        streamCount += 1
        eventLoop.assumeIsolated().execute { [network, path] in
            if network.mute.contains(path[0].rsaIdentity) {
                theirs.sendConnected(ConnectedMessage())
            } else {
                theirs.owner = DirectoryStreamServer(port: theirs, server: server, peer: network.peer)
            }
        }
        return ours
    }

    func extend(to target: HopTarget) {}

    func close(_ reason: DestroyReason) { isOpen = false }
}

/// One end of a stream.
final class MemoryStream: StreamPort {
    let clientward: (address: IPAddress, isFirstHop: Bool)? = nil
    let memoryCircuit: MemoryCircuit
    var other: MemoryStream?
    var owner: (any StreamOwner)?
    var isBacklogged = false
    private var underWay = 0
    private var isBlocked = false
    private var hasEnded = false

    init(circuit: MemoryCircuit) {
        memoryCircuit = circuit
    }

    var id: UInt64 { 1 }
    var circuit: UInt64 { memoryCircuit.id }
    var eventLoop: any EventLoop { memoryCircuit.eventLoop }
    var sendableBytes: Int { hasEnded ? 0 : memoryCircuit.network.window - underWay }

    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, sendableBytes)
        isBlocked = count < bytes.count
        guard count > 0 else { return 0 }
        underWay += count
        let piece = ByteBuffer(bytes: bytes.prefix(count))
        eventLoop.assumeIsolated().execute { [self] in
            underWay -= count
            if let other, !other.hasEnded { other.owner?.streamReceived(piece) }
            guard isBlocked, !hasEnded else { return }
            isBlocked = false
            owner?.streamMaySend()
        }
        return count
    }

    func sendConnected(_ message: ConnectedMessage) {
        eventLoop.assumeIsolated().execute { [self] in
            if let other, !other.hasEnded { other.owner?.streamConnected(message) }
        }
    }

    func sendResolved(_ message: ResolvedMessage) {}

    func end(_ message: EndMessage) {
        guard !hasEnded else { return }
        hasEnded = true
        owner = nil
        eventLoop.assumeIsolated().execute { [self] in
            guard let other, !other.hasEnded else { return }
            other.hasEnded = true
            memoryCircuit.streamCount -= 1
            let owner = other.owner
            other.owner = nil
            owner?.streamEnded(message)
        }
    }
}
