/// Sizes that we chose, with the reasons.
package enum PluginLimits {
    /// A plugin's file: what a transfer over a circuit may announce.
    package static let fileBytes = 256 << 10
    /// `FANION_STATE`: an upgrade hands over numbers, not a heap.
    package static let stateBytes = 4096
    /// Programs of one file: several for each door.
    package static let programs = 128
    /// Plugins of one circuit. Every attended door looks at each.
    package static let perCircuit = 4
    /// The largest context, and room to grow.
    package static let contextBytes = 128
    /// A cell's body, or arguments.
    package static let payloadBytes = 1024
    /// The argument bytes that `init` can be given.
    package static let argumentBytes = 255
    /// A plugin's message: what is left of a relay message after slot, command and room for random bytes.
    package static let messageBytes = 475
    /// Messages and deliveries that wait to be sent, per circuit.
    package static let queuedMessages = 64
    /// Padding cells asked for in one call.
    package static let paddingPerCall: UInt64 = 16
    /// Timers of an instance.
    package static let timers = 8
    /// The furthest that a timer can be set: an hour.
    package static let timerMicroseconds: UInt64 = 3_600_000_000
    /// Bytes of a line for the log.
    package static let logBytes = 200
    /// Lines of the log per plugin, event loop and second.
    package static let logLines: UInt64 = 10
    /// What a call costs besides its instructions: entering, writing the context, reading the answer.
    package static let callFuel: UInt64 = 30
    /// Instructions that a core runs in a microsecond, about; what CPU shares are counted with, since a clock read would cost more
    /// than most calls. Measured (`fanion plugin bench`): a call that runs 17 instructions takes 12 nanoseconds, 10 of which are the
    /// call's own.
    package static let fuelPerMicrosecond: UInt64 = 3000
    /// Up to here a call's instructions are charged as they are. Beyond, each is charged threefold, a nanosecond: a program that runs
    /// so long can choose slow ones.
    package static let quickCall: UInt64 = 256
    /// To how many microseconds the clock is rounded for plugins that a peer brought.
    package static let peerClock: UInt64 = 100
}
