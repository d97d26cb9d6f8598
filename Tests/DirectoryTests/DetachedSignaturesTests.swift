import Cells
import Directory
import Testing

struct DetachedSignaturesTests {
    private let now = WallTime(seconds: 1_795_560_640)

    private func certificates() throws -> [KeyCertificate] {
        let bytes = try NetworkStatusFixtures.bytes("key-certificates")
        return try DocumentSplitter.split(bytes, startingWith: ["dir-key-certificate-version"]).map {
            try KeyCertificate(Array(bytes[$0.range]))
        }
    }

    @Test(arguments: ["consensus-ns", "consensus-microdesc"])
    func `the signatures of C Tor's consensus are good`(name: String) throws {
        let consensus = try Consensus(parsing: NetworkStatusFixtures.bytes(name))
        let certificates = try certificates()
        let authorities = certificates.map(\.identity)
        let status = consensus.signatureStatus(authorities: authorities, certificates: certificates, now: now)
        #expect(status.good == Set(authorities))
        #expect(status.required == 2 && status.isComplete && status.isSufficient)
        let one = consensus.signatureStatus(authorities: authorities, certificates: [certificates[0]], now: now)
        #expect(one.good.count == 1 && !one.isSufficient && one.isWorthCertificates)
        #expect(one.missingCertificates.count == 2)
        let late = consensus.signatureStatus(
            authorities: authorities, certificates: certificates, now: now + 400 * 86_400)
        #expect(late.good.isEmpty)
        let strangers = consensus.signatureStatus(
            authorities: [authorities[0]], certificates: certificates, now: now)
        #expect(strangers.unknown.count == 2 && strangers.isSufficient)
        // Two of four are not more than half.
        let zero = try #require(RSAIdentity([UInt8](repeating: 0, count: 20)))
        let two = consensus.signatureStatus(
            authorities: [authorities[0], authorities[1], authorities[2], zero], certificates: certificates.dropLast(),
            now: now)
        #expect(two.required == 3 && !two.isSufficient)
    }

    @Test func `a consensus with one byte changed has no good signature`() throws {
        let bytes = try NetworkStatusFixtures.bytes("consensus-ns").replacing("cc_alg=2", with: "cc_alg=3")
        let certificates = try certificates()
        let status = try Consensus(parsing: bytes).signatureStatus(
            authorities: certificates.map(\.identity), certificates: certificates, now: now)
        #expect(status.good.isEmpty && status.bad.count == 3)
    }

    @Test func `detached signatures are written as C Tor writes them`() throws {
        let bytes = try NetworkStatusFixtures.bytes("detached-signatures")
        let ns = try Consensus(parsing: NetworkStatusFixtures.bytes("consensus-ns"))
        let microdesc = try Consensus(parsing: NetworkStatusFixtures.bytes("consensus-microdesc"))
        #expect(DetachedSignatures.encode([ns, microdesc]) == bytes)
        #expect(DetachedSignatures.encode([microdesc]) == nil)
        let detached = try DetachedSignatures(parsing: bytes)
        #expect(detached.signatures(.ns).count == 3 && detached.signatures(.microdesc).count == 3)
        #expect(detached.digests(.ns).map(\.digest) == [ns.signedSHA1])
        #expect(throws: NetworkStatusError.self) { try DetachedSignatures(parsing: Array(bytes.dropLast(10))) }
        #expect(throws: NetworkStatusError.self) {
            try DetachedSignatures(parsing: bytes.replacing("valid-until", with: "valid-untill"))
        }
    }

    @Test func `signatures of others complete our own consensus`() throws {
        let votes = try NetworkStatusFixtures.votes().map { try Vote(parsing: $0) }
        let detached = try DetachedSignatures(parsing: NetworkStatusFixtures.bytes("detached-signatures"))
        let certificates = try certificates()
        let keys = try AuthorityTestKeys(nickname: "own", now: now)
        // Our own authority takes the place of the first one, so the documents differ and nothing fits.
        var content = votes[0].content
        content.source.identity = keys.certificate.identity
        let own = try Vote(signing: content, certificate: keys.certificate, with: keys.signing)
        let computation = try #require(ConsensusComputation([own, votes[1], votes[2]], authorityCount: 3))
        var pending = try PendingConsensus(
            signing: computation.unsigned(.microdesc), flavor: .microdesc, certificate: keys.certificate,
            with: keys.signing)
        #expect(throws: PendingConsensus.Mismatch.digest) { try pending.add(detached, certificates: certificates) }
        let status = pending.consensus.signatureStatus(
            authorities: [keys.certificate.identity], certificates: [keys.certificate], now: now)
        #expect(status.isComplete)
    }

    @Test func `three authorities of ours reach the same document and sign it`() throws {
        let keys = try (0..<3).map { try AuthorityTestKeys(nickname: "auth\($0)", now: now) }
        let template = try Vote(parsing: NetworkStatusFixtures.bytes("vote-auth1")).content
        let votes = try keys.map { keys in
            var content = template
            content.source.identity = keys.certificate.identity
            return try Vote(signing: content, certificate: keys.certificate, with: keys.signing)
        }
        let certificates = keys.map(\.certificate)
        let computation = try #require(ConsensusComputation(votes, authorityCount: 3))
        let all = try keys.map { keys in
            try ConsensusFlavor.allCases.map {
                try PendingConsensus(
                    signing: computation.unsigned($0), flavor: $0, certificate: keys.certificate, with: keys.signing)
            }
        }
        for place in 0..<2 {
            var mine = all[0][place]
            for others in all[1...] {
                let bytes = try #require(DetachedSignatures.encode(others.map(\.consensus)))
                let detached = try DetachedSignatures(parsing: bytes)
                #expect(try mine.add(detached, certificates: certificates) == 1)
                #expect(try mine.add(detached, certificates: certificates) == 0)
            }
            let status = mine.consensus.signatureStatus(
                authorities: certificates.map(\.identity), certificates: certificates, now: now)
            #expect(status.isComplete)
            #expect(try Consensus(parsing: mine.consensus.text).signatures == mine.consensus.signatures)
        }
    }
}
