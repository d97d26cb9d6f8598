package import Cells

/// How far the signatures on a consensus go: C Tor's `networkstatus_check_consensus_signature`.
package struct SignatureStatus: Hashable, Sendable {
    /// The authorities of ours whose signature is good.
    package internal(set) var good: Set<RSAIdentity> = []
    /// The authorities of ours whose signature is wrong.
    package internal(set) var bad: Set<RSAIdentity> = []
    /// Signatures by authorities of ours that cannot be checked for lack of a certificate.
    package internal(set) var missingCertificates: [MissingCertificate] = []
    /// Voters that are none of ours.
    package internal(set) var unknown: Set<RSAIdentity> = []
    /// Voters of ours that did not sign.
    package internal(set) var unsigned: Set<RSAIdentity> = []
    /// How many authorities must have signed: more than half of those that are configured.
    package let required: Int
    /// How many authorities are configured.
    let authorityCount: Int

    /// A certificate to fetch.
    package struct MissingCertificate: Hashable, Sendable {
        /// The authority.
        package let identity: RSAIdentity
        /// SHA-1 of the key that signed.
        package let signingKey: RSAIdentity
    }

    init(authorityCount: Int) {
        self.authorityCount = authorityCount
        required = authorityCount / 2 + 1
    }

    /// True if enough of our authorities signed for the consensus to be used.
    package var isSufficient: Bool { good.count >= required }

    /// True if all of our authorities signed.
    package var isComplete: Bool { good.count == authorityCount }

    /// True if it could become sufficient once the missing certificates are there.
    package var isWorthCertificates: Bool {
        good.union(missingCertificates.map(\.identity)).count >= required
    }
}

extension Consensus {
    /// Checks the signatures: `authorities` are the v3 identities that the configuration names.
    ///
    /// A certificate that has ended is as good as none.
    package func signatureStatus(
        authorities: some Sequence<RSAIdentity>, certificates: some Sequence<KeyCertificate>, now: WallTime
    ) -> SignatureStatus {
        let authorities = Set(authorities)
        let valid = certificates.filter { !$0.isExpired(at: now) }
        var status = SignatureStatus(authorityCount: authorities.count)
        for source in sources {
            let own = signatures.filter { $0.identity == source.identity }
            guard authorities.contains(source.identity) else {
                // An entry of an old identity key is nobody's.
                if !source.nickname.hasSuffix("-legacy") { status.unknown.insert(source.identity) }
                continue
            }
            if own.isEmpty { status.unsigned.insert(source.identity) }
            for signature in own {
                switch check(signature, valid) {
                case true?: status.good.insert(source.identity)
                case false?: status.bad.insert(source.identity)
                case nil:
                    status.missingCertificates.append(
                        .init(identity: signature.identity, signingKey: signature.signingKey))
                }
            }
        }
        return status
    }

    /// Whether one signature is right; nil if there is no certificate to check it by.
    package func check(_ signature: DocumentSignature, _ certificates: some Sequence<KeyCertificate>) -> Bool? {
        guard let certificate = certificates.first(where: { $0.hasKey(of: signature) }) else { return nil }
        return certificate.signingKey.isValidSignature(
            signature.signature, startingWith: signedDigest(signature.algorithm))
    }

    /// The signed part and then these signatures, in the order of the sources.
    func text(with signatures: [DocumentSignature]) -> [UInt8] {
        // What is signed ends behind the first keyword; a signature brings its own.
        var output = Array(text[..<(signedLength - "directory-signature ".utf8.count)])
        for signature in inOrder(signatures) {
            signature.encode("directory-signature", showsAlgorithm: flavor != .ns, into: &output)
        }
        return output
    }

    /// Signatures in the order of the sources.
    func inOrder(_ signatures: [DocumentSignature]) -> [DocumentSignature] {
        sources.flatMap { source in signatures.filter { $0.identity == source.identity } }
    }
}

extension KeyCertificate {
    /// Whether this certificate is about the key that made a signature.
    func hasKey(of signature: DocumentSignature) -> Bool {
        identity == signature.identity && signingKeyDigest == signature.signingKey
    }
}

extension ByteText {
    /// True if this ends with `suffix`.
    func hasSuffix(_ suffix: String) -> Bool {
        bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }
}
