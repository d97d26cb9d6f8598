/// A version of the link protocol that we speak (tor-spec §4.1). Three and below are not.
package enum LinkProtocol: UInt16, Comparable, Sendable, CaseIterable {
    /// Circuit IDs of four bytes.
    case v4 = 4
    /// The same, and padding can be negotiated.
    case v5 = 5

    /// The older one first.
    package static func < (left: LinkProtocol, right: LinkProtocol) -> Bool {
        left.rawValue < right.rawValue
    }
}
