/// What sets of plugins the logs recommend, and which is in force: who asks by set and slot asks like everybody else.
package struct RecommendedSets: Sendable {
    /// The set that the consensus chooses (`fanion-plugin-epoch`); 0 is none.
    package let epoch: UInt32
    private let sets: [UInt32: RecommendedSet]

    /// The sets of all logs that have not forked; of one number that of the log which the torrc names first.
    init(epoch: UInt32, mirrors: [LogMirror]) {
        self.epoch = epoch
        var sets: [UInt32: RecommendedSet] = [:]
        for mirror in mirrors where mirror.fork == nil { sets.merge(mirror.sets) { first, _ in first } }
        self.sets = sets
    }

    /// Which plugin that is; nil if there is no such set or slot. Answers for every set that was ever published, since the other end
    /// may have another consensus.
    package func identity(set number: UInt32, slot: UInt8) -> [UInt8]? { sets[number]?.slots[slot] }

    /// The slot of a plugin in the set in force; nil if it is not recommended.
    package func slot(of identity: [UInt8]) -> UInt8? { sets[epoch]?.slot(of: identity) }

    /// The numbers of all sets.
    package var numbers: [UInt32] { sets.keys.sorted() }
}
