internal import Cells
internal import Circuits

/// What one loop tells another about a circuit, in order with the cells of that circuit.
enum LoopMessage: Sendable {
    /// To the loop of an exitward channel: make a leg on it, and send this CREATE2.
    case makeLeg(owner: SlabHandle, ownerLoop: Int, channel: SlabHandle, create: Create2Cell)
    /// To the owner: that is the leg. CREATED2 has not come yet.
    case legMade(owner: SlabHandle, legLoop: Int, leg: SlabHandle)
    /// To the owner: the next relay answered CREATE2.
    case legAnswered(owner: SlabHandle, answer: Created2Cell)
    /// To the owner: the leg is no more, or could not be made.
    case legEnded(owner: SlabHandle, reason: DestroyReason)
    /// To the leg's loop: send DESTROY and forget the leg.
    case destroyLeg(leg: SlabHandle, reason: DestroyReason)
    /// To whoever waits for a channel: here it is, on that loop.
    case channelReady(waiter: ChannelWaiter, loop: Int, channel: SlabHandle)
    /// To whoever waits for a channel: there will be none.
    case channelFailed(waiter: ChannelWaiter, reason: DestroyReason)
    /// To a loop: open a channel to that relay; the channel table knows who waits.
    case dial(HopTarget)
}

/// Who waits for a channel, and for what.
struct ChannelWaiter: Hashable, Sendable {
    /// What kind of thing waits.
    enum Kind: Sendable {
        /// A circuit of somebody else's that is to be extended.
        case relayCircuit
        /// A circuit that starts here.
        case originCircuit
    }

    let kind: Kind
    /// Its loop.
    let loop: Int
    /// Which one there.
    let handle: SlabHandle
}
