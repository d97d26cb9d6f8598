package import Cells
internal import Directory

/// What one stream asks of an exit.
package enum ExitDemand: Hashable, Sendable {
    /// A connection: to an address if it is known, else to a name; `allowsIPv4` and `allowsIPv6` say what will do for a name.
    case connect(address: IPAddress?, port: UInt16, allowsIPv4: Bool = true, allowsIPv6: Bool = true)
    /// A look-up; any exit does that.
    case resolve
}

extension RelayFacts {
    /// Whether its exit policy would let that stream out, as far as a summary can tell.
    package func serves(_ demand: ExitDemand) -> Bool {
        switch demand {
        case .connect(let address?, let port, _, _):
            return address.isV6 ? ipv6Policy.allows(port) : ipv4Policy.allows(port)
        case .connect(nil, let port, let allowsIPv4, let allowsIPv6):
            return allowsIPv6 && !allowsIPv4 ? ipv6Policy.allows(port) : ipv4Policy.allows(port)
        case .resolve:
            return !rejectsEverything
        }
    }
}
