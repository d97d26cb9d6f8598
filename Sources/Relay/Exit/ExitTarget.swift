internal import Cells
internal import Directory

/// What BEGIN asks for, after its name has been looked up: where to connect, or why not.
enum ExitTarget: Equatable {
    /// Connect there; the client may remember the address for so many seconds.
    case connect(SocketEndpoint, timeToLive: UInt32)
    /// Do not.
    case refuse(EndMessage)

    /// Decides about an address that the client gave itself.
    init(address: IPAddress, port: UInt16, rules: ExitRules) {
        self.init(address.unmapped, port, RelaySpec.literalTimeToLive, rules)
    }

    /// Decides about what a name turned out to be: of two addresses the one that the policy lets through, else what the
    /// client would rather have.
    init(_ answer: DNSAnswer, port: UInt16, flags: BeginMessage.Flags, rules: ExitRules) {
        let ipv4 = flags.contains(.ipv4NotOkay) ? nil : answer.ipv4.value
        let ipv6 = flags.contains(.ipv6Okay) && rules.allowsIPv6 ? answer.ipv6.value : nil
        let prefersIPv6 = flags.contains(.ipv6Preferred) && rules.allowsIPv6
        var takesIPv6: Bool
        switch (ipv4, ipv6) {
        case (let ipv4?, let ipv6?):
            let allowed4 = rules.policy.answer(to: ipv4, port: port) == .accepted
            let allowed6 = rules.policy.answer(to: ipv6, port: port) == .accepted
            takesIPv6 = allowed4 == allowed6 ? prefersIPv6 : allowed6
        case (_?, nil): takesIPv6 = false
        case (nil, _?): takesIPv6 = true
        case (nil, nil): takesIPv6 = prefersIPv6
        }
        guard let address = takesIPv6 ? ipv6 : ipv4 else {
            self = .refuse(EndMessage(reason: .resolveFailed))
            return
        }
        let timeToLive = takesIPv6 ? answer.ipv6.timeToLive : answer.ipv4.timeToLive
        self.init(address.unmapped, port, timeToLive, rules)
    }

    private init(_ address: IPAddress, _ port: UInt16, _ timeToLive: UInt32, _ rules: ExitRules) {
        let endpoint = SocketEndpoint(address: address, port: port)
        switch rules.answer(to: endpoint) {
        case nil: self = .connect(endpoint, timeToLive: timeToLive)
        case .exitPolicy?:
            self = .refuse(EndMessage(reason: .exitPolicy, address: address, timeToLive: timeToLive))
        case let reason?: self = .refuse(EndMessage(reason: reason))
        }
    }
}
