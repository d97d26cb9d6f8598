internal import Cells
package import PluginHost

/// What plugins that we brought have counted at other ends.
extension Corridor {
    /// A question whose answer has not come.
    struct Question: Hashable {
        let circuit: UInt32
        let place: CircuitReference
        let slot: UInt8
    }

    /// Asks every hop for the counters of what we brought to it; call on its loop.
    package func askPeerCounters() {
        readClock()
        questions = []
        for slot in origins.slots { askCounters(CircuitReference(.origin, slot)) }
        for slot in circuits.slots { askCounters(CircuitReference(.relay, slot)) }
        settleSoon()
    }

    /// How many of them have not answered yet.
    package var openQuestions: Int { questions.count }

    private func askCounters(_ reference: CircuitReference) {
        for link in exchange(of: reference)?.links ?? [] {
            guard let link else { continue }
            for slot in link.bringer.running where link.bringer.askCounters(slot, now: now) {
                questions.insert(Question(circuit: generation(of: reference), place: reference, slot: slot))
                guard sendPlugin(PluginCountersMessage(slot: slot), hop: link.hop, reference) else { return }
            }
        }
    }

    /// What came back, by plugin and place, over all circuits that are or were: as last heard. Call on its loop.
    package var peerCounters: [PluginCounters] {
        var sums = [keptCounters]
        for slot in origins.slots {
            guard let exchange = origins.pointer(slot).pointee.exchange else { continue }
            for link in exchange.links {
                if let link { sums.append(counted(link, hopCount: exchange.links.count)) }
            }
        }
        for slot in circuits.slots {
            guard let link = circuits.pointer(slot).pointee.exchange?.link(0) else { continue }
            sums.append(counted(link, hopCount: 0))
        }
        return PluginCounters.sum(sums)
    }

    /// A circuit ends: what its hops said last is kept.
    func keepCounters(of link: PluginLink, hopCount: Int) {
        guard !link.counters.isEmpty else { return }
        keptCounters = PluginCounters.sum([keptCounters, counted(link, hopCount: hopCount)])
    }

    private func counted(_ link: PluginLink, hopCount: Int) -> [PluginCounters] {
        link.counters.compactMap { slot, values in
            guard let file = link.wishes[slot]?.file else { return nil }
            let place =
                hopCount == 0
                ? "client" : link.hop == 0 ? "guard" : link.hop == hopCount - 1 ? "exit" : "middle"
            let names = file.metadata.counters + ["calls", "fuel"]
            // The same plugin at another place counts apart: the identity is what sums are made by.
            return PluginCounters(
                name: "\(file.metadata.name)@\(place)", version: file.metadata.version,
                identity: file.identity + Array(place.utf8),
                values: zip(names, values).map { (name: $0, value: $1) })
        }
    }
}
