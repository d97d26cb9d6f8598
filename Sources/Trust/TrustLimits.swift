/// Sizes that we chose, with the reasons.
package enum TrustLimits {
    /// A signed note: a checkpoint with two dozen cosignatures, or a list of some hundred identities.
    package static let noteBytes = 32 << 10
    /// Signatures of one note; C2SP wants 16 at least.
    package static let noteSignatures = 64
    /// A key's name: a host and a path.
    package static let nameBytes = 255
    /// Evidence that travels with a plugin: signatures of a handful of authors and two logs' proofs.
    package static let evidenceBytes = 8 << 10
    /// Authors' signatures in it.
    package static let evidenceSignatures = 16
    /// Logs in it.
    package static let evidenceLogs = 4
    /// Hashes of a proof: a tree of 2^32 entries.
    package static let proofHashes = 64
    /// Entries of a log that we follow: eight megabytes of hashes. A log of plugins that is longer is no log of plugins.
    package static let logEntries: UInt64 = 1 << 18
    /// One bundle of 256 entries: most are 49 bytes, a list a few kilobytes.
    package static let bundleBytes = 4 << 20
    /// Slots of a recommended set.
    package static let setSlots = 256
    /// Nesting of a rule.
    package static let ruleDepth = 8
    /// Names in a rule.
    package static let ruleNames = 64
    /// By how many seconds a witness's clock may be ahead of ours.
    package static let clockSkew: Int64 = 3600
}
