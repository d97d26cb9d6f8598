/// Relays as an option names them, such as `ExcludeNodes`: a question that each relay answers.
///
/// `Configuration` has the option's own form; whoever has both makes one of these from it.
package struct RelaySet: Sendable {
    /// Whether the option names nothing at all.
    package let isEmpty: Bool
    private let matches: @Sendable (RelayFacts) -> Bool

    /// Relays for which `matches` is true.
    package init(isEmpty: Bool = false, matching matches: @escaping @Sendable (RelayFacts) -> Bool) {
        self.isEmpty = isEmpty
        self.matches = matches
    }

    /// No relay.
    package static let none = RelaySet(isEmpty: true) { _ in false }

    /// Whether a relay is meant.
    package func contains(_ relay: RelayFacts) -> Bool { !isEmpty && matches(relay) }
}
