internal import Circuits
internal import Hooks

/// The padding of one circuit of somebody else's: which machine its client has started. Made when the first one is.
struct CircuitPadder {
    /// The machine that runs, or has ended and not been stopped.
    var policy: HidingPolicy?
    /// How many machines the circuit has had.
    var count: UInt32 = 0
    /// Numbers timers: only the last one set counts.
    var timer: UInt32 = 0
}

/// Tor's padding machines at the `padding` door: they answer where no plugin does.
struct HidingPolicy: PaddingPolicy {
    var machine: HidingMachine
    let random: LoopRandom

    mutating func padding(_ context: inout PaddingContext) -> Answer<PaddingVerdict> {
        guard let event = PaddingEvent(rawValue: context.event) else { return .builtIn }
        var random = self.random
        return .verdict(machine.receive(event, using: &random))
    }
}
