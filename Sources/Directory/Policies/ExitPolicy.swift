package import Cells

/// Where an exit lets streams go: rules, of which the first that matches decides (dir-spec §2.1.3).
///
/// What no rule matches is accepted. Descriptors carry the IPv4 rules and a `PortPolicy` for IPv6.
package struct ExitPolicy: Hashable, Sendable {
    /// The rules, in order.
    package var rules: [Rule]

    /// One line: accept or reject, to these addresses, at these ports.
    package struct Rule: Hashable, Sendable {
        /// True to let through.
        package let isAccept: Bool
        /// Which addresses it is about.
        package let addresses: AddressPattern
        /// Which ports it is about.
        package let ports: ClosedRange<UInt16>

        /// Takes the parts.
        package init(isAccept: Bool, addresses: AddressPattern, ports: ClosedRange<UInt16> = Rule.allPorts) {
            self.isAccept = isAccept
            self.addresses = addresses
            self.ports = ports
        }

        /// Ports 1 to 65535.
        package static let allPorts: ClosedRange<UInt16> = 1...65_535

        /// The rule as it stands in a descriptor: "accept 10.0.0.0/8:80-90".
        package var text: String {
            let ports = self.ports == Self.allPorts ? "*" : PortPolicy.text(self.ports)
            return "\(isAccept ? "accept" : "reject")\(addresses.isIPv6 ? "6" : "") \(addresses.text):\(ports)"
        }
    }

    /// Takes rules.
    package init(rules: [Rule]) {
        self.rules = rules
    }

    /// Nothing anywhere.
    package static let rejectAll = ExitPolicy(rules: [
        Rule(isAccept: false, addresses: .allIPv4), Rule(isAccept: false, addresses: .allIPv6),
    ])

    /// What the policy says to a target. An address that is nil, or all zeros, is not known yet; a port 0 neither.
    package func answer(to address: IPAddress?, port: UInt16) -> PolicyAnswer {
        let address = address.flatMap { $0.isUnspecified ? nil : $0 }
        if address == nil, port == 0 { return .rejected }
        var maybeAccepted = false
        var maybeRejected = false
        for rule in rules {
            // What is known must match; the rule is certain if it takes everything of what is not known.
            if let address, !rule.addresses.contains(address) { continue }
            if port != 0, !rule.ports.contains(port) { continue }
            let isCertain =
                (address != nil || rule.addresses.isWildcard) && (port != 0 || rule.ports == Rule.allPorts)
            switch (isCertain, rule.isAccept) {
            case (true, true): return maybeRejected ? .probablyAccepted : .accepted
            case (true, false): return maybeAccepted ? .probablyRejected : .rejected
            case (false, true): maybeAccepted = true
            case (false, false): maybeRejected = true
            }
        }
        return maybeRejected ? .probablyAccepted : .accepted
    }

    /// True if it is certain that no address of a family is let through, `default` if no rule says so.
    package func rejectsEverything(isIPv6: Bool, default defaultAnswer: Bool = true) -> Bool {
        for rule in rules where rule.addresses.isIPv6 == isIPv6 {
            if rule.isAccept { return false }
            if rule.ports == Rule.allPorts, rule.addresses.isWildcard { return true }
        }
        return defaultAnswer
    }

    /// True if it lets out to ports 80 and 443 of at least one IPv4 network of /8 each: authorities call such a relay an
    /// exit. Networks that are nobody's on the Internet count only if `allowingPrivate` (`DirAllowPrivateAddresses`).
    package func isGeneralExit(allowingPrivate: Bool = false) -> Bool {
        allowsSomeBlock(port: 80, allowingPrivate) && allowsSomeBlock(port: 443, allowingPrivate)
    }

    /// The lines of a descriptor: its IPv4 rules, or a single one if nothing is let through to any address.
    package var descriptorLines: [String] {
        let lines = rules.filter { !$0.addresses.isIPv6 }.map(\.text)
        let rejectsAll = rejectsEverything(isIPv6: false) && rejectsEverything(isIPv6: true)
        return rejectsAll || lines.isEmpty ? ["reject *:*"] : lines
    }

    /// True if a whole /8 is let through, no part of which an earlier rule rejects.
    private func allowsSomeBlock(port: UInt16, _ allowingPrivate: Bool) -> Bool {
        var rejected = [Bool](repeating: false, count: 256)
        for rule in rules where !rule.addresses.isIPv6 && rule.ports.contains(port) {
            let network = rule.addresses
            let first = UInt32(truncatingIfNeeded: network.address) & ~(UInt32.max >> UInt32(network.prefixLength))
            let last = first | UInt32.max >> UInt32(network.prefixLength)
            for block in Int(first >> 24)...Int(last >> 24) where !rejected[block] {
                if !allowingPrivate, [0, 10, 127].contains(block) { continue }
                if !rule.isAccept {
                    rejected[block] = true
                } else if network.prefixLength <= 8 {
                    return true
                }
            }
        }
        return false
    }
}
