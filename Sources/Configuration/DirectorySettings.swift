/// Where consensus and descriptors come from, and when they are fetched.
package struct DirectorySettings: Sendable {
    /// `DirAuthority`.
    package let authorities: [DirectoryAuthority]
    /// `DirAllowPrivateAddresses`: descriptors may carry private addresses.
    package let allowsPrivateAddresses: Bool
    /// `FetchDirInfoEarly`.
    package let fetchesEarly: Bool
    /// `FetchDirInfoExtraEarly`.
    package let fetchesExtraEarly: Bool
    /// `FetchServerDescriptors`.
    package let fetchesDescriptors: Bool
    /// `FetchUselessDescriptors`.
    package let fetchesUselessDescriptors: Bool
    /// `MaxConsensusAgeForDiffs`; `nil` when the consensus decides.
    package let maxConsensusAgeForDiffs: Duration?
    /// `ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay`: before the first consensus is asked for.
    package let bootstrapDelay: Duration
    /// `ClientBootstrapConsensusMaxInProgressTries`.
    package let maxBootstrapTries: Int
    /// `TestingClientDownloadInitialDelay`.
    package let clientDelay: Duration
    /// `TestingClientConsensusDownloadInitialDelay`.
    package let clientConsensusDelay: Duration
    /// `TestingServerDownloadInitialDelay`.
    package let relayDelay: Duration
    /// `TestingServerConsensusDownloadInitialDelay`.
    package let relayConsensusDelay: Duration
    /// `TestingClientMaxIntervalWithoutRequest`: how long descriptors wait to be asked for together.
    package let maxIntervalWithoutRequest: Duration
    /// `TestingDirConnectionMaxStall`: how long a fetch may stand still.
    package let maxStall: Duration

    init(_ values: inout OptionValues) throws(ConfigurationError) {
        var warnings: [ConfigurationWarning] = []
        var authorities: [DirectoryAuthority] = []
        for line in values.lines("DirAuthority") {
            authorities.append(try DirectoryAuthority.read(line, warnings: &warnings))
        }
        self.authorities = authorities
        for warning in warnings { values.warn(warning.reason, option: warning.option, at: warning.location) }
        if let first = authorities.first, authorities.allSatisfy({ $0.v3Identity == nil }) {
            values.warn(
                "no authority has v3ident=, so no consensus can be believed (the first is \(first.nickname ?? "unnamed"))",
                option: "DirAuthority")
        }
        allowsPrivateAddresses = values.flag("DirAllowPrivateAddresses")
        fetchesEarly = values.flag("FetchDirInfoEarly")
        fetchesExtraEarly = values.flag("FetchDirInfoExtraEarly")
        fetchesDescriptors = values.flag("FetchServerDescriptors")
        let age = values.integer("MaxConsensusAgeForDiffs")
        maxConsensusAgeForDiffs = age > 0 ? .seconds(age) : nil
        fetchesUselessDescriptors = values.flag("FetchUselessDescriptors")
        // The two delays of a network with fallback directories are understood and do not matter without them.
        _ = values.integer("ClientBootstrapConsensusAuthorityDownloadInitialDelay")
        _ = values.integer("ClientBootstrapConsensusFallbackDownloadInitialDelay")
        bootstrapDelay = values.seconds("ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay")
        maxBootstrapTries = values.integer("ClientBootstrapConsensusMaxInProgressTries")
        guard maxBootstrapTries > 0 else {
            throw values.error("ClientBootstrapConsensusMaxInProgressTries", "must be greater than 0")
        }
        clientDelay = values.seconds("TestingClientDownloadInitialDelay")
        clientConsensusDelay = values.seconds("TestingClientConsensusDownloadInitialDelay")
        relayDelay = values.seconds("TestingServerDownloadInitialDelay")
        relayConsensusDelay = values.seconds("TestingServerConsensusDownloadInitialDelay")
        maxIntervalWithoutRequest = values.seconds("TestingClientMaxIntervalWithoutRequest")
        guard maxIntervalWithoutRequest >= .seconds(1) else {
            throw values.error("TestingClientMaxIntervalWithoutRequest", "way too low")
        }
        maxStall = values.seconds("TestingDirConnectionMaxStall")
        guard maxStall >= .seconds(5) else { throw values.error("TestingDirConnectionMaxStall", "way too low") }
    }
}
