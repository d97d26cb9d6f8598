internal import Cells

/// Which relay a nickname belongs to, by the flags Named and Unnamed of old (dir-spec §3.8).
///
/// No authority votes these any more; a consensus must come out the same if one does.
struct NameElection {
    private enum Owner {
        case relay(RSAIdentity)
        /// The authorities disagree.
        case conflict
        /// Somebody says of it that it is nobody's.
        case nobody
    }

    private var owners: [String: Owner] = [:]

    init(_ votes: [VoteContent]) {
        for (vote, bit) in Self.votes(votes, knowing: "Named") {
            for entry in vote.entries where entry.flags & bit != 0 {
                let name = entry.nickname.lowercased()
                switch owners[name] {
                case nil: owners[name] = .relay(entry.identity)
                case .relay(let identity) where identity != entry.identity: owners[name] = .conflict
                default: break
                }
            }
        }
        for (vote, bit) in Self.votes(votes, knowing: "Unnamed") {
            for entry in vote.entries where entry.flags & bit != 0 {
                let name = entry.nickname.lowercased()
                switch owners[name] {
                case nil: owners[name] = .nobody
                case .relay(let identity) where identity == entry.identity: owners[name] = .conflict
                default: break
                }
            }
        }
    }

    private static func votes(_ votes: [VoteContent], knowing flag: ByteText) -> [(VoteContent, UInt64)] {
        votes.compactMap { vote in
            vote.header.knownFlags.firstIndex(of: flag).map { (vote, 1 << UInt64($0)) }
        }
    }

    /// Whether the name is that relay's (true), another's or nobody's (false), or was never spoken of (nil).
    func isNamed(_ nickname: String, _ identity: RSAIdentity) -> Bool? {
        guard let owner = owners[nickname.lowercased()] else { return nil }
        if case .relay(identity) = owner { return true }
        return false
    }
}
