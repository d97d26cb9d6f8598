/// What the specification says about streams and windows, with its sections.
package enum EndpointSpec {
    /// DATA cells that may be under way on a circuit before the first SENDME (tor-spec §7.3).
    package static let circuitWindowStart = 1000
    /// DATA cells that a circuit's SENDME acknowledges (tor-spec §7.3).
    package static let circuitWindowIncrement = 100
    /// The smallest first window that the parameter `circwindow` may ask for (param-spec, "circwindow").
    package static let circuitWindowMinimum = 100
    /// DATA cells that may be under way on a stream before its first SENDME (tor-spec §7.4).
    package static let streamWindowStart = 500
    /// DATA cells that a stream's SENDME acknowledges (tor-spec §7.4).
    package static let streamWindowIncrement = 50
    /// The newest SENDME there is (tor-spec §7.3).
    package static let sendmeVersion: UInt8 = 1
    /// Random bytes that a roomy DATA cell ends with, so that nobody can foretell its tag (proposal 289 §3.3).
    package static let unpredictableLength = 16
    /// The ntor-v3 extension with which a client asks for congestion control; without a body (proposal 324 §10.3).
    package static let congestionControlRequest: UInt8 = 1
    /// The extension that grants it: DATA cells for one SENDME, a byte (proposal 324 §10.3).
    package static let congestionControlResponse: UInt8 = 2
    /// What counts as a cell's bytes for XOFF: the least that any format holds, as in C Tor.
    static let xoffCellBytes: UInt64 = 488
    /// The same for XON: the most.
    static let xonCellBytes: UInt64 = 498
    /// Microseconds that a reader may be behind by more than the limit before XOFF: C Tor's.
    static let xoffGrace: UInt64 = 5_000
    /// The largest rate that an XON can name; above it there is none, as C Tor reads it.
    static let greatestXonRate: UInt64 = 0x7FFF_FFFF / 1000
}
