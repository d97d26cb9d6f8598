/// Why no relay could be chosen.
package struct PathFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// For which position.
    package var position: PathPosition
    /// What left nothing.
    package var constraint: PathConstraint
    /// How many relays there were before.
    package var candidateCount: Int

    /// What left nothing, of so many.
    package init(position: PathPosition, constraint: PathConstraint, candidateCount: Int) {
        self.position = position
        self.constraint = constraint
        self.candidateCount = candidateCount
    }

    /// For whom it is not obvious; names no relay.
    package var description: String {
        "no \(position.rawValue) relay: of \(candidateCount) none \(constraint.rawValue)"
    }
}

/// What a relay must be for a position. The text completes "none …".
package enum PathConstraint: String, Hashable, Sendable {
    /// Running and Valid.
    case usable = "is running and valid"
    /// Its microdescriptor is here.
    case descriptor = "has a microdescriptor here"
    /// It speaks what circuits need.
    case protocols = "can extend circuits"
    /// It is not ourselves or of our family.
    case foreign = "is run by others than we"
    /// Its exit policy and the network's opinion.
    case exitPolicy = "lets the streams out"
    /// An earlier answer showed that it does not.
    case refusal = "has not refused such streams before"
    /// `ExcludeNodes` or `ExcludeExitNodes`.
    case exclusion = "is left over by the excluded nodes"
    /// `EntryNodes`, `MiddleNodes` or `ExitNodes`.
    case restriction = "is among the nodes asked for"
    /// Family and subnets of the path so far.
    case relation = "is unrelated to the rest of the path"
    /// Stable, Fast, Guard.
    case flags = "has the flags needed"
    /// A plugin at `choose_path` vetoes all others.
    case plugin = "is left over by plugins"
    /// The sample of guards has none that may be tried now.
    case guards = "is a guard that may be tried"
}
