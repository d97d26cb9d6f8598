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
}
