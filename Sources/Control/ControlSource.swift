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
    /// Circuits that start here.
    func circuits() async -> [ControlCircuit]
    /// Streams that start here.
    func streams() async -> [ControlStream]
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
    /// Does what a controller asks for.
    func receive(_ signal: ControlSignal) async
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

/// A circuit as controllers see it (control-spec §4.1.1).
package struct ControlCircuit: Hashable, Sendable {
    /// How far it is.
    package enum Status: String, Sendable {
        case launched = "LAUNCHED"
        case extended = "EXTENDED"
        case built = "BUILT"
        case failed = "FAILED"
        case closed = "CLOSED"
    }

    /// Process-wide.
    package var id: UInt64
    /// How far it is.
    package var status: Status
    /// The hops it has, the first one first.
    package var path: [(identity: RSAIdentity, nickname: String)]
    /// "GENERAL", "HS_CLIENT_REND", ...
    package var purpose: String
    /// When it was launched, in microseconds since 1970.
    package var created: Int64?
    /// "NEED_CAPACITY", "IS_INTERNAL", ...
    package var flags: [String]

    /// A circuit.
    package init(
        id: UInt64, status: Status, path: [(identity: RSAIdentity, nickname: String)], purpose: String = "GENERAL",
        created: Int64? = nil, flags: [String] = []
    ) {
        self.id = id
        self.status = status
        self.path = path
        self.purpose = purpose
        self.created = created
        self.flags = flags
    }

    /// As `circuit-status` and CIRC say it.
    package var text: String {
        var text = "\(id) \(status.rawValue)"
        if !path.isEmpty {
            text +=
                " "
                + path.map { hop in
                    "$" + Base16.encode(hop.identity.bytes, uppercase: true)
                        + (hop.nickname.isEmpty ? "" : "~" + hop.nickname)
                }.joined(separator: ",")
        }
        if !flags.isEmpty { text += " BUILD_FLAGS=" + flags.joined(separator: ",") }
        text += " PURPOSE=\(purpose)"
        if let created {
            let (seconds, rest) = created.quotientAndRemainder(dividingBy: 1_000_000)
            let digits = String(rest)
            let time = WallTime(seconds: seconds).description.split(separator: " ").joined(separator: "T")
            text += " TIME_CREATED=\(time).\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits)"
        }
        return text
    }

    package static func == (left: ControlCircuit, right: ControlCircuit) -> Bool { left.text == right.text }

    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// A stream as controllers see it (control-spec §4.1.2).
package struct ControlStream: Hashable, Sendable {
    /// Process-wide.
    package var id: UInt64
    /// "NEW", "SENTCONNECT", "SUCCEEDED", "DETACHED", ...
    package var status: String
    /// The circuit that carries it; 0 if none does yet.
    package var circuit: UInt64
    /// Where it goes: "example.com:443".
    package var target: String

    /// A stream.
    package init(id: UInt64, status: String, circuit: UInt64, target: String) {
        self.id = id
        self.status = status
        self.circuit = circuit
        self.target = target
    }

    /// As `stream-status` and STREAM say it.
    package var text: String { "\(id) \(status) \(circuit) \(target)" }
}
