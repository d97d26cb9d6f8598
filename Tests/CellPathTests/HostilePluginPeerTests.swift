import Cells
import Circuits
import Hooks
import NIOCore
import OnionCrypto
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// What a peer may do wrong while plugins are exchanged: each ends as docs/plugin-protocol.md says, and leaves nothing.
    @Suite struct HostilePluginPeerTests {
        /// The middle relay's end of a circuit is ours to torment.
        private struct Scene {
            let network: ExchangeNetwork
            let watch: CircuitWatch

            /// Does something with the client's end of the link to the middle relay.
            func act<Result: Sendable>(
                _ body: @escaping @Sendable (Corridor, PluginLink, CircuitReference) throws -> Result
            ) async throws -> Result {
                try await network.client.run { corridor in
                    let slot = try #require(corridor.origins.slots.first(where: { _ in true }))
                    let reference = CircuitReference(.origin, slot)
                    let link = try #require(corridor.exchange(of: reference)?.link(1))
                    return try body(corridor, link, reference)
                }
            }

            /// Offers something of which our own end then sends nothing, so that the test can.
            func offer(size: UInt32 = 16384, identity: [UInt8] = [UInt8](repeating: 7, count: 32)) async throws {
                try await act { corridor, link, reference in
                    let made = link.bringer.offer(identity, size: size, arguments: [], now: .now)
                    corridor.sendPlugin(try #require(made), hop: 1, reference)
                    corridor.settleSoon()
                }
            }

            /// Sends fragments of 472 zeros, or other lengths, at these offsets.
            func fragments(_ fragments: [(offset: UInt32, count: Int)]) async throws {
                try await act { corridor, _, reference in
                    for fragment in fragments {
                        let bytes = [UInt8](repeating: 0, count: fragment.count)
                        let message = PluginCodeMessage(slot: 1, offset: fragment.offset, bytes: bytes)
                        guard corridor.sendPlugin(message, hop: 1, reference) else { return }
                    }
                    corridor.settleSoon()
                }
            }

            /// The relay waits for code.
            func expectReceiving() async throws {
                try await eventually { network.shelves[1].receivingBytes > 0 }
            }

            /// The relay has ended the circuit, and keeps nothing of it.
            func expectDestroyed() async throws {
                #expect(try await watch.closed.futureResult.get().isRemote)
                try await network.expectNothingLeft()
                #expect(try await network.relays[1].counters().protocolViolations == 1)
                #expect(network.shelves[1].kept.count == 0)
                try await network.stop()
            }
        }

        private func scene(_ trust: any PluginTrust = SimplePluginTrust.any) async throws -> Scene {
            let network = try await ExchangeNetwork.start(host: 70, relays: trust)
            return Scene(network: network, watch: try await network.build())
        }

        @Test(arguments: [0, 1, 2, 3, 4, 5])
        func `fragments out of order, repeated, of other lengths, or beyond the end destroy the circuit`(
            kind: Int
        ) async throws {
            let scene = try await scene()
            try await scene.offer()
            try await scene.expectReceiving()
            let wrong: [[(offset: UInt32, count: Int)]] = [
                [(472, 472)], [(0, 472), (0, 472)], [(0, 471)], [(0, 472), (944, 472)], [(0, 472), (472, 10)],
                (0..<34).map { (UInt32($0) * 472, 472) } + [(34 * 472, 472)],
            ]
            try await scene.fragments(wrong[kind])
            try await scene.expectDestroyed()
        }

        @Test func `code without credit destroys the circuit`() async throws {
            let scene = try await scene()
            try await scene.fragments([(0, 472)])
            try await scene.expectDestroyed()
        }

        @Test(arguments: [0, 1, 2]) func `a bundle that is not what was offered destroys the circuit`(
            kind: Int
        ) async throws {
            let network = try await ExchangeNetwork.start(host: 70)
            var wish = try ExchangeNetwork.wish("monitor", .middle)
            switch kind {
            // A bit of the file; a length that does not fit; something behind the file.
            case 0: wish.bundle[500] ^= 1
            case 1: wish.bundle[4] = 0xFF
            default: wish.bundle[16383] = 1
            }
            try await network.wish([wish])
            let ending = try await network.client.fail(network.path())
            #expect(ending.isRemote)
            try await network.expectNothingLeft()
            #expect(network.shelves[1].kept.count == 0)
            #expect(try await network.relays[1].counters().protocolViolations == 1)
            try await network.stop()
        }

        @Test(arguments: [1 << 30, 0, 16385, UInt32.max])
        func `a size there is not is refused, and nothing is set aside`(size: UInt32) async throws {
            let scene = try await scene()
            try await scene.offer(size: size)
            try await eventually { try await scene.network.messages(scene.network.client).received[1] == 1 }
            #expect(scene.network.shelves[1].receivingBytes == 0)
            _ = try await scene.network.echo(10_000, on: scene.watch)
            try await scene.network.stop()
        }

        @Test func `two offers at once destroy the circuit`() async throws {
            let scene = try await scene()
            try await scene.act { corridor, _, reference in
                for slot in 1...2 as ClosedRange<UInt8> {
                    let offer = PluginOfferMessage(
                        slot: slot, identity: [UInt8](repeating: slot, count: 32), size: 16384)
                    corridor.sendPlugin(offer, hop: 1, reference)
                }
                corridor.settleSoon()
            }
            try await scene.expectDestroyed()
        }

        @Test func `a storm of offers ends at the seventeenth`() async throws {
            let scene = try await scene(SimplePluginTrust.installed)
            try await scene.act { corridor, _, reference in
                for slot in 1...17 as ClosedRange<UInt8> {
                    let offer = PluginOfferMessage(
                        slot: slot, identity: [UInt8](repeating: slot, count: 32), size: 16384)
                    corridor.sendPlugin(offer, hop: 1, reference)
                }
                corridor.settleSoon()
            }
            // Our own end knows of none of them, so that the first answer ends the circuit here, or the relay there.
            _ = try await scene.watch.closed.futureResult.get()
            try await scene.network.expectNothingLeft()
            try await scene.network.stop()
        }

        @Test(arguments: [0, 1, 2, 3, 4]) func `a malformed message, or one out of turn, destroys the circuit`(
            kind: Int
        ) async throws {
            let scene = try await scene()
            try await scene.act { corridor, _, reference in
                switch kind {
                case 0: corridor.sendPlugin(PluginReadyMessage(slot: 1), hop: 1, reference)
                case 1: corridor.sendPlugin(PluginDetachMessage(slot: 1, reason: .wish), hop: 1, reference)
                case 2: corridor.sendPlugin(PluginCountersMessage(slot: 1), hop: 1, reference)
                // To a slot that is the relay's.
                case 3: corridor.sendPlugin(PluginAnswerMessage(slot: 129, .ready), hop: 1, reference)
                default: corridor.sendPlugin(PluginHalfMessage(slot: 1, local: 1, body: [1]), hop: 1, reference)
                }
                corridor.settleSoon()
            }
            try await scene.expectDestroyed()
        }

        /// Builds a circuit of one hop whose request is this.
        private func build(_ network: ExchangeNetwork, request: [HandshakeExtension]) async throws -> CircuitWatch {
            let target = network.relays[0].pluginTarget
            return try await network.client.run { corridor in
                let watch = CircuitWatch(corridor.eventLoop)
                watch.built.futureResult.whenComplete { _ in }
                watch.circuit = corridor.launch([target], owner: watch)
                // The channel is not there yet, so nothing has been sent.
                let slot = try #require(corridor.origins.slots.first(where: { _ in true }))
                corridor.origins.pointer(slot).pointee.machine.hopExtensions = [request]
                return watch
            }
        }

        @Test(arguments: [0, 1, 2, 3]) func `a malformed request fails the handshake`(kind: Int) async throws {
            let network = try await ExchangeNetwork.start(host: 70, count: 1)
            var body = PluginRequestExtension().body
            switch kind {
            case 0: body.removeLast()
            case 1: body.append(0)
            case 2: body[0] = 2
            default: body[199] = 1
            }
            let watch = try await build(network, request: [HandshakeExtension(type: 0xF0, body: body)])
            let ending = try await watch.closed.futureResult.get()
            #expect(ending.isRemote && ending.hopCount == 0)
            #expect(try await network.relays[0].counters().handshakesFailed == 1)
            try await network.stop()
        }

        @Test func `a request twice is none`() {
            let shelf = ExchangeNetwork.shelf(SimplePluginTrust.any)
            let request = HandshakeExtension(type: 0xF0, body: PluginRequestExtension().body)
            #expect(throws: WireError.self) { try HandshakePlugins([request, request], shelf) }
            #expect((try? HandshakePlugins([request], shelf)) != nil)
        }

        @Test func `a set that nobody knows is refused`() throws {
            let shelf = ExchangeNetwork.shelf(SimplePluginTrust.any)
            var request = PluginRequestExtension()
            let isAdded = request.add(.init(slot: 1, name: .recommended(set: 9, place: 3)))
            #expect(isAdded)
            let judged = try #require(
                try HandshakePlugins([HandshakeExtension(type: 0xF0, body: request.body)], shelf))
            #expect(judged.entries.map(\.status) == [.refused])
            #expect(judged.answer.body.count == 200)
            guard case .refused(.unknownSet) = shelf.judge(set: 9, place: 3, bringer: .client) else {
                Issue.record("an unknown set is not refused as such")
                return
            }
        }

        @Test func `a handshake alone, however often, makes no instance`() async throws {
            let network = try await ExchangeNetwork.start(host: 70, count: 2)
            try await network.wish([try ExchangeNetwork.wish("monitor", .exit)])
            let first = try await network.build()
            try await network.client.run { _ in first.circuit?.close(.finished) }
            try await network.expectNothingLeft()
            // Circuits on which nobody says a word: what a replayed CREATE2 leaves.
            for _ in 0..<20 { _ = try await network.build() }
            let exit = network.relays[1]
            #expect(try await exit.run { $0.pluginCounters.first?["attached"] } == 1)
            #expect(
                try await exit.run { corridor in
                    corridor.circuits.slots.allSatisfy { corridor.circuits.pointer($0).pointee.doors == nil }
                })
            try await network.stop()
        }

        @Test func `an answer that was not asked for ends the circuit at the client`() async throws {
            let network = try await ExchangeNetwork.start(host: 70, count: 1)
            // The client asks, and has forgotten it when the answer comes.
            let watch = try await build(
                network, request: [HandshakeExtension(type: 0xF0, body: PluginRequestExtension().body)])
            try await network.client.run { corridor in
                let slot = try #require(corridor.origins.slots.first(where: { _ in true }))
                corridor.origins.pointer(slot).pointee.exchange = nil
            }
            let ending = try await watch.closed.futureResult.get()
            #expect(ending.reason == .torProtocol && !ending.isRemote)
            try await network.stop()
        }

        @Test(arguments: 0..<6) func `a circuit that is closed at any step leaves nothing`(step: Int) async throws {
            let network = try await ExchangeNetwork.start(host: 70)
            let wish = try ExchangeNetwork.wish("monitor", .middle, isRequired: false)
            try await network.wish([wish])
            let scene = Scene(network: network, watch: try await network.build())
            switch step {
            case 0: break
            case 1: try await eventually { try await network.messages(network.client).offers.sent == 1 }
            case 2: try await eventually { try await network.messages(network.client).received[1] == 1 }
            case 3: try await eventually { try await network.messages(network.relays[1]).fragments.received > 5 }
            case 4: try await eventually { try await network.messages(network.relays[1]).fragments.received == 35 }
            default:
                try await eventually { try await network.messages(network.client).received[3] == 1 }
                try await network.wish([])
            }
            try await network.client.run { _ in scene.watch.circuit?.close(.finished) }
            try await network.expectNothingLeft()
            try await network.stop()
        }

        @Test func `a strict circuit ends at what others drop`() async throws {
            for isStrict in [false, true] {
                let relay = try await TestNode(
                    keys: TestKeys.all[0], host: 71, plugins: ExchangeNetwork.shelf(SimplePluginTrust.any),
                    acceptor: { _ in EchoAcceptor() })
                let client = try await TestNode(host: 70, change: { $0.endpoint.isStrict = isStrict })
                let watch = try await client.build([relay.pluginTarget])
                let stream = try await client.run { corridor in
                    let stream = EchoStream(corridor.eventLoop, count: 1_000)
                    for future in [stream.done.futureResult.map { _ in }, stream.connected.futureResult.map { _ in }] {
                        future.whenComplete { _ in }
                    }
                    stream.ended.futureResult.whenComplete { _ in }
                    stream.port = watch.circuit?.openStream(.beginDirectory, owner: stream)
                    return stream
                }
                _ = try await stream.done.futureResult.get()
                // A message for a stream that never was.
                try await relay.run { corridor in
                    let slot = try #require(corridor.circuits.slots.first(where: { _ in true }))
                    corridor.send(ConnectedMessage(), streamID: StreamID(rawValue: 4711), circuit: slot)
                    corridor.settleSoon()
                }
                if isStrict {
                    let ending = try await watch.closed.futureResult.get()
                    #expect(ending.reason == .torProtocol && !ending.isRemote)
                } else {
                    try await eventually { try await client.counters().recognised > 3 }
                    #expect(try await client.run { _ in watch.circuit?.isOpen } == true)
                }
                try await client.stop()
                try await relay.stop()
            }
        }
    }
}
