package import Cells
package import Directory

/// What controllers are told of a node, and what they can have done with it. The node is this.
///
/// Answers are snapshots; they may take their time (an event loop each), for the control port is nobody's hot path.
package protocol ControlSource: Sendable {
    /// What it is, as PROTOCOLINFO and `GETINFO version` say.
    var version: String { get }
    /// Where its torrc is; nil if it has none.
    var torrcPath: String? { get }
    /// Circuits that start here, a line each (control-spec §4.1.1).
    func circuits() async -> [String]
    /// Streams that start here, a line each (control-spec §4.1.2).
    func streams() async -> [String]
    /// The guards of the sample in use, a line each.
    func entryGuards() async -> [String]
    /// Whether a circuit has been open, so that the client works.
    func hasCircuit() async -> Bool
    /// What the consensus says of every relay; nothing if there is none.
    func relays() async -> [RouterStatus]
    /// How far the client side is.
    func bootstrap() async -> ControlBootstrap
    /// Bytes since the start.
    func traffic() async -> ControlTraffic
    /// What it listens on, by kind ("or", "dir", "socks", "control"): endpoints, or `unix:` paths.
    func listeners() async -> [String: [String]]
    /// Its RSA identity; nil if it is no relay.
    func fingerprint() async -> RSAIdentity?
    /// Whether it has enough documents to build circuits.
    func hasEnoughDirectory() async -> Bool
    /// What plugins have counted, a line each.
    func pluginCounters() async -> [String]
    /// What other ends have refused of what is brought to them, a line for each plugin and reason.
    func pluginRefusals() async -> [String]
    /// Does what a controller asks for.
    func receive(_ signal: ControlSignal) async
}

extension ControlSource {
    /// By default there are no plugins.
    package func pluginCounters() async -> [String] { [] }

    /// By default nothing is brought.
    package func pluginRefusals() async -> [String] { [] }
}

/// How many bytes.
package struct ControlTraffic: Hashable, Sendable {
    /// Read since the start.
    package var read: UInt64
    /// Written since the start.
    package var written: UInt64

    /// Counts.
    package init(read: UInt64, written: UInt64) {
        self.read = read
        self.written = written
    }
}

/// How far a client has come (control-spec §5.5).
package struct ControlBootstrap: Hashable, Sendable {
    /// 0 to 100.
    package var progress: Int
    /// The phase's name for programs.
    package var tag: String
    /// And for people.
    package var summary: String

    /// A phase.
    package init(progress: Int, tag: String, summary: String) {
        self.progress = progress
        self.tag = tag
        self.summary = summary
    }

    /// The beginning.
    package static let starting = ControlBootstrap(progress: 0, tag: "starting", summary: "Starting")
    /// The end.
    package static let done = ControlBootstrap(progress: 100, tag: "done", summary: "Done")

    /// As GETINFO and STATUS_CLIENT say it.
    package var text: String {
        "NOTICE BOOTSTRAP PROGRESS=\(progress) TAG=\(tag) SUMMARY=\(ControlAuthentication.quoted(summary))"
    }
}
