package import Cells
package import Circuits
package import NIOCore

/// A circuit that starts here. Confined to its loop.
package protocol ClientCircuit: AnyObject {
    /// Process-wide, from birth.
    var id: UInt64 { get }
    /// The only loop to call it on.
    var eventLoop: any EventLoop { get }
    /// Its hops, the first one first: those there are and, while it is being built, those to come.
    var path: [HopTarget] { get }
    /// How many of them are there.
    var hopCount: Int { get }
    /// Whether all of its path is there and it has not ended.
    var isOpen: Bool { get }
    /// Streams that have not ended.
    var streamCount: Int { get }

    /// Opens a stream to the last hop; bytes may be sent once `streamConnected` has come.
    ///
    /// - Returns: our end; nil if the circuit is not open or has no stream ID left.
    func openStream(_ request: StreamRequest, owner: any StreamOwner) -> (any StreamPort)?
    /// Adds a hop; the owner hears `circuitBuilt` again, or `circuitClosed`.
    func extend(to target: HopTarget)
    /// Ends the circuit and its streams; the owner hears `circuitClosed`.
    func close(_ reason: DestroyReason)
}

/// Who had a circuit built. Called on the circuit's loop.
package protocol ClientCircuitOwner: AnyObject {
    /// A hop was added, not the last one.
    func circuitGrew(_ circuit: any ClientCircuit)
    /// The whole path is there.
    func circuitBuilt(_ circuit: any ClientCircuit)
    /// It is gone, or never came about. Streams have heard of it already. Comes exactly once.
    func circuitClosed(_ circuit: any ClientCircuit, _ ending: CircuitEnding)
}

/// Why a circuit is no more.
package struct CircuitEnding: Hashable, Sendable {
    /// The reason on the wire or that we gave.
    package var reason: DestroyReason
    /// Whether a relay said so (DESTROY, TRUNCATED), not we.
    package var isRemote: Bool
    /// How many hops there were.
    package var hopCount: Int
    /// Whether the channel to the first hop never came about: the guard is unreachable, or is somebody else.
    package var isChannelFailure: Bool

    /// An ending.
    package init(reason: DestroyReason, isRemote: Bool, hopCount: Int, isChannelFailure: Bool = false) {
        self.reason = reason
        self.isRemote = isRemote
        self.hopCount = hopCount
        self.isChannelFailure = isChannelFailure
    }
}

/// Builds circuits from here, on one event loop. Confined to it.
package protocol CircuitLauncher: AnyObject {
    /// The only loop to call it on.
    var eventLoop: any EventLoop { get }
    /// Starts to build a circuit along `path`, which has at least one hop; only the first may lack an onion key
    /// (CREATE_FAST). The launcher sets no time limit: its user closes what takes too long.
    func launch(_ path: [HopTarget], owner: any ClientCircuitOwner) -> any ClientCircuit
    /// Opens a channel to a relay and checks that it is who it should be, as authorities do; closes it again if it is not
    /// used. Succeeds with the Ed25519 identity that the relay proved.
    func probe(_ target: HopTarget) -> EventLoopFuture<Ed25519Identity?>
}
