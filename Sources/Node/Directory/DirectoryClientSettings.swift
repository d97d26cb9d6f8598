package import Cells
package import Configuration

/// What a directory client does, by role.
package struct DirectoryClientSettings: Sendable {
    /// The authorities that are believed and asked.
    package var authorities: [DirectoryAuthority]
    /// Whose requests others will make of us: both flavors, router descriptors and, if so configured, extra-info.
    package var isCache: Bool
    /// Whether extra-info documents are fetched (`DownloadExtraInfo`).
    package var fetchesExtraInfo: Bool
    /// How soon after a consensus the next one is fetched.
    package var eagerness: ConsensusFetchTime.Eagerness
    /// Before the first consensus is asked for, and the least wait between two attempts while there is none.
    package var bootstrapDelay: Duration
    /// How many first consensuses may be under way at once.
    package var bootstrapTries: Int
    /// The least wait between two attempts at a consensus.
    package var consensusDelay: Duration
    /// The least wait between two attempts at another document.
    package var documentDelay: Duration
    /// How long a few missing documents wait for more.
    package var patience: Duration
    /// Whether router descriptors and microdescriptors are fetched at all (`FetchServerDescriptors`).
    package var fetchesDescriptors: Bool
    /// Who we are, if we are a relay: we do not ask ourselves.
    package var ownIdentity: RSAIdentity?
    /// `EntryNodes`, `PathsNeededToBuildCircuits` and their kin.
    package var client: ClientSettings

    /// By a torrc.
    package init(_ settings: Settings, ownIdentity: RSAIdentity? = nil) {
        let directory = settings.directory
        authorities = directory.authorities
        let isAuthority = settings.authority.isAuthority
        isCache = settings.relay.isRelay && (settings.relay.isDirectoryCache || isAuthority)
        fetchesExtraInfo = settings.relay.downloadsExtraInfo || isAuthority
        eagerness =
            directory.fetchesExtraEarly || isAuthority
            ? .extraEarly : isCache || directory.fetchesEarly ? .early : .client
        bootstrapDelay = isCache ? directory.relayConsensusDelay : directory.bootstrapDelay
        bootstrapTries = isCache ? 1 : directory.maxBootstrapTries
        consensusDelay = isCache ? directory.relayConsensusDelay : directory.clientConsensusDelay
        documentDelay = isCache ? directory.relayDelay : directory.clientDelay
        patience = directory.maxIntervalWithoutRequest
        fetchesDescriptors = directory.fetchesDescriptors
        self.ownIdentity = ownIdentity
        client = settings.client
    }

    /// The identities by which consensuses are signed.
    package var v3Identities: [RSAIdentity] { authorities.compactMap(\.v3Identity) }
}
