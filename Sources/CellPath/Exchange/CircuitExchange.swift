internal import Cells
internal import PluginHost

/// The plugins that a circuit's ends bring each other, as the corridor of this end keeps them.
///
/// Made for a relay's circuit whose client speaks of plugins, and for a circuit of our own that has a hop that does. Touched by
/// messages of the exchange only, never by other cells.
final class CircuitExchange {
    /// The links by hop; one at a relay, where it is 0. Nil where the hop speaks of none.
    private(set) var links: [PluginLink?]
    /// What is still to be offered, in order: one at a time.
    var pending: [PendingOffer] = []
    /// Required wishes that do not run yet: the circuit is not used before they do.
    var missing = 0
    /// Whether its owner waits for them to hear that it is built.
    var holdsBuilt = false
    /// At a relay: what is offered once a stream is opened.
    var waitsForStream = false

    init(links: [PluginLink?]) { self.links = links }

    /// The link to a hop.
    func link(_ hop: Int) -> PluginLink? { links.indices.contains(hop) ? links[hop] : nil }

    /// One more hop.
    func append(_ link: PluginLink?) { links.append(link) }

    /// Whether an offer of ours is open somewhere.
    var hasOpenOffer: Bool { links.contains { $0?.bringer.hasOpenOffer == true } }

    /// Whether the other ends have an offer open here.
    var isTaking: Bool { links.contains { $0?.taker.hasOpenOffer == true } }

    /// When somebody must look here.
    var nextDeadline: ContinuousClock.Instant? {
        var next: ContinuousClock.Instant?
        for link in links {
            guard let link else { continue }
            for deadline in [link.bringer.nextDeadline, link.taker.nextDeadline] {
                if let deadline { next = min(next ?? deadline, deadline) }
            }
        }
        return next
    }
}

/// An offer that waits for its turn.
struct PendingOffer {
    let hop: Int
    let wish: PluginWish
    /// The slot under which the hop has asked for the code.
    var slot: UInt8?
    /// The slot of the version that it takes over from.
    var replaces: UInt8 = 0
}

/// The plugins between this end and one other: two machines and what they must not hold.
final class PluginLink {
    /// Which hop it is at a client; 0 at a relay.
    let hop: Int
    var bringer: BringerMachine
    var taker: TakerMachine
    /// What we brought, by slot.
    var wishes: [UInt8: PluginWish] = [:]
    /// What runs, or is about to run, for the other end.
    var taken: [UInt8: Taken] = [:]
    /// The transfer that is under way.
    var receiving: Receiving?
    /// Messages of plugins for which there was no window yet.
    var outbox: [PluginHalfMessage] = []
    /// What plugins that we brought have counted, as last heard, by slot.
    var counters: [UInt8: [UInt64]] = [:]

    /// A plugin of the other end's.
    struct Taken {
        var identity: [UInt8]
        var arguments: [UInt8]
        /// Nil until it is here.
        var plugin: Plugin?
    }

    /// Half a bundle.
    struct Receiving {
        let slot: UInt8
        let size: Int
        var bytes: [UInt8] = []
    }

    init(hop: Int, isHop: Bool) {
        self.hop = hop
        bringer = BringerMachine(isHop: isHop)
        taker = TakerMachine(isHop: isHop)
    }
}
