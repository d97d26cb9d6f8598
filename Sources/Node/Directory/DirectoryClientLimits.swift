/// How a directory client spreads its requests. C Tor's numbers, unless a reason is given.
package enum DirectoryClientLimits {
    /// The longest wait between two attempts, in seconds. C Tor has none; a day without an attempt would outlast a
    /// consensus.
    package static let longestDelay: Int64 = 3 * 3600
    /// Documents in one request over a circuit.
    package static let documentsPerRequest = 500
    /// Requests are not made smaller than this.
    package static let leastDocumentsPerRequest = 32
    /// One odd cache must not decide alone what we get: many documents are split into at least so many requests.
    package static let leastRequests = 3
    /// Fewer documents than this wait for more, once there are enough to build circuits.
    package static let documentsToWaitFor = 16
    /// Microdescriptor requests under way at once.
    package static let concurrentRequests = 8
    /// How many bytes a document may have when it is decompressed.
    package static let documentLength = 10 << 20
    /// Votes may be five times as long.
    package static let voteLength = 50 << 20
    /// An open directory circuit that nobody uses is closed after this; C Tor leaves one-hop circuits as long.
    package static let circuitIdleTime: Int64 = 60
    /// A clock that differs more than this from a directory's is worth a warning, in seconds.
    package static let clockSkew: Int64 = 30 * 60
    /// A consensus that comes this much before it can have been signed means a slow clock, in seconds.
    package static let earlyConsensus: Int64 = 60
    /// How long past its end a consensus still does for building circuits, and may be served, in seconds.
    package static let reasonablyLive: Int64 = 24 * 3600
    /// A consensus that ended longer ago than this is not even loaded, in seconds.
    package static let oldestConsensus: Int64 = 5 * 24 * 3600
    /// A microdescriptor that no consensus named for so long is dropped, in seconds.
    package static let microdescriptorAge: Int64 = 7 * 24 * 3600
    /// A router descriptor that was published so long ago is dropped, in seconds.
    package static let descriptorAge: Int64 = 5 * 24 * 3600
    /// By fingerprint only descriptors are served that were published within this time, in seconds.
    package static let descriptorAgeToServe: Int64 = 24 * 3600
    /// How long a consensus waits for the certificates that it needs, in seconds.
    package static let waitForCertificates: Int64 = 20 * 60
    /// How long a directory is let alone that said it was busy, in seconds.
    package static let restWhenBusy: Int64 = 3600
    /// How long a directory is let alone that could not be asked, in seconds.
    package static let restAfterFailure: Int64 = 60
    /// How many bytes of former consensuses are kept for making differences: three days of the public network's, compressed.
    package static let pastConsensusesLength = 64 << 20
    /// How old they may be, in seconds: older ones than a client asks with are not worth keeping.
    package static let pastConsensusAge: Int64 = 72 * 3600
    /// How many bytes of an authority's identity stand in the consensus's URL.
    package static let signerPrefixLength = 3
}
