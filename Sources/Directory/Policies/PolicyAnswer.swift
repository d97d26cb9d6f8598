/// What an exit policy says about a target, of which it may be known only a part.
package enum PolicyAnswer: Hashable, Sendable {
    /// It is let through.
    case accepted
    /// It is not.
    case rejected
    /// It is let through unless it is one of those that an earlier rule rejects.
    case probablyAccepted
    /// It is not let through unless it is one of those that an earlier rule accepts.
    case probablyRejected

    /// True if it is worth a try.
    package var isHopeful: Bool {
        self == .accepted || self == .probablyAccepted
    }
}
