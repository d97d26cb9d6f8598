package import Cells
package import Directory

/// What an authority serves of the rounds of voting, as it is at one moment (dir-spec §3.4, §3.10, §4).
package struct AuthorityDocuments: Sendable {
    /// The votes of the round that is under way.
    package var votes: [Vote] = []
    /// The votes of the round before.
    package var previousVotes: [Vote] = []
    /// The consensus that is being signed, and the signatures on it and its kin.
    package var consensus: [UInt8]?
    /// The signatures without the consensus.
    package var signatures: [UInt8]?
    /// The bandwidth file of our last vote.
    package var bandwidthFile: [UInt8]?
    /// Who we are.
    package let own: RSAIdentity

    /// Nothing yet.
    package init(own: RSAIdentity) {
        self.own = own
    }

    /// The documents for a path below `/tor/status-vote/`; empty if there are none.
    package func statusVote(_ path: String) -> [[UInt8]] {
        guard let slash = path.firstIndex(of: "/") else { return [] }
        let isCurrent: Bool
        switch path[..<slash] {
        case "current": isCurrent = true
        case "next": isCurrent = false
        default: return []
        }
        var rest = path[path.index(after: slash)...]
        switch rest {
        case "consensus": return isCurrent ? [] : consensus.map { [$0] } ?? []
        case "consensus-signatures": return isCurrent ? [] : signatures.map { [$0] } ?? []
        case "bandwidth": return isCurrent ? [] : bandwidthFile.map { [$0] } ?? []
        case "authority": return documents(isCurrent ? previousVotes : votes) { $0.identity == own }
        default: break
        }
        if rest.hasPrefix("d/") {
            rest = rest.dropFirst(2)
            let digests = Set(Self.digests(rest).compactMap { DescriptorDigest($0) })
            return documents(votes + previousVotes) { digests.contains($0.digest) }
        }
        let identities = Set(Self.digests(rest).compactMap { RSAIdentity($0) })
        return documents(isCurrent ? previousVotes : votes) { identities.contains($0.identity) }
    }

    private func documents(_ votes: [Vote], _ isWanted: (Vote) -> Bool) -> [[UInt8]] {
        votes.filter(isWanted).map(\.text)
    }

    private static func digests(_ list: Substring) -> [[UInt8]] {
        list.split(separator: "+").compactMap { DirectoryEncoding.hex($0, byteCount: 20) }
    }
}
