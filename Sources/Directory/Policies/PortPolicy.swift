/// The summary of an exit policy: "accept 80,443" or "reject 25,119-139" (dir-spec §3.8.2).
///
/// It says for each port whether the relay lets through to most addresses; the other ports get the opposite answer.
package struct PortPolicy: Hashable, Sendable, CustomStringConvertible {
    /// True if the ports that are listed are accepted, false if they are rejected.
    package let isAccept: Bool
    /// The ports that are listed, in order.
    package let ports: [ClosedRange<UInt16>]

    /// Takes the ports that are accepted or rejected.
    package init(isAccept: Bool, ports: [ClosedRange<UInt16>]) {
        self.isAccept = isAccept
        self.ports = ports
    }

    /// No port at all.
    package static let rejectAll = PortPolicy(isAccept: false, ports: [1...65_535])
    /// Every port.
    package static let acceptAll = PortPolicy(isAccept: true, ports: [1...65_535])

    /// Reads a summary; entries that do not begin with a digit are passed over, since later versions may mean something
    /// by them. Nil if no range is left, or one is broken.
    package init?(_ text: some StringProtocol) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2, words[0] == "accept" || words[0] == "reject" else { return nil }
        var ports: [ClosedRange<UInt16>] = []
        for entry in words[1].split(separator: ",", omittingEmptySubsequences: false) {
            guard let first = entry.utf8.first else { continue }
            guard (0x30...0x39).contains(first) else { continue }
            let bounds = entry.split(separator: "-", omittingEmptySubsequences: false)
            guard bounds.count <= 2, let low: UInt16 = DirectoryEncoding.decimal(bounds[0], in: 1...65_535),
                let high: UInt16 = DirectoryEncoding.decimal(bounds[bounds.count - 1], in: low...65_535)
            else { return nil }
            ports.append(low...high)
        }
        guard !ports.isEmpty, ports.count <= DirectoryLimits.policySummaryLength else { return nil }
        isAccept = words[0] == "accept"
        self.ports = ports
    }

    /// True if a port is let through to most addresses.
    package func allows(_ port: UInt16) -> Bool {
        ports.contains { $0.contains(port) } == isAccept
    }

    /// True if it says in so many words that no port is let through.
    package var rejectsEverything: Bool {
        self == .rejectAll
    }

    /// The summary as it stands in documents.
    package var description: String {
        (isAccept ? "accept " : "reject ") + ports.map { Self.text($0) }.joined(separator: ",")
    }

    /// "80" or "80-90".
    static func text(_ range: ClosedRange<UInt16>) -> String {
        range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
    }
}
