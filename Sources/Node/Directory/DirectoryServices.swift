package import Cells

/// What a directory authority adds to what every directory serves: votes, signatures, and places for uploads.
///
/// Called on whichever loop a request came in; answers may come later and from another thread.
package protocol DirectoryAuthorityService: AnyObject, Sendable {
    /// Votes, signatures and consensuses under way, by the path below `/tor/status-vote/` (`next/authority`,
    /// `next/d/DIGEST`, `next/consensus-signatures`, `current/authority`, ...); empty if there is nothing of that name.
    func statusVoteDocuments(_ path: String) -> [[UInt8]]
    /// The bandwidth file of the next vote.
    func bandwidthFile() -> [UInt8]?
    /// An upload came: to `/tor/`, `/tor/post/vote` or `/tor/post/consensus-signature`. To be answered once.
    func receiveUpload(
        _ upload: DirectoryUpload, now: WallTime, reply: @escaping @Sendable (DirectoryUploadAnswer) -> Void)
}

/// A document that somebody sends to an authority.
package struct DirectoryUpload: Sendable {
    /// What it is.
    package enum Kind: String, Hashable, Sendable {
        /// Router descriptors and extra-info documents, one behind the other.
        case descriptors = "/tor/"
        /// An authority's vote.
        case vote = "/tor/post/vote"
        /// An authority's signatures on the consensus under way.
        case signatures = "/tor/post/consensus-signature"
    }

    /// What it is.
    package var kind: Kind
    /// The document.
    package var body: [UInt8]
    /// Who sent it, as far as is known.
    package var peer: DirectoryPeer
    /// Why a relay made a new descriptor, as it says.
    package var reason: String?

    /// An upload.
    package init(_ kind: Kind, body: [UInt8], peer: DirectoryPeer, reason: String? = nil) {
        self.kind = kind
        self.body = body
        self.peer = peer
        self.reason = reason
    }
}

/// What an authority says of an upload.
package enum DirectoryUploadAnswer: Hashable, Sendable {
    /// It is taken, with such words.
    case accepted(String)
    /// A descriptor that is not new, or not better than ours: `200 OK` and `X-Descriptor-Not-New: Yes`.
    case notNew
    /// It is refused with 400 or another status, and such words.
    case refused(Int, String)
}

/// What a relay that keeps onion services' descriptors adds (rend-spec §2.2).
package protocol OnionServiceDirectory: AnyObject, Sendable {
    /// The descriptor of a blinded key, as base 64 in the path has it.
    func descriptor(blindedKey: String, now: WallTime) -> [UInt8]?
    /// A descriptor came; whether it was taken.
    func publish(_ document: [UInt8], now: WallTime) -> Bool
}

/// Who asks a directory, and how.
package struct DirectoryPeer: Hashable, Sendable {
    /// Its address, if it is known: a client's on a one-hop circuit or of a TCP connection, or the relay before us.
    package var address: IPAddress?
    /// Whether the request came over a circuit.
    package var isEncrypted: Bool
    /// Whether the circuit came from another relay, so that the client is unknown.
    package var isAnonymous: Bool

    /// A peer.
    package init(address: IPAddress?, isEncrypted: Bool, isAnonymous: Bool) {
        self.address = address
        self.isEncrypted = isEncrypted
        self.isAnonymous = isAnonymous
    }
}
