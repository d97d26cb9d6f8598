package import OnionCrypto

/// What an operator or user has said of others' plugins: `PluginPolicy` and the names that it uses.
package struct TrustPolicy: Hashable, Sendable {
    /// The policy itself.
    package enum Decision: Hashable, Sendable {
        /// Nothing that somebody brings.
        case refuse
        /// What is installed here; at a client also what is recommended.
        case installed
        /// That, and what satisfies the rule; at a client what is recommended and satisfies it.
        case rule(TrustRule)
    }

    /// A log that is followed.
    package struct Log: Hashable, Sendable {
        /// What the torrc calls it.
        package let name: String
        /// Its key; the key's name is the log's origin.
        package let key: VerifierKey

        /// A log.
        package init(name: String, key: VerifierKey) {
            self.name = name
            self.key = key
        }
    }

    /// The policy itself.
    package var decision: Decision
    /// Authors and reviewers, by what the torrc calls them.
    package var keys: [String: Ed25519.PublicKey]
    /// Logs, in the order of the torrc.
    package var logs: [Log]
    /// Witnesses, and how fresh things must be.
    package var freshness: FreshnessRule

    /// A policy.
    package init(
        _ decision: Decision = .installed, keys: [String: Ed25519.PublicKey] = [:], logs: [Log] = [],
        freshness: FreshnessRule = FreshnessRule()
    ) {
        self.decision = decision
        self.keys = keys
        self.logs = logs
        self.freshness = freshness
    }
}
