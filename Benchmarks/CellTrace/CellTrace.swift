import CellPath
import Cells
import Circuits
import Foundation
import Hooks
import PluginHost

/// A fixed trace of cells through one node's corridor, for counting instructions: `scripts/bench cell-trace` runs it.
///
/// A client sends so many thousand DATA cells up a circuit of three hops, or the exit sends them down; TLS is real, sockets
/// and clocks are not. What the node in the measured seat does with what it reads happens inside one function, which
/// callgrind is told of.
@main
enum CellTrace {
    struct Options {
        var seat = 1
        var thousands = 5
        var isDown = false
        var plugins: [(path: String, arguments: String)] = []
    }

    static func main() throws {
        let options = try parse(Array(CommandLine.arguments.dropFirst()))
        let network = try TraceNetwork()
        let measured = network.node(in: options.seat)
        if !options.plugins.isEmpty { measured.corridor.apply(try load(options.plugins)) }
        let watch = Watch()
        watch.circuit = network.client.corridor.launch(network.relays.map(\.target), owner: watch)
        network.run { watch.isBuilt }
        guard let circuit = watch.circuit else { fatalError("no circuit") }
        // A first stream warms up pools, buffers and tables.
        try carry(options, thousands: 2, circuit, network, measured: nil)
        let before = measured.corridor.counters
        let fuel = measured.corridor.pluginCounters.map { $0["calls"] }.reduce(0, +)
        try carry(options, thousands: options.thousands, circuit, network, measured: measured)
        let after = measured.corridor.counters
        let calls = measured.corridor.pluginCounters.map { $0["calls"] }.reduce(0, +) - fuel
        print(
            "cells received=\(after.received - before.received) sent=\(after.sent - before.sent)",
            "recognised=\(after.recognised - before.recognised) plugin_calls=\(calls)")
        for counters in measured.corridor.pluginCounters { print(counters.line) }
    }

    /// Opens a stream and carries its bytes.
    private static func carry(
        _ options: Options, thousands: Int, _ circuit: any ClientCircuit, _ network: TraceNetwork,
        measured: TraceNode?
    ) throws {
        let bytes = thousands * 498_000
        let source = Source(count: options.isDown ? 0 : bytes)
        let port = UInt16(options.isDown ? thousands + 1 : 1)
        source.port = circuit.openStream(.begin(BeginMessage(address: "example.com", port: port)), owner: source)
        if options.isDown {
            network.run(measured: measured) { source.received == bytes }
        } else {
            network.run { source.isConnected }
            guard let sink = network.relays[2].corridor.streamAcceptor as? SinkAcceptor else { return }
            let goal = sink.received + bytes
            source.pump()
            network.run(measured: measured) { sink.received == goal }
        }
    }

    private static func load(_ plugins: [(path: String, arguments: String)]) throws -> PluginSet {
        let files = try plugins.map { (name: $0.path, bytes: [UInt8](try Data(contentsOf: URL(filePath: $0.path)))) }
        let wishes = try zip(plugins, files).map { plugin, file in
            PluginSet.Wish(
                name: try PluginFile(bytes: file.bytes).metadata.name, arguments: Array(plugin.arguments.utf8))
        }
        var budget = PluginBudget()
        // Under callgrind everything takes fifty times as long as the plugins' share allows for.
        budget.circuitCPU = 1_000
        let made = PluginSet.make(
            wishes, from: files, doors: Corridor.askedDoors,
            grant: Grant(capabilities: Corridor.grantedCapabilities, budget: budget))
        guard made.problems.isEmpty else { fatalError(made.problems.joined(separator: "\n")) }
        return made.set
    }

    private static func parse(_ words: [String]) throws -> Options {
        var options = Options()
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "guard": options.seat = 0
            case "middle": options.seat = 1
            case "exit": options.seat = 2
            case "client": options.seat = 3
            case "up": options.isDown = false
            case "down": options.isDown = true
            case "--cells": options.thousands = rest.popFirst().flatMap { Int($0) }.map { max(1, $0 / 1_000) } ?? 5
            case "--plugin":
                guard let path = rest.popFirst() else { break }
                let parts = path.split(separator: "=", maxSplits: 1).map(String.init)
                options.plugins.append((parts[0], parts.count > 1 ? parts[1] : ""))
            default:
                print("usage: [guard|middle|exit|client] [up|down] [--cells N] [--plugin FILE.o[=ARGUMENTS]]...")
                exit(2)
            }
        }
        return options
    }
}

/// Hears that the circuit is built.
private final class Watch: ClientCircuitOwner {
    var circuit: (any ClientCircuit)?
    private(set) var isBuilt = false

    func circuitGrew(_ circuit: any ClientCircuit) {}
    func circuitBuilt(_ circuit: any ClientCircuit) { isBuilt = true }
    func circuitClosed(_ circuit: any ClientCircuit, _ ending: CircuitEnding) { fatalError("closed: \(ending)") }
}
