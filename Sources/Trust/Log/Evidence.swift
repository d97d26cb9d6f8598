internal import OnionCrypto

/// What travels with a plugin so that a stranger can trust it: signatures, and for each log where it stands there and a checkpoint.
///
/// Binary, numbers big-endian, nothing before, between or behind:
///
///     version (1) = 1
///     signatures (1)   then for each: public key (32), signature (64)
///     logs (1)         then for each: length of origin (1), origin, index (8), hashes (1), hash (32) each,
///                      length of checkpoint (2), checkpoint
///
/// No bytes at all are evidence of nothing, which is enough where nothing is asked for.
package struct Evidence: Hashable, Sendable {
    /// A plugin's place in one log.
    package struct Logged: Hashable, Sendable {
        /// Which log.
        package let origin: String
        /// The entry's number.
        package let index: UInt64
        /// RFC 6962's audit path.
        package let proof: [MerkleHash]
        /// The signed tree head that the proof leads to, as its bytes came.
        package let checkpoint: [UInt8]

        /// A place.
        package init(origin: String, index: UInt64, proof: [MerkleHash], checkpoint: [UInt8]) {
            self.origin = origin
            self.index = index
            self.proof = proof
            self.checkpoint = checkpoint
        }
    }

    /// Of authors and reviewers, no key twice.
    package var signatures: [PluginSignature]
    /// No log twice.
    package var logs: [Logged]

    /// Evidence.
    package init(signatures: [PluginSignature] = [], logs: [Logged] = []) {
        self.signatures = signatures
        self.logs = logs
    }

    /// Reads evidence to its last byte.
    package init(bytes: [UInt8]) throws(TrustError) {
        signatures = []
        logs = []
        if bytes.isEmpty { return }
        guard bytes.count <= TrustLimits.evidenceBytes else {
            throw .evidence("has more than \(TrustLimits.evidenceBytes) bytes")
        }
        var reader = Reader(rest: bytes[...])
        guard try reader.number(1) == 1 else { throw .evidence("is of a version that is not known") }
        let count = try reader.number(1)
        guard count <= TrustLimits.evidenceSignatures else { throw .evidence("has too many signatures") }
        for _ in 0..<count {
            guard let key = Ed25519.PublicKey(try reader.bytes(32)),
                let signature = PluginSignature(key: key, bytes: try reader.bytes(64)),
                !signatures.contains(where: { $0.key == key })
            else { throw .evidence("has two signatures by one key") }
            signatures.append(signature)
        }
        let logCount = try reader.number(1)
        guard logCount <= TrustLimits.evidenceLogs else { throw .evidence("names too many logs") }
        for _ in 0..<logCount {
            let name = try reader.bytes(Int(reader.number(1)))
            guard let origin = String(validating: name, as: UTF8.self), VerifierKey.isName(origin),
                !logs.contains(where: { $0.origin == origin })
            else {
                throw .evidence("names a log twice, or not properly")
            }
            let index = try reader.number(8)
            let hashes = try reader.number(1)
            guard hashes <= TrustLimits.proofHashes else { throw .evidence("has a proof that is too long") }
            var proof: [MerkleHash] = []
            for _ in 0..<hashes {
                if let hash = MerkleHash(try reader.bytes(32)) { proof.append(hash) }
            }
            let checkpoint = try reader.bytes(Int(reader.number(2)))
            logs.append(Logged(origin: origin, index: index, proof: proof, checkpoint: checkpoint))
        }
        guard reader.rest.isEmpty else { throw .evidence("goes on behind its end") }
    }

    /// As it travels; nil if it is more than anybody takes.
    package var bytes: [UInt8]? {
        guard signatures.count <= TrustLimits.evidenceSignatures, logs.count <= TrustLimits.evidenceLogs else {
            return nil
        }
        if signatures.isEmpty, logs.isEmpty { return [] }
        var bytes: [UInt8] = [1, UInt8(signatures.count)]
        for signature in signatures { bytes += signature.key.bytes + signature.signature }
        bytes.append(UInt8(logs.count))
        for log in logs {
            guard log.origin.utf8.count <= 0xFF, log.proof.count <= TrustLimits.proofHashes,
                log.checkpoint.count <= 0xFFFF
            else { return nil }
            bytes.append(UInt8(log.origin.utf8.count))
            bytes += log.origin.utf8
            bytes += SignedNote.bytes(of: log.index)
            bytes.append(UInt8(log.proof.count))
            for hash in log.proof { bytes += hash.bytes }
            bytes += [UInt8(log.checkpoint.count >> 8), UInt8(log.checkpoint.count & 0xFF)]
            bytes += log.checkpoint
        }
        return bytes.count <= TrustLimits.evidenceBytes ? bytes : nil
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func bytes(_ count: Int) throws(TrustError) -> [UInt8] {
            guard rest.count >= count else { throw .evidence("ends too early") }
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }

        mutating func number(_ count: Int) throws(TrustError) -> UInt64 {
            try bytes(count).reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}
