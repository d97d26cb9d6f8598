extension ExitPolicy {
    /// The policy for one family as ports alone (dir-spec §3.8.2), computed as C Tor does it, since authorities must
    /// agree on every byte.
    ///
    /// A port counts as accepted if a rule for every address accepts it, before which not more than a few networks were
    /// rejected: two /8 in IPv4, one /16 in IPv6. Rejected private networks do not count, accepted networks neither.
    package func summary(isIPv6: Bool) -> PortPolicy {
        let relevant = rules.filter { $0.addresses.isIPv6 == isIPv6 }
        var pieces = PortPieces(relevant.map(\.ports))
        let cutoff: UInt64 = isIPv6 ? 1 << 48 : 1 << 25
        for rule in relevant {
            if rule.isAccept {
                guard rule.addresses.isWildcard else { continue }
                pieces.update(rule.ports) { if $0.rejected <= cutoff { $0.isAccepted = true } }
            } else if !AddressPattern.privateNetworks.contains(rule.addresses) {
                guard let weight = Self.weight(rule.addresses) else { continue }
                pieces.update(rule.ports) {
                    let (sum, overflow) = $0.rejected.addingReportingOverflow(weight)
                    $0.rejected = overflow ? .max : sum
                }
            }
        }
        return Self.shorter(accepted: pieces.merged(isAccepted: true), rejected: pieces.merged(isAccepted: false))
    }

    /// How many addresses a network has, or in IPv6 how many /64; nil if it is smaller than that.
    private static func weight(_ network: AddressPattern) -> UInt64? {
        let bits = (network.isIPv6 ? 64 : 32) - network.prefixLength
        if bits < 0 { return nil }
        return bits >= 64 ? .max : 1 << UInt64(bits)
    }

    /// The list that takes fewer bytes. If both are too long, as many accepted ports as there is room for.
    private static func shorter(accepted: [ClosedRange<UInt16>], rejected: [ClosedRange<UInt16>]) -> PortPolicy {
        if accepted.isEmpty { return .rejectAll }
        if rejected.isEmpty { return .acceptAll }
        let accept = PortPolicy(isAccept: true, ports: accepted)
        let reject = PortPolicy(isAccept: false, ports: rejected)
        let (acceptLength, rejectLength) = (accept.description.utf8.count, reject.description.utf8.count)
        // "accept" and "reject" have equal length, so whole summaries compare as their lists do.
        let limit = DirectoryLimits.policySummaryLength
        guard acceptLength > limit, rejectLength > limit else { return rejectLength < acceptLength ? reject : accept }
        var length = "accept".utf8.count
        let kept = accepted.prefix {
            length += 1 + PortPolicy.text($0).utf8.count
            return length <= limit
        }
        return PortPolicy(isAccept: true, ports: Array(kept))
    }
}

/// Ports 1 to 65535 cut wherever a rule begins or ends.
private struct PortPieces {
    struct Piece {
        let first: Int
        var rejected: UInt64 = 0
        var isAccepted = false
    }

    private var pieces: [Piece]

    init(_ ranges: [ClosedRange<UInt16>]) {
        let starts = Set(ranges.flatMap { [Int($0.lowerBound), Int($0.upperBound) + 1] } + [1])
        pieces = starts.filter { (1...65_535).contains($0) }.sorted().map { Piece(first: $0) }
    }

    /// Changes the pieces of a range, which begins and ends where pieces do.
    mutating func update(_ ports: ClosedRange<UInt16>, _ change: (inout Piece) -> Void) {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].first < Int(ports.lowerBound) { low = middle + 1 } else { high = middle }
        }
        while low < pieces.count, pieces[low].first <= Int(ports.upperBound) {
            change(&pieces[low])
            low += 1
        }
    }

    /// The ports with one answer, neighbours put together.
    func merged(isAccepted: Bool) -> [ClosedRange<UInt16>] {
        var result: [ClosedRange<UInt16>] = []
        for (index, piece) in pieces.enumerated() where piece.isAccepted == isAccepted {
            let end = index + 1 < pieces.count ? pieces[index + 1].first - 1 : 65_535
            if let last = result.last, Int(last.upperBound) == piece.first - 1 {
                result[result.count - 1] = last.lowerBound...UInt16(end)
            } else {
                result.append(UInt16(piece.first)...UInt16(end))
            }
        }
        return result
    }
}
