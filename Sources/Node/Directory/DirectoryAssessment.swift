internal import Cells
package import Configuration
internal import Directory
package import Paths

/// Whether enough is known of the network to build circuits, as C Tor reckons it: the part of guards', middles' and exits'
/// bandwidth whose microdescriptors we have, multiplied.
///
/// So a directory that gives us only the relays it likes does not get us to start.
package struct DirectoryAssessment: Hashable, Sendable {
    /// Relays that we would use and whose microdescriptor we have.
    package let present: Int
    /// Relays that we would use.
    package let usable: Int
    /// The known part of the guards' bandwidth.
    package let guards: Double
    /// The known part of the middles' bandwidth.
    package let middles: Double
    /// The known part of the exits' bandwidth; of the middles' if there are no exits.
    package let exits: Double
    /// Whether there is an exit that we know.
    package let hasExits: Bool
    /// The product that is needed.
    package let needed: Double

    /// The part of all likely paths that can be built.
    package var paths: Double { guards * middles * exits }
    /// Whether that is enough.
    package var isEnough: Bool { paths >= needed }

    /// How far the loading of descriptors has got, from 50 to 74; 0 once something else is missing.
    package var progress: Int {
        let fraction = paths / needed
        guard fraction <= 1 else { return 0 }
        let first = BootstrapPhase.loadingDescriptors.rawValue
        return first + Int(fraction * Double(BootstrapPhase.enoughDirectoryInformation.rawValue - 1 - first))
    }

    /// C Tor's words for what is missing.
    package var text: String {
        func percent(_ part: Double) -> String { "\(Int(part * 100))%" }
        let end = hasExits ? "exit bw" : "end bw (no exits in consensus, using mid)"
        return "We need more microdescriptors: we have \(present)/\(usable), and can only build \(percent(paths)) of "
            + "likely paths. (We have \(percent(guards)) of guards bw, \(percent(middles)) of midpoint bw, and "
            + "\(percent(exits)) of \(end) = \(percent(paths)) of path bw.)"
    }

    /// Reckons.
    ///
    /// - Parameters:
    ///   - network: the consensus with what is known of it.
    ///   - client: `EntryNodes`, `MiddleNodes`, `ExitNodes` and `PathsNeededToBuildCircuits`.
    package init(_ network: NetworkView, _ client: ClientSettings) {
        self.init(
            network, entryNodes: client.entryNodes, middleNodes: client.middleNodes, exitNodes: client.exitNodes,
            pathsNeeded: client.pathsNeeded)
    }

    /// Reckons with settings one by one; `pathsNeeded` nil lets the consensus decide.
    package init(
        _ network: NetworkView, entryNodes: NodeList = NodeList(), middleNodes: NodeList = NodeList(),
        exitNodes: NodeList = NodeList(), pathsNeeded: Double? = nil
    ) {
        func known(_ relays: [RelayFacts], _ position: PathPosition) -> Double {
            guard !relays.isEmpty else { return 0 }
            var total = 0.0
            var known = 0.0
            for relay in relays {
                let weight = network.weights.weight(of: relay, as: position)
                total += weight
                if relay.hasDescriptor { known += weight }
            }
            guard total > 0 else { return Double(relays.count(where: \.hasDescriptor)) / Double(relays.count) }
            return known / total
        }
        // C Tor's client_would_use_router.
        let relays = network.relays.filter { $0.flags.contains(.running) && $0.canExtend }
        let middleRelays = middleNodes.isEmpty ? relays : relays.filter { middleNodes.contains($0) }
        let guardRelays =
            entryNodes.isEmpty
            ? middleRelays.filter { $0.flags.contains(.guard) } : relays.filter { entryNodes.contains($0) }
        // A relay whose policy we know to let nothing out is no exit, whatever its flag says.
        let exitRelays = relays.filter {
            $0.flags.contains(.exit) && !($0.hasDescriptor && $0.rejectsEverything)
        }
        present = middleRelays.count(where: \.hasDescriptor)
        usable = middleRelays.count
        hasExits = exitRelays.contains(where: \.hasDescriptor)
        guards = known(guardRelays, .guard)
        middles = known(middleRelays, .middle)
        var exits = known(exitRelays, .exit)
        if !exitNodes.isEmpty {
            let flagged = exitRelays.filter { exitNodes.contains($0) }
            let others = relays.filter { exitNodes.contains($0) && !($0.hasDescriptor && $0.rejectsEverything) }
            exits = min(exits, known(flagged.isEmpty ? others : flagged, .exit))
        }
        if !hasExits, exits <= 0 { exits = middles }
        self.exits = exits
        let percentage = network.parameters.value("min_paths_for_circs_pct", default: 60, in: 25...95)
        needed = pathsNeeded ?? Double(percentage) / 100
    }
}

extension NodeList {
    /// Whether a relay is meant, by any of its addresses.
    fileprivate func contains(_ relay: RelayFacts) -> Bool {
        relay.endpoints.contains {
            contains(identity: relay.rsaIdentity, nickname: relay.nickname, address: $0.address, port: $0.port)
        }
    }
}
