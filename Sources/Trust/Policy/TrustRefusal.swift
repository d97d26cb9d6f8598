/// Why a plugin may not run here. The code travels to its bringer; the words are for the people at both ends.
package enum TrustRefusal: UInt8, Error, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// `PluginPolicy refuse`.
    case policyRefuses = 1
    /// `PluginPolicy installed`, and it is not.
    case notInstalled = 2
    /// The evidence cannot be read.
    case malformedEvidence = 3
    /// Nobody whom the policy names has signed.
    case unknownSigner = 4
    /// A signature by somebody known was not made by them.
    case badSignature = 5
    /// Some of what the rule asks for is there, not enough.
    case tooFewSigners = 6
    /// The proof does not lead from the plugin to the checkpoint.
    case notInLog = 7
    /// The checkpoint cannot be read, or the log did not sign it.
    case badCheckpoint = 8
    /// Too few witnesses have seen the checkpoint.
    case tooFewWitnesses = 9
    /// Witnesses have seen the checkpoint, but too long ago.
    case staleCheckpoint = 10
    /// The checkpoint is newer than ours, and nothing yet shows that it continues ours.
    case missingConsistency = 11
    /// The log has shown two histories.
    case forkedLog = 12
    /// The identity is on a list of revocations.
    case revoked = 13
    /// The newest list of revocations is too old, or none has come yet.
    case staleRevocations = 14
    /// There is no such set, or no such slot in it.
    case unknownSet = 15
    /// A client takes only what the set in force recommends.
    case notRecommended = 16

    /// What is wrong, in words.
    package var description: String {
        switch self {
        case .policyRefuses: "its policy refuses all plugins"
        case .notInstalled: "its policy is to run only what is installed there"
        case .malformedEvidence: "the evidence cannot be read"
        case .unknownSigner: "nobody whom its policy names has signed"
        case .badSignature: "a signature does not fit the plugin"
        case .tooFewSigners: "fewer signatures and logs than its policy asks for"
        case .notInLog: "the proof does not show that the log holds the plugin"
        case .badCheckpoint: "the log did not sign the checkpoint"
        case .tooFewWitnesses: "too few witnesses have seen the checkpoint"
        case .staleCheckpoint: "the checkpoint is too old: prove it again"
        case .missingConsistency: "the checkpoint is newer than what it has read of the log: try again later"
        case .forkedLog: "the log has shown two histories"
        case .revoked: "the plugin is revoked"
        case .staleRevocations: "its list of revocations is too old"
        case .unknownSet: "there is no such recommended set or slot"
        case .notRecommended: "the recommended set in force does not have the plugin"
        }
    }
}
