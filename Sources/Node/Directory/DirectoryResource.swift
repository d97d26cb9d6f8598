package import Cells
package import Directory

/// What a path of the directory protocol asks for (dir-spec §4, §6.2).
///
/// Paths in, values out; whether we have it is `DirectoryServer`'s business. Digests that cannot be read are passed over
/// as C Tor does, for a client asks for many at once.
package enum DirectoryResource: Hashable, Sendable {
    /// `/tor/`: a page for people who come with a browser.
    case frontPage
    /// The current consensus.
    case consensus(ConsensusSelection)
    /// Votes and signatures, by the path below `/tor/status-vote/`; only authorities have them.
    case statusVote(String)
    /// The bandwidth file of the next vote.
    case bandwidthFile
    /// Microdescriptors, in the order of their digests.
    case microdescriptors([MicrodescriptorDigest])
    /// Router descriptors.
    case descriptors(DescriptorSelection)
    /// Extra-info documents.
    case extraInfo(DescriptorSelection)
    /// Key certificates; nil when the path makes no sense, which is a bad request.
    case certificates(CertificateSelection?)
    /// An onion service's descriptor, by its blinded key.
    case onionServiceDescriptor(String)
    /// What search engines should leave alone.
    case robots

    /// Which consensus, and on what terms.
    package struct ConsensusSelection: Hashable, Sendable {
        /// The flavor.
        package var flavor: ConsensusFlavor
        /// Beginnings of authorities' identities in hexadecimal; more than half of them must have signed.
        package var signers: [String]
        /// The consensus from which a difference is demanded; nil if the whole will do.
        package var difference: Difference?

        /// A demand for a difference.
        package enum Difference: Hashable, Sendable {
            /// From this one, by SHA3-256 of its signed part.
            case from([UInt8])
            /// The digest cannot be read.
            case malformed
        }
    }

    /// Which descriptors.
    package enum DescriptorSelection: Hashable, Sendable {
        /// All that we have.
        case all
        /// Our own.
        case own
        /// By digest.
        case digests([DescriptorDigest])
        /// By identity.
        case identities([RSAIdentity])
        /// Something else, which there is not.
        case unknown
    }

    /// Which key certificates.
    package enum CertificateSelection: Hashable, Sendable {
        /// All that we have.
        case all
        /// Our own.
        case own
        /// The newest of these authorities.
        case identities([RSAIdentity])
        /// Those of these signing keys.
        case signingKeys([RSAIdentity])
        /// Those of these pairs of identity and signing key.
        case pairs([Pair])

        /// An authority's identity and its signing key's digest.
        package struct Pair: Hashable, Comparable, Sendable {
            /// The authority.
            package var identity: RSAIdentity
            /// SHA-1 of the signing key.
            package var signingKey: RSAIdentity

            /// A pair.
            package init(identity: RSAIdentity, signingKey: RSAIdentity) {
                self.identity = identity
                self.signingKey = signingKey
            }

            /// By bytes.
            package static func < (left: Pair, right: Pair) -> Bool {
                (left.identity, left.signingKey) < (right.identity, right.signingKey)
            }
        }
    }
}

extension DirectoryResource {
    /// The path of a request's target, below `/tor/` whatever it was, and without `.z`; whether there was one.
    package static func path(of target: String) -> (path: String, asksForDeflate: Bool) {
        var path = Substring(target)
        // Proxies get whole URLs.
        for scheme in ["http://", "https://"] where path.hasPrefix(scheme) {
            guard let slash = path.dropFirst(scheme.count).firstIndex(of: "/") else { break }
            path = path[slash...]
        }
        if !path.hasPrefix("/tor/") { path = "/tor\(path.hasPrefix("/") ? "" : "/")\(path)" }
        let isCompressed = path.utf8.count > 2 && path.hasSuffix(".z")
        return (String(isCompressed ? path.dropLast(2) : path), isCompressed)
    }

    /// What a path asks for; nil if there is nothing of that name.
    package init?(path: String) {
        func rest(_ prefix: String) -> Substring? {
            path.hasPrefix(prefix) ? path.dropFirst(prefix.count) : nil
        }
        if path == "/tor/" {
            self = .frontPage
        } else if path == "/tor/robots.txt" {
            self = .robots
        } else if path == "/tor/status-vote/next/bandwidth" {
            self = .bandwidthFile
        } else if let rest = rest("/tor/status-vote/current/consensus"), rest != "-signatures" {
            self = .consensus(Self.consensus(rest))
        } else if let rest = rest("/tor/status-vote/"), rest.hasPrefix("current/") || rest.hasPrefix("next/") {
            self = .statusVote(String(rest))
        } else if let rest = rest("/tor/micro/d/") {
            let digests = rest.split(separator: "-").compactMap { word in
                Base64.decode(word, padding: .forbidden).flatMap { MicrodescriptorDigest($0) }
            }
            self = .microdescriptors(Self.unique(digests))
        } else if let rest = rest("/tor/server/") {
            self = .descriptors(Self.descriptors(rest))
        } else if let rest = rest("/tor/extra/") {
            self = .extraInfo(Self.descriptors(rest))
        } else if let rest = rest("/tor/keys/") {
            self = .certificates(Self.certificates(rest))
        } else if let rest = rest("/tor/hs/3/") {
            self = .onionServiceDescriptor(String(rest))
        } else {
            return nil
        }
    }

    /// What stands behind `consensus`: `-FLAVOR`, then `/diff/HASH`, then `/SIGNERS`, each or not. An unknown flavor is
    /// taken as `ns`, as C Tor does.
    private static func consensus(_ text: Substring) -> ConsensusSelection {
        var flavor = ConsensusFlavor.ns
        var rest: Substring?
        if text.hasPrefix("-") {
            let parts = text.dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            flavor = ConsensusFlavor(rawValue: String(parts[0])) ?? .ns
            rest = parts.count > 1 ? parts[1] : nil
        } else if text.hasPrefix("/") {
            rest = text.dropFirst()
        }
        var difference: ConsensusSelection.Difference?
        if let inside = rest, inside.hasPrefix("diff/") {
            let parts = inside.dropFirst(5).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let digest = Base16.decode(parts[0])
            difference = digest.flatMap { $0.count == 32 ? .from($0) : nil } ?? .malformed
            rest = parts.count > 1 ? parts[1] : nil
        }
        let signers = (rest ?? "").split(separator: "+").map { $0.uppercased() }
        return ConsensusSelection(flavor: flavor, signers: signers, difference: difference)
    }

    private static func descriptors(_ text: Substring) -> DescriptorSelection {
        switch text {
        case "all": return .all
        case "authority": return .own
        default: break
        }
        if text.hasPrefix("d/") {
            return .digests(unique(hexadecimals(text.dropFirst(2)).compactMap { DescriptorDigest($0) }))
        }
        if text.hasPrefix("fp/") {
            return .identities(unique(hexadecimals(text.dropFirst(3)).compactMap { RSAIdentity($0) }))
        }
        return .unknown
    }

    private static func certificates(_ text: Substring) -> CertificateSelection? {
        switch text {
        case "all": return .all
        case "authority": return .own
        default: break
        }
        if text.hasPrefix("fp/") {
            return .identities(unique(hexadecimals(text.dropFirst(3)).compactMap { RSAIdentity($0) }))
        }
        if text.hasPrefix("sk/") {
            return .signingKeys(unique(hexadecimals(text.dropFirst(3)).compactMap { RSAIdentity($0) }))
        }
        guard text.hasPrefix("fp-sk/") else { return nil }
        let pairs = text.dropFirst(6).split(separator: "+").compactMap { word -> CertificateSelection.Pair? in
            let parts = word.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let identity = RSAIdentity(hex: parts[0]), let key = RSAIdentity(hex: parts[1])
            else { return nil }
            return CertificateSelection.Pair(identity: identity, signingKey: key)
        }
        return .pairs(unique(pairs))
    }

    private static func hexadecimals(_ text: Substring) -> [[UInt8]] {
        text.split(separator: "+").compactMap { Base16.decode($0) }
    }

    private static func unique<Key: Comparable & Hashable>(_ keys: [Key]) -> [Key] {
        Set(keys).sorted()
    }
}
