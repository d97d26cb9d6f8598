package import Cells

extension ExitPolicy {
    /// What an operator decides about exits, beside the rules themselves; names and defaults as in the torrc.
    package struct Settings: Sendable {
        /// `ExitRelay`: false forbids everything, nil leaves it to whether rules are given.
        package var exitRelay: Bool?
        /// `IPv6Exit`: whether IPv6 is let through at all.
        package var ipv6Exit = false
        /// `ExitPolicyRejectPrivate`: rejects private networks and the relay's own addresses first.
        package var rejectPrivate = true
        /// `ReducedExitPolicy`: ends in the reduced policy instead of the default one.
        package var reduced = false
        /// The addresses that the relay publishes; rejected with `rejectPrivate`.
        package var ownAddresses: [IPAddress] = []
        /// `ExitPolicyRejectLocalInterfaces`: addresses of interfaces, ports and outbound sockets to reject as well.
        package var localAddresses: [IPAddress] = []

        /// The defaults.
        package init() {}
    }

    /// The policy of `ExitPolicy` lines ("reject *:25, accept *:80"), as C Tor completes it: own and private addresses
    /// before them, the default or reduced policy behind them, without rules that never decide.
    package static func configured(_ lines: [String], _ settings: Settings) throws(RuleError) -> ExitPolicy {
        let hasRules = !lines.isEmpty || settings.reduced || settings.ipv6Exit
        guard settings.exitRelay ?? hasRules else { return .rejectAll }
        var rules: [Rule] = []
        if !settings.ipv6Exit { rules.append(Rule(isAccept: false, addresses: .allIPv6)) }
        if settings.rejectPrivate {
            rules += AddressPattern.privateNetworks.map { Rule(isAccept: false, addresses: $0) }
        }
        let own = (settings.rejectPrivate ? settings.ownAddresses : []) + settings.localAddresses
        for address in own where !address.isUnspecified && !address.isInternal && !address.isMulticast {
            if address.isV6, !settings.ipv6Exit { continue }
            rules.append(Rule(isAccept: false, addresses: AddressPattern(address)))
        }
        rules = withoutRedundancies(rules)
        let entries = lines.flatMap { $0.split(separator: ",") }
        for entry in entries where entry.contains(where: { $0 != " " && $0 != "\t" }) {
            do {
                rules += try Self.rules(entry, .torrc)
            } catch .familyMismatch {
                continue
            }
        }
        for entry in settings.reduced ? reducedRules : defaultRules { rules += try Self.rules(entry, .torrc) }
        return ExitPolicy(rules: withoutRedundancies(rules))
    }

    /// C Tor's default exit policy.
    private static let defaultRules =
        [25, 119].map { "reject *:\($0)" } + ["reject *:135-139"]
        + [445, 563, 1214].map { "reject *:\($0)" }
        + ["reject *:4661-4666", "reject *:6346-6429", "reject *:6699", "reject *:6881-6999", "accept *:*"]

    /// C Tor's reduced exit policy.
    private static let reducedRules =
        """
        20-23 43 53 79-81 88 110 143 194 220 389 443 464 465 531 543-544 554 563 587 636 706 749 873 902-904 981 989-995 \
        1194 1220 1293 1500 1533 1677 1723 1755 1863 2082-2083 2086-2087 2095-2096 2102-2104 3128 3389 3690 4321 4643 5050 \
        5190 5222-5223 5228 5900 6660-6669 6679 6697 8000 8008 8074 8080 8082 8087-8088 8232-8233 8332-8333 8443 8888 9418 \
        9999 10000 11371 18080-18081 18089 19294 19638 50002 64738
        """.split(separator: " ").map { "accept *:\($0)" } + ["reject *:*"]

    /// Leaves out rules that never decide: those behind a rule for everything, those that an earlier rule covers, and
    /// those that a later rule of the same answer covers with nothing contrary in between.
    static func withoutRedundancies(_ rules: [Rule]) -> [Rule] {
        var kept: [Rule] = []
        var closed: Set<Bool> = []
        for rule in rules where !closed.contains(rule.addresses.isIPv6) {
            if rule.addresses.isWildcard, rule.ports == Rule.allPorts { closed.insert(rule.addresses.isIPv6) }
            if !kept.contains(where: { $0.covers(rule) }) { kept.append(rule) }
        }
        var result: [Rule] = []
        for (index, rule) in kept.enumerated() {
            let decider = kept[(index + 1)...].first {
                $0.isAccept == rule.isAccept ? $0.covers(rule) : $0.intersects(rule)
            }
            if decider == nil || decider?.isAccept != rule.isAccept { result.append(rule) }
        }
        return result
    }
}

extension ExitPolicy.Rule {
    fileprivate func covers(_ other: Self) -> Bool {
        addresses.covers(other.addresses) && ports.lowerBound <= other.ports.lowerBound
            && ports.upperBound >= other.ports.upperBound
    }

    fileprivate func intersects(_ other: Self) -> Bool {
        addresses.intersects(other.addresses) && ports.overlaps(other.ports)
    }
}
