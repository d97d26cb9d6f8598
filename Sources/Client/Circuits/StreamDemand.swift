package import Cells
package import Paths

/// A stream that somebody wants, before there is a circuit for it.
package struct StreamDemand: Hashable, Sendable {
    /// What is wanted.
    package enum Target: Hashable, Sendable {
        /// A connection to a host, by name or address.
        case connect(host: String, port: UInt16)
        /// The address of a name.
        case resolve(String)
        /// The name of an address.
        case reverse(IPAddress)
    }

    /// What is wanted.
    package var target: Target
    /// Who wants it, and how alone.
    package var isolation: IsolationKey
    /// `IPv4Traffic`.
    package var allowsIPv4 = true
    /// `IPv6Traffic`.
    package var allowsIPv6 = true
    /// `PreferIPv6`.
    package var prefersIPv6 = false
    /// `KeepAliveIsolateSOCKSAuth`: a circuit with credentials stays young while it is used.
    package var keepsCircuitAlive = false

    /// A stream for somebody.
    package init(_ target: Target, isolation: IsolationKey) {
        self.target = target
        self.isolation = isolation
    }

    /// The host meant, as text.
    package var host: String {
        switch target {
        case .connect(let host, _): host
        case .resolve(let name): name
        case .reverse(let address): address.description
        }
    }

    /// The port meant, or 0.
    package var port: UInt16 {
        if case .connect(_, let port) = target { port } else { 0 }
    }

    /// Whether it is a look-up.
    package var isResolve: Bool {
        if case .connect = target { false } else { true }
    }

    /// What the exit must let out.
    var exitDemand: ExitDemand {
        guard case .connect(let host, let port) = target else { return .resolve }
        return .connect(address: IPAddress(host), port: port, allowsIPv4: allowsIPv4, allowsIPv6: allowsIPv6)
    }

    /// What to send to an exit.
    func opening(at exit: RelayFacts) -> StreamOpening {
        switch target {
        case .resolve(let name): return .resolve(name)
        case .reverse(let address): return .resolve(Self.reverseName(address))
        case .connect(let host, let port):
            // As C Tor: IPv6 is offered only to exits that would let the port out there.
            var flags: BeginMessage.Flags = []
            if allowsIPv6 {
                if !allowsIPv4 { flags.insert(.ipv4NotOkay) }
                let serves = exit.serves(.connect(address: .v6(high: 0, low: 0), port: port))
                if serves { flags.insert(.ipv6Okay) }
                if serves, allowsIPv4, prefersIPv6 { flags.insert(.ipv6Preferred) }
            }
            return .connect(BeginTarget(host: host, port: port, flags: flags))
        }
    }

    /// `4.3.2.1.in-addr.arpa`, or the 32 digits under `ip6.arpa`.
    static func reverseName(_ address: IPAddress) -> String {
        let bytes = address.bytes
        if bytes.count == 4 { return bytes.reversed().map { "\($0)" }.joined(separator: ".") + ".in-addr.arpa" }
        let digits = Base16.encode(bytes)
        return digits.reversed().map { "\($0)" }.joined(separator: ".") + ".ip6.arpa"
    }
}

/// Where BEGIN goes.
package struct BeginTarget: Hashable, Sendable {
    /// Name or address.
    package var host: String
    /// Never 0.
    package var port: UInt16
    /// Which address families will do.
    package var flags: BeginMessage.Flags
}

/// What to open on a circuit.
package enum StreamOpening: Hashable, Sendable {
    /// BEGIN.
    case connect(BeginTarget)
    /// RESOLVE, of a name as the wire has it.
    case resolve(String)
}

/// Why a stream did not come about.
package enum StreamFailure: Hashable, Sendable {
    /// The exit ended it.
    case remote(EndReason)
    /// Nobody answered in time.
    case timeout
    /// No circuit can serve it.
    case cannotAttach
    /// The exit's answer is not to be believed.
    case torProtocol
    /// Its circuit went away too often.
    case destroyed
    /// The program went away.
    case done

    /// The code that a SOCKS program gets.
    package var socks: SOCKSFailure {
        switch self {
        case .remote(let reason): SOCKSFailure(reason)
        case .timeout: .timeout
        case .cannotAttach, .torProtocol, .destroyed, .done: .general
        }
    }

    /// As the control port's STREAM events have it.
    package var controlText: String {
        switch self {
        case .remote(let reason): "REASON=END REMOTE_REASON=\(reason)"
        case .timeout: "REASON=TIMEOUT"
        case .cannotAttach: "REASON=CANT_ATTACH"
        case .torProtocol: "REASON=TORPROTOCOL"
        case .destroyed: "REASON=DESTROY"
        case .done: "REASON=DONE"
        }
    }
}

/// What a look-up found.
package enum Resolution: Hashable, Sendable {
    /// An address, to be remembered for so many seconds.
    case address(IPAddress, timeToLive: UInt32)
    /// A name, likewise.
    case name(String, timeToLive: UInt32)
    /// Nothing.
    case nothing
}
