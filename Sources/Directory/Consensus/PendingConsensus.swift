package import OnionCrypto

/// A consensus that authorities have computed and are signing (dir-spec §3.9): the text, and who signed so far.
package struct PendingConsensus: Sendable {
    /// The consensus with the signatures that are known.
    package private(set) var consensus: Consensus

    /// Signs what was computed.
    package init(
        signing unsigned: [UInt8], flavor: ConsensusFlavor, certificate: KeyCertificate, with key: RSAKeyPair
    ) throws(VoteSigningError) {
        let signed = unsigned + Array("directory-signature ".utf8)
        let algorithm: DocumentSignature.Algorithm = flavor == .ns ? .sha1 : .sha256
        let bytes: [UInt8]
        do {
            bytes = try key.sign(digest: algorithm == .sha1 ? SHA1.hash(signed) : SHA256.hash(signed))
        } catch { throw .crypto(error) }
        let signature = DocumentSignature(
            algorithm: algorithm, identity: certificate.identity, signingKey: key.publicKey.identity, signature: bytes)
        var text = unsigned
        signature.encode("directory-signature", showsAlgorithm: flavor != .ns, into: &text)
        do { consensus = try Consensus(parsing: text) } catch { throw .unreadable(error) }
    }

    /// Why detached signatures do not fit.
    package enum Mismatch: String, Error, Hashable, Sendable {
        case validAfter = "Valid-After times do not match when adding detached signatures to consensus"
        case freshUntil = "Fresh-until times do not match when adding detached signatures to consensus"
        case validUntil = "Valid-until times do not match when adding detached signatures to consensus"
        case noSignatures = "No signatures for given consensus flavor"
        case noDigests = "No digests for given consensus flavor"
        case digest = "Mismatched digest."
    }

    /// Takes in signatures by authorities whose votes are in the consensus.
    ///
    /// A signature that is wrong is dropped; one that cannot be checked is kept until there is one that can.
    /// - Returns: how many signatures are new.
    package mutating func add(
        _ detached: DetachedSignatures, certificates: [KeyCertificate]
    ) throws(Mismatch) -> Int {
        guard detached.validAfter == consensus.header.validAfter else { throw .validAfter }
        guard detached.freshUntil == consensus.header.freshUntil else { throw .freshUntil }
        guard detached.validUntil == consensus.header.validUntil else { throw .validUntil }
        let others = detached.signatures(consensus.flavor)
        guard !others.isEmpty else { throw .noSignatures }
        let digests = detached.digests(consensus.flavor)
        guard !digests.isEmpty else { throw .noDigests }
        guard digests.allSatisfy({ consensus.signedDigest($0.algorithm) == $0.digest }) else { throw .digest }
        var signatures = consensus.signatures
        var count = 0
        for signature in others where consensus.sources.contains(where: { $0.identity == signature.identity }) {
            let verdict = consensus.check(signature, certificates)
            guard verdict != false else { continue }
            if let place = signatures.firstIndex(where: {
                $0.identity == signature.identity && $0.algorithm == signature.algorithm
            }) {
                // Only a signature that is right takes the place of one that is not known to be.
                guard verdict == true, consensus.check(signatures[place], certificates) != true else { continue }
                signatures[place] = signature
            } else {
                signatures.append(signature)
            }
            count += 1
        }
        if count > 0, let merged = try? Consensus(parsing: consensus.text(with: signatures)) { consensus = merged }
        return count
    }
}
