internal import Cells

/// Puts together what the votes say of each relay (dir-spec §3.8, "the collation of identities").
///
/// A pair of RSA and Ed25519 identity that more than half of the authorities list is one relay, with the entries that name
/// another Ed25519 identity left out. An RSA identity for which there is no such pair is a relay if more than half list it
/// at all.
struct RouterCollation {
    /// One relay: for each vote its entry, if it has one that counts.
    struct Router {
        let identity: RSAIdentity
        /// By vote: the index of its entry.
        var entries: [Int?]
        /// How many of them list the Ed25519 identity that the authorities agree on.
        var ed25519Count: Int
    }

    /// The relays, in the order of their identities.
    let routers: [Router]

    private struct Pair: Hashable {
        let identity: RSAIdentity
        /// Nil stands for "none", which counts like a key.
        let key: Ed25519Identity?
    }

    init(_ votes: [[VoteEntry]], authorityCount: Int) {
        var byIdentity: [RSAIdentity: [Int?]] = [:]
        var byPair: [Pair: [Int?]] = [:]
        let none = [Int?](repeating: nil, count: votes.count)
        for (voter, entries) in votes.enumerated() {
            for (index, entry) in entries.enumerated() {
                byIdentity[entry.identity, default: none][voter] = index
                switch entry.ed25519 {
                case .absent: break
                case .none: byPair[Pair(identity: entry.identity, key: nil), default: none][voter] = index
                case .key(let key): byPair[Pair(identity: entry.identity, key: key), default: none][voter] = index
                }
            }
        }
        var found: [RSAIdentity: Router] = [:]
        for (pair, indices) in byPair {
            let count = indices.count { $0 != nil }
            guard count > authorityCount / 2 else { continue }
            var merged = indices
            for (voter, index) in (byIdentity[pair.identity] ?? none).enumerated() where merged[voter] == nil {
                // A vote that knows nothing of Ed25519 agrees with all.
                if let index, votes[voter][index].ed25519 == .absent { merged[voter] = index }
            }
            found[pair.identity] = Router(identity: pair.identity, entries: merged, ed25519Count: count)
        }
        for (identity, indices) in byIdentity where found[identity] == nil {
            guard indices.count(where: { $0 != nil }) > authorityCount / 2 else { continue }
            found[identity] = Router(identity: identity, entries: indices, ed25519Count: 0)
        }
        routers = found.values.sorted { $0.identity < $1.identity }
    }
}
