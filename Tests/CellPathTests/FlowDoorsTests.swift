import Cells
import Circuits
import Foundation
import Hooks
import NIOCore
import OnionCrypto
import PluginHost
import ProtocolTestKit
import Testing

@testable import CellPath

extension CorridorTests {
    /// Plugins that take the place of the built-in flow control.
    @Suite struct FlowDoorsTests {
        private static func sendme() throws -> PluginSet {
            try PluginNetwork.plugins([("sendme", "org.fanion.sendme", "")])
        }

        @Test func `megabytes go both ways with sendme at both ends in the built-in's place`() async throws {
            let network = try await PluginNetwork.start(host: 40)
            let sendme = try Self.sendme()
            try await network.client.run { $0.apply(sendme) }
            try await network.relays[2].run { $0.apply(sendme) }
            let watch = try await network.build()
            let count = 4 << 20
            let stream = try await network.echo(count, on: watch)
            #expect(stream.isIntact && stream.received == count)
            let cells = count / 498
            for node in [network.client, network.relays[2]] {
                let counted = try await network.counters(node)
                #expect(counted["faults"] + counted["bad_verdicts"] + counted["over_budget"] == 0)
                // It was asked: for each acknowledgement, and not for each cell.
                #expect(counted["calls"] > cells / 50 && counted["calls"] < cells, "\(counted["calls"]) calls")
            }
            // Taken away in the middle, and the built-in carries on from the same counts.
            for node in [network.client, network.relays[2]] { try await node.run { $0.apply(.none) } }
            #expect(try await network.echo(1 << 20, on: watch).isIntact)
            try await network.relays[2].run { $0.apply(sendme) }
            #expect(try await network.echo(1 << 20, on: watch).isIntact)
            try await network.stop()
        }

        @Test(arguments: [false, true])
        func `five hundred cells of a stream whose reader has stopped, whoever decides`(isPlugin: Bool) async throws {
            let network = try await PluginNetwork.start(host: 40)
            if isPlugin {
                let sendme = try Self.sendme()
                try await network.client.run { $0.apply(sendme) }
                try await network.relays[2].run { $0.apply(sendme) }
            }
            let watch = try await network.build()
            // Port 3 swallows: its stream is never acknowledged.
            let stream = try await network.open(1 << 20, on: watch, port: 3)
            try await network.relays[2].until {
                $0.flowCounts(stream: true).first?.received == 500
                    && $0.flowCounts(stream: false).first?.received == 500
            }
            let (atClient, room) = try await network.client.run { corridor in
                (corridor.originFlowCounts(hop: 2), stream.port?.sendableBytes)
            }
            #expect(atClient?.packaged == 500 && room == 0)
            // The circuit's are acknowledged as they come.
            try await network.client.until { $0.originFlowCounts(hop: 2)?.acknowledged == 5 }
            try await network.client.run { _ in watch.circuit?.close(.finished) }
            _ = try await watch.closed.futureResult.get()
            try await network.stop()
        }

        @Test func `sendme opens and shuts the very windows of the built-in`() throws {
            // Two relays' ends, one as the built-in decides, one as the plugin does, through the same events.
            let host = PluginHost(random: { 0 })
            var doors = Doors(role: .relay, host: host, budget: PluginBudget())
            doors.follow(try Self.sendme())
            var plugin = PluginDecider(doors: doors)
            var builtIn = BuiltInFlow()
            var random = SeededRandom(seed: 11)
            var one = try Ends(using: &random)
            var other = try Ends(using: &random)
            var hasBeenEmpty = false
            for _ in 0..<100_000 {
                plugin.doors.advance(host)
                let event = Int.random(in: 0..<10_000, using: &random)
                let stream = Int.random(in: 0..<Ends.streams, using: &random)
                let here = one.play(event, stream, by: &builtIn)
                let there = other.play(event, stream, by: &plugin)
                try #require(here == there)
                if here.sendable == 0, one.isCircuitFull(by: &builtIn) { hasBeenEmpty = true }
            }
            #expect(one.packaged == other.packaged && one.packaged > 10_000)
            #expect(hasBeenEmpty && one.mostUnderWay == 1000 && other.mostUnderWay == 1000)
        }

        @Test(arguments: ["m", "M", "o", "O", "a", "A"], [false, true])
        func `an answer that means nothing destroys the circuit`(door: String, isClient: Bool) async throws {
            let network = try await PluginNetwork.start(host: 40)
            let plugins = try PluginNetwork.plugins([("flow", "org.example.flow", door)])
            let node = isClient ? network.client : network.relays[2]
            try await node.run { $0.apply(plugins) }
            let watch = try await network.build()
            let stream = try await network.open(1 << 20, on: watch, port: 80)
            let ending = try await watch.closed.futureResult.get()
            #expect(ending.isRemote == !isClient)
            await #expect(throws: StreamFailed.self) { _ = try await stream.done.futureResult.get() }
            let counted = try await network.counters(node)
            #expect(counted["bad_verdicts"] == 1 && counted["detached"] == 1)
            #expect(try await node.run { $0.counters.destroyedByPlugins } == 1)
            try await network.stop()
        }
    }
}

extension Corridor {
    /// What the ends of all circuits here have counted: of the circuit, or of its first stream.
    fileprivate func flowCounts(stream: Bool) -> [FlowCounts] {
        circuits.slots.compactMap { slot in
            guard let endpoint = circuits.pointer(slot).pointee.endpoint else { return nil }
            return stream
                ? endpoint.pointee.machine.flowCounts(StreamHandle(slot: 0, generation: 0))
                : endpoint.pointee.machine.flowCounts(hop: 0)
        }
    }

    fileprivate func originFlowCounts(hop: Int) -> FlowCounts? {
        guard let slot = origins.slots.first(where: { _ in true }) else { return nil }
        return origins.pointer(slot).pointee.endpoint?.pointee.machine.flowCounts(hop: hop)
    }
}

extension TestNode {
    /// Waits for a condition on a loop.
    fileprivate func until(_ condition: @escaping @Sendable (Corridor) -> Bool) async throws {
        for _ in 0..<1_000 {
            if try await run({ condition($0) }) { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("a condition did not come true")
    }
}

/// A plugin's doors as an endpoint asks them.
private struct PluginDecider: FlowDecider, ~Copyable {
    var doors: Doors
    var now: UInt64 { 0 }
    var queue: UInt32 { 0 }
    var isBlocked: Bool { false }
    var ackInterval: UInt32? { nil }

    init(doors: consuming Doors) { self.doors = doors }

    mutating func maySend(_ context: inout MaySendContext) -> Answer<MaySendVerdict> { doors.maySend(&context) }
    mutating func ackDue(_ context: inout AckDueContext) -> Answer<AckVerdict> { doors.ackDue(&context) }
    mutating func onAck(_ context: inout OnAckContext) -> Answer<OnAckVerdict> { doors.onAck(&context) }
}

extension Doors {
    /// Time passes, and with it comes fuel.
    fileprivate mutating func advance(_ host: PluginHost) { host.now += 1_000 }
}

/// A relay's end with three streams, played by events.
private struct Ends: ~Copyable {
    struct Outcome: Equatable {
        var sendable = 0
        var acknowledgements = 0
        var action: ReceiveMessageAction?
        var isAcknowledging = false
    }

    static let streams = 3
    private var machine: EndpointMachine
    private var handles: [StreamHandle] = []
    private var random = SeededRandom(seed: 3)
    private(set) var packaged = 0
    private(set) var mostUnderWay = 0
    private var streamsPackaged = [Int](repeating: 0, count: streams)
    private var streamsAcknowledged = [Int](repeating: 0, count: streams)
    private var acknowledged = 0

    init(using random: inout SeededRandom) throws {
        machine = EndpointMachine(role: .relay, parameters: EndpointParameters(), using: &random)
        var flow = BuiltInFlow()
        for id in 1...UInt16(Self.streams) {
            var data: [UInt8] = []
            BeginMessage(address: "a.example", port: 80).encode(into: &data)
            let header = RelayMessageHeader(
                command: .begin, streamID: StreamID(rawValue: id), dataOffset: 11, length: data.count)
            let tag = try #require(Self.tag(0))
            guard
                case .openStream(let handle, _, _) = machine.receive(header, data: data.span.bytes, tag: tag, by: &flow)
                    .action
            else { throw StreamFailed(message: EndMessage(reason: .misc)) }
            #expect(machine.sendConnected(handle) != nil)
            handles.append(handle)
        }
    }

    private static func tag(_ byte: UInt8) -> OnionTag? { OnionTag([UInt8](repeating: byte, count: 20).span.bytes) }

    mutating func isCircuitFull(by decider: inout some FlowDecider & ~Copyable) -> Bool {
        machine.sendableCells(hop: 0, by: &decider) == 0
    }

    mutating func play(
        _ event: Int, _ stream: Int, by decider: inout some FlowDecider & ~Copyable
    ) -> Outcome {
        var outcome = Outcome()
        guard let tag = Self.tag(7) else { return outcome }
        switch event {
        case 0..<6_000:
            outcome.sendable = machine.sendableCells(handles[stream], by: &decider)
            if machine.package(handles[stream], available: 1, using: &random, by: &decider) > 0 {
                machine.dataSealed(tag)
                packaged += 1
                streamsPackaged[stream] += 1
                mostUnderWay = max(mostUnderWay, packaged - 100 * acknowledged)
            }
        case 6_000..<6_030:
            // A SENDME of the circuit, if one is due.
            guard packaged - 100 * acknowledged >= 100 else { break }
            acknowledged += 1
            let data: [UInt8] = [1, 0, 20] + [UInt8](repeating: 7, count: 20)
            outcome.action = receive(.sendme, .zero, data, tag, &decider)
        case 6_030..<6_400:
            guard streamsPackaged[stream] - 50 * streamsAcknowledged[stream] >= 50 else { break }
            streamsAcknowledged[stream] += 1
            outcome.action = receive(.sendme, StreamID(rawValue: UInt16(stream + 1)), [], tag, &decider)
        case 6_400..<9_000:
            let header = RelayMessageHeader(
                command: .data, streamID: StreamID(rawValue: UInt16(stream + 1)), dataOffset: 11, length: 1)
            let data: [UInt8] = [1]
            let received = machine.receive(header, data: data.span.bytes, tag: tag, by: &decider)
            outcome.action = received.action
            outcome.isAcknowledging = received.sendmeDue != nil
        default:
            outcome.acknowledgements = machine.acknowledge(handles[stream], by: &decider) ?? -1
        }
        return outcome
    }

    private mutating func receive(
        _ command: RelayCommand, _ id: StreamID, _ data: [UInt8], _ tag: OnionTag,
        _ decider: inout some FlowDecider & ~Copyable
    ) -> ReceiveMessageAction {
        let header = RelayMessageHeader(command: command, streamID: id, dataOffset: 11, length: data.count)
        return machine.receive(header, data: data.span.bytes, tag: tag, by: &decider).action
    }
}
