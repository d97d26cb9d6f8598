import CAllocationCounter
import Cells
import Circuits
import NIOCore
import NIOPosix
import OnionCrypto
import Testing
import Transport

@testable import CellPath
@testable import Channels

extension CorridorTests {
    /// What a forwarded cell costs in allocations: nothing.
    @Suite(.enabled(if: allocation_counter_works())) struct AllocationTests {
        /// Rounds of cells, each a record's worth: sealing it is OpenSSL's, which allocates for each record.
        private static let rounds = 3_300
        private static let cellsPerRound = 31

        @Test func `a hundred thousand forward cells on one loop allocate nothing`() async throws {
            let bench = try await ForwardBench(loops: 1)
            var allocations = 0
            for round in 0..<Self.rounds {
                let count = try await bench.onLoop(0) { corridor in
                    let record = corridor.channels.pointer(bench.exitward)
                    allocation_counter_start()
                    corridor.beginBurst()
                    bench.feed(corridor, cells: Self.cellsPerRound)
                    corridor.fill(record, record.pointee.driver.tls)
                    let count = allocation_counter_stop()
                    corridor.endBurst()
                    return count
                }
                // The first rounds grow the pool, the tables and the buffers.
                if round >= 5 { allocations += count }
                try await bench.drain()
            }
            #expect(allocations == 0)
            #expect(try await bench.sent() >= Self.rounds * Self.cellsPerRound)
            try await bench.stop()
        }

        @Test func `across loops a batch allocates at most once`() async throws {
            let bench = try await ForwardBench(loops: 2)
            var allocations = 0
            for round in 0..<Self.rounds {
                let count = try await bench.onLoop(0) { corridor in
                    // So that the other loop is not woken, but called by this test.
                    _ = corridor.environment.exchange.mailbox(from: 0, to: 1).post(LoopBatch())
                    allocation_counter_start()
                    corridor.beginBurst()
                    bench.feed(corridor, cells: Self.cellsPerRound)
                    corridor.endBurst()
                    return allocation_counter_stop()
                }
                let countThere = try await bench.onLoop(1) { corridor in
                    let record = corridor.channels.pointer(bench.exitward)
                    allocation_counter_start()
                    corridor.isSettling = true
                    corridor.receiveBatches(from: 0)
                    corridor.isSettling = false
                    corridor.fill(record, record.pointee.driver.tls)
                    let count = allocation_counter_stop()
                    corridor.settle()
                    return count
                }
                if round >= 5 { allocations += count + countThere }
                try await bench.drain()
            }
            #expect(allocations <= Self.rounds)
            #expect(try await bench.sent() >= Self.rounds * Self.cellsPerRound)
            try await bench.stop()
        }
    }
}

/// A middle relay's corridor with one circuit: real TLS on both sides, to peers that swallow everything.
private final class ForwardBench: @unchecked Sendable {
    let node: TestNode
    let sinks: MultiThreadedEventLoopGroup
    let listener: Listener
    private(set) var clientward: UInt32 = 0
    private(set) var exitward: UInt32 = 0
    private let exitLoop: Int

    init(loops: Int) async throws {
        let node = try await TestNode(loops: loops)
        let sinks = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let sinkLoop = sinks.next()
        let keys = TestKeys.all[3]
        let context = try TLSContext(
            serverCertificate: keys.link.tlsCertificate, key: try keys.link.copyTLSKey().copyToArray())
        let transport = try await sinkLoop.submit {
            NIOLoopBound(
                TransportLoop(eventLoop: sinkLoop, bandwidth: SharedBandwidth(now: .now)), eventLoop: sinkLoop)
        }.get()
        listener = try await Listener.bind(
            SocketEndpoint(address: IPAddress(ipv4: 0x7f00_0001), port: 0), loops: sinks
        ) { socket in
            try TLSHandler(context: context, loop: transport.value).install(on: socket, owner: Sink())
        }.get()
        self.node = node
        self.sinks = sinks
        exitLoop = loops - 1
        clientward = try await connect(on: 0)
        exitward = try await connect(on: exitLoop)
        try await makeCircuit()
    }

    /// A channel that has skipped its link handshake.
    private func connect(on index: Int) async throws -> UInt32 {
        let endpoint = listener.endpoint
        let target = HopTarget(
            rsaIdentity: TestKeys.all[3].link.rsaIdentity, ed25519Identity: nil, endpoints: [endpoint], onionKey: nil)
        let driver = try await node.run(on: index) { corridor in
            let tls = try TLSHandler(context: corridor.settings.clientTLS, loop: corridor.transport)
            let driver = ChannelDriver(tls: tls, corridor: corridor, dialled: (target, 0))
            let bound = NIOLoopBound(driver, eventLoop: corridor.eventLoop)
            _ = corridor.environment.dialer.dial(endpoint, on: corridor.eventLoop) { try bound.value.install(on: $0) }
            return bound
        }
        try await eventually { try await self.node.run(on: index) { _ in driver.value.tls.isOpen } }
        return try await node.run(on: index) { corridor in
            let peer = OpenChannel(
                linkProtocol: .v5, isInitiator: true, rsaIdentity: nil, ed25519Identity: nil, isCanonical: true,
                apparentAddress: .v4(0x7F00_0001), clockSkew: nil)
            let handle = corridor.insertChannel(driver.value, peer)
            corridor.drivers[ObjectIdentifier(driver.value)] = driver.value
            return handle.slot
        }
    }

    private func makeCircuit() async throws {
        let (clientward, exitward, exitLoop) = (clientward, exitward, exitLoop)
        let owner = try await node.run { corridor in
            var circuit = RelayCircuit(
                id: 1, channel: clientward, circuitID: CircuitID(rawValue: 5), isFirstHop: true)
            let half = [UInt8](repeating: 1, count: 20)
            let keys = try CreateFastHandshake.respond(to: half.span.bytes).keyStream.circuitKeys()
            circuit.forward = keys.makeForwardLayer()
            circuit.backward = keys.makeBackwardLayer()
            circuit.phase = .extended
            let owner = corridor.circuits.insert(circuit)
            corridor.channels.pointer(clientward).pointee.table.insert(
                CircuitID(rawValue: 5), CircuitReference(.relay, owner.slot))
            return owner
        }
        let leg = try await node.run(on: exitLoop) { corridor in
            var leg = ExitwardLeg(
                ownerLoop: 0, owner: owner, channel: exitward, circuitID: CircuitID(rawValue: 0x8000_0007))
            leg.isWaiting = false
            let handle = corridor.legs.insert(leg)
            corridor.channels.pointer(exitward).pointee.table.insert(
                CircuitID(rawValue: 0x8000_0007), CircuitReference(.leg, handle.slot))
            return handle
        }
        try await node.run { corridor in
            corridor.circuits.pointer(owner.slot).pointee.leg = leg
            corridor.circuits.pointer(owner.slot).pointee.legLoop = exitLoop
        }
    }

    func onLoop<Result: Sendable>(
        _ index: Int, _ body: @escaping @Sendable (Corridor) throws -> Result
    ) async throws -> Result {
        try await node.run(on: index, body)
    }

    /// Lets cells arrive on the clientward channel: what is in them is nobody's here.
    func feed(_ corridor: Corridor, cells: Int) {
        for number in 0..<cells {
            guard var cell = corridor.pool.makeCell(circuitID: CircuitID(rawValue: 5), command: .relay) else { return }
            var body = cell.body
            body.storeBytes(of: number, toByteOffset: 0, as: Int.self)
            corridor.receive(cell, on: clientward)
        }
    }

    /// Waits until the exitward connection takes cells again.
    func drain() async throws {
        let (exitward, exitLoop) = (exitward, exitLoop)
        try await eventually {
            try await self.node.run(on: exitLoop) { corridor in
                let record = corridor.channels.pointer(exitward)
                return record.pointee.driver.tls.canTakeCells && !record.pointee.hasWaiting
            }
        }
    }

    func sent() async throws -> Int { try await node.counters().sent }

    func stop() async throws {
        try await node.stop()
        try await listener.close().get()
        try await sinks.shutdownGracefully()
    }
}

/// Swallows everything.
private final class Sink: TLSHandlerOwner {
    func connectionSecured() {}
    func receive(plaintext: UnsafeRawBufferPointer) {}
    func burstEnded() {}
    func connectionWritable() {}
    func connectionClosed(_ reason: TransportError) {}
}
