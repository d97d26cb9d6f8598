package import Cells
package import Directory

/// What a node knows of the network at one moment. Immutable: whoever holds one reads it at leisure.
package struct DirectorySnapshot: Sendable {
    /// The current consensus of each flavor.
    package internal(set) var consensuses: [ConsensusFlavor: StoredConsensus] = [:]
    /// Key certificates by authority, the newest first.
    package internal(set) var certificates: [RSAIdentity: [KeyCertificate]] = [:]
    /// Microdescriptors.
    package internal(set) var microdescriptors: [MicrodescriptorDigest: Microdescriptor] = [:]
    /// Router descriptors.
    package internal(set) var descriptors: [DescriptorDigest: RouterDescriptor] = [:]
    /// Which router descriptor is a relay's newest.
    package internal(set) var newestDescriptors: [RSAIdentity: DescriptorDigest] = [:]
    /// Extra-info documents.
    package internal(set) var extraInfo: [DescriptorDigest: ExtraInfoDocument] = [:]
    /// Our own descriptor, if we are a relay.
    package internal(set) var ownDescriptor: RouterDescriptor?
    /// Our own extra-info document, if we are a relay.
    package internal(set) var ownExtraInfo: ExtraInfoDocument?
    /// Our own key certificate, if we are an authority.
    package internal(set) var ownCertificate: KeyCertificate?
    /// Counts changes.
    package internal(set) var version = 0

    /// The current consensus of a flavor.
    package func consensus(_ flavor: ConsensusFlavor) -> Consensus? {
        consensuses[flavor]?.consensus
    }

    /// The current consensus of a flavor if it does for building circuits.
    package func liveConsensus(_ flavor: ConsensusFlavor, at now: WallTime) -> Consensus? {
        consensus(flavor).flatMap { $0.isReasonablyLive(at: now) ? $0 : nil }
    }

    /// The certificate of an authority's signing key.
    package func certificate(_ identity: RSAIdentity, signingKey: RSAIdentity) -> KeyCertificate? {
        certificates[identity]?.first { $0.signingKeyDigest == signingKey }
    }

    /// A relay's newest descriptor; our own, for ourselves.
    package func descriptor(of identity: RSAIdentity) -> RouterDescriptor? {
        if let ownDescriptor, ownDescriptor.identity == identity { return ownDescriptor }
        return newestDescriptors[identity].flatMap { descriptors[$0] }
    }

    /// A descriptor by its digest; our own as well.
    package func descriptor(_ digest: DescriptorDigest) -> RouterDescriptor? {
        if let ownDescriptor, ownDescriptor.digest == digest { return ownDescriptor }
        return descriptors[digest]
    }

    /// An extra-info document by its digest; our own as well.
    package func extraInfo(_ digest: DescriptorDigest) -> ExtraInfoDocument? {
        if let ownExtraInfo, ownExtraInfo.digest == digest { return ownExtraInfo }
        return extraInfo[digest]
    }

    /// The microdescriptor that a consensus names for a relay.
    package func microdescriptor(of router: RouterStatus) -> Microdescriptor? {
        router.microdescriptorDigest.flatMap { microdescriptors[$0] }
    }
}

/// What has changed in a directory.
package enum DirectoryChange: Hashable, Sendable {
    /// There is a new consensus.
    case consensus(ConsensusFlavor)
    /// There are new key certificates.
    case certificates
    /// There are new microdescriptors.
    case microdescriptors
    /// There are new router descriptors.
    case descriptors
}
