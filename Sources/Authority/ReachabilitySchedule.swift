package import Cells

/// Which relays are to be tested when: every ten seconds a 128th of them, so that each has its turn in 21 minutes.
package struct ReachabilitySchedule: Sendable {
    private var counter = 0

    /// Starts with the first part.
    package init() {}

    /// The relays whose turn it is. In a testing network those that are not `running` are tested each time: nobody waits
    /// 21 minutes there.
    package mutating func next(
        _ relays: some Sequence<RSAIdentity>, running: Set<RSAIdentity>, isTestingNetwork: Bool
    ) -> [RSAIdentity] {
        defer { counter = (counter + 1) % AuthoritySpec.testRounds }
        return relays.filter { identity in
            let part = Int(identity.bytes[0]) % AuthoritySpec.testRounds
            return part == counter || (isTestingNetwork && !running.contains(identity))
        }
    }
}
