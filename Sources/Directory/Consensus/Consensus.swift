package import Cells
internal import OnionCrypto

/// A consensus of either flavor, as it was read (dir-spec §3.4.1, §3.9).
///
/// That it can be read says nothing of who signed it: see `signatureStatus`. The text is kept, since it is served as it
/// came and diffs are made of it.
@dynamicMemberLookup
package struct Consensus: Sendable {
    /// The whole document.
    package let text: [UInt8]
    /// Whether it names router descriptors or microdescriptors.
    package let flavor: ConsensusFlavor
    /// The method by which the authorities computed it.
    package let method: Int
    /// Times, parameters, recommendations: what a consensus shares with votes.
    package let header: NetworkStatusHeader
    /// The authorities whose votes are in it.
    package let sources: [AuthoritySource]
    /// The relays, in the order of their identities.
    package let routers: [RouterStatus]
    /// The weights for choosing relays, if the authorities found any.
    package let bandwidthWeights: BandwidthWeights?
    /// The signatures, not checked; at most one for each source and algorithm.
    package internal(set) var signatures: [DocumentSignature]
    /// How much of the text is signed: all up to the space behind the first "directory-signature".
    package let signedLength: Int
    /// SHA-1 of the signed part.
    package let signedSHA1: [UInt8]
    /// SHA-256 of the signed part.
    package let signedSHA256: [UInt8]

    /// Reads a document, all of it.
    package init(parsing text: [UInt8]) throws(NetworkStatusError) {
        let reader = try ConsensusReader(text)
        self.text = text
        flavor = reader.flavor
        method = reader.method
        header = reader.header
        sources = reader.sources
        routers = reader.routers
        bandwidthWeights = reader.bandwidthWeights
        signatures = reader.signatures
        signedLength = reader.signedLength
        signedSHA1 = SHA1.hash(Self.span(text, signedLength))
        signedSHA256 = SHA256.hash(Self.span(text, signedLength))
    }

    @_lifetime(borrow text)
    private static func span(_ text: borrowing [UInt8], _ length: Int) -> RawSpan {
        text.span.extracting(first: length).bytes
    }

    /// What the header says: `consensus.validAfter` and its kin.
    package subscript<Value>(dynamicMember path: KeyPath<NetworkStatusHeader, Value>) -> Value {
        header[keyPath: path]
    }

    /// The network's parameters; none set if there is no such line.
    package var parameters: ConsensusParameters {
        header.parameters ?? ConsensusParameters()
    }

    /// SHA3-256 of the signed part: how consensus diffs name a consensus.
    package var signedSHA3: [UInt8] {
        SHA3_256.hash(Self.span(text, signedLength))
    }

    /// The digest that a signature is over.
    package func signedDigest(_ algorithm: DocumentSignature.Algorithm) -> [UInt8] {
        switch algorithm {
        case .sha1: signedSHA1
        case .sha256: signedSHA256
        }
    }

    /// What is said of one relay.
    package func router(_ identity: RSAIdentity) -> RouterStatus? {
        var low = 0
        var high = routers.count
        while low < high {
            let middle = low + (high - low) / 2
            if routers[middle].identity < identity {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < routers.count && routers[low].identity == identity ? routers[low] : nil
    }

    /// Whether it counts now.
    package func isValid(at now: WallTime) -> Bool {
        header.validAfter <= now && now <= header.validUntil
    }

    /// Whether no newer one is to be expected now.
    package func isFresh(at now: WallTime) -> Bool {
        header.validAfter <= now && now <= header.freshUntil
    }
}
