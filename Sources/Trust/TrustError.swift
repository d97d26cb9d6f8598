/// Why something about trust cannot be read or made, in words that say what to change.
package enum TrustError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A verifier key.
    case vkey(String)
    /// A secret key's line.
    case signingKey
    /// A signed note.
    case note(String)
    /// A checkpoint's text.
    case checkpoint(String)
    /// An entry of a log, or a bundle of them.
    case entry(String)
    /// The evidence that travels with a plugin.
    case evidence(String)
    /// The rule of a policy.
    case rule(String)

    /// The reason.
    package var description: String {
        switch self {
        case .vkey(let reason), .rule(let reason): reason
        case .signingKey:
            "this is no secret key: one line, PRIVATE+KEY+NAME+ID+KEY, as fanion plugin sign --new writes it"
        case .note(let reason): "the note \(reason)"
        case .checkpoint(let reason): "the checkpoint \(reason)"
        case .entry(let reason): "the log's entry \(reason)"
        case .evidence(let reason): "the evidence \(reason)"
        }
    }
}
