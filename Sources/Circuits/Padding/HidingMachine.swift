package import Hooks

/// A relay's half of one of Tor's two padding machines, which make the beginnings of a client's onion service circuits look like
/// those of others (padding-spec §3.4; C Tor: circuitpadding_machines.c).
///
///     waiting --cell sent--> padding --last padding sent--> over
///
/// It waits for the first cell towards the client, which is the PADDING_NEGOTIATED that says it has begun. Then an introduction
/// machine sends seven to nine DROPs, a few milliseconds apart, as a page would come, and says that it is over; any other cell
/// draws the time anew. A rendezvous machine sends one DROP at once. The client's halves are for onion services, which there
/// are none of yet. C Tor's limits (ten DROPs and one) are never reached by these lengths, so they are not counted here.
package struct HidingMachine: Sendable {
    /// The kinds, by their numbers in PADDING_NEGOTIATE: the order in which C Tor registers them.
    package enum Kind: UInt8, Sendable {
        /// Hides circuits to introduction points.
        case introduction = 0
        /// Hides circuits to rendezvous points.
        case rendezvous = 1
    }

    private enum State {
        case waiting
        /// So many DROPs are to be sent.
        case padding(left: Int)
        case over
    }

    /// Its kind.
    package let kind: Kind
    /// Which of the circuit's machines it is, from 1.
    package let counter: UInt32
    private var state = State.waiting

    /// A machine that waits.
    package init(_ kind: Kind, counter: UInt32) {
        self.kind = kind
        self.counter = counter
    }

    /// Whether it has sent all.
    package var isOver: Bool {
        if case .over = state { true } else { false }
    }

    /// Whether the client must be told when it is over.
    package var announcesEnd: Bool { kind == .introduction }

    /// Something has happened.
    package mutating func receive(
        _ event: PaddingEvent, using random: inout some RandomNumberGenerator
    ) -> PaddingVerdict {
        switch (state, event) {
        case (.waiting, .cellSent):
            state = .padding(left: kind == .introduction ? Int.random(in: 7..<10, using: &random) : 1)
            return schedule(using: &random)
        case (.padding, .cellSent):
            return kind == .introduction ? schedule(using: &random) : .nothing
        case (.padding(let left), .paddingSent):
            guard left > 1 else {
                state = .over
                return .nothing
            }
            state = .padding(left: left - 1)
            return schedule(using: &random)
        default:
            return .nothing
        }
    }

    private func schedule(using random: inout some RandomNumberGenerator) -> PaddingVerdict {
        let microseconds: Range<UInt32> = kind == .introduction ? 1_000..<10_000 : 0..<1_000
        return .schedule(timer: 0, delay: UInt32.random(in: microseconds, using: &random), [])
    }
}
