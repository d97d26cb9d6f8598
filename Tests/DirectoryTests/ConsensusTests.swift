import Cells
import Directory
import ProtocolTestKit
import Testing

struct ConsensusTests {
    @Test func `a microdescriptor consensus of C Tor is read`() throws {
        let consensus = try Consensus(parsing: NetworkStatusFixtures.bytes("consensus-microdesc"))
        #expect(consensus.flavor == .microdesc)
        #expect(consensus.method == 35)
        #expect(consensus.validAfter.description == "2026-11-24 22:50:40")
        #expect(consensus.freshUntil - consensus.validAfter == 20)
        #expect(consensus.validUntil - consensus.validAfter == 60)
        #expect(consensus.voteDelay == 4)
        #expect(consensus.clientVersions == "0.4.8.20,0.4.9.11")
        #expect(consensus.parameters["bwweightscale"] == 10002)
        #expect(consensus.parameters["a-b"] == 2)
        #expect(consensus.parameters["lonely"] == nil)
        #expect(consensus.sources.map(\.nickname) == ["auth2", "auth3", "auth1"])
        #expect(consensus.sources[0].contact == "auth2 <auth2@example.com> é")
        #expect(consensus.routers.count == 8)
        #expect(consensus.bandwidthWeights?["Wmm"] == 10002)
        #expect(consensus.signatures.count == 3)
        #expect(consensus.signatures.allSatisfy { $0.algorithm == .sha256 })
    }

    @Test func `each relay of a microdescriptor consensus is found by its identity`() throws {
        let consensus = try Consensus(parsing: NetworkStatusFixtures.bytes("consensus-microdesc"))
        for router in consensus.routers { #expect(consensus.router(router.identity) == router) }
        #expect(try consensus.router(#require(RSAIdentity([UInt8](repeating: 0, count: 20)))) == nil)
        #expect(try consensus.router(#require(RSAIdentity([UInt8](repeating: 255, count: 20)))) == nil)
        let relay = try #require(consensus.routers.first { $0.nickname == "relay4" })
        #expect(relay.identity.base64 == "a6NV1S76Dxe1bbTqr6VE5hEtGmw")
        #expect(relay.endpoint.description == "127.2.4.1:5000")
        #expect(relay.ipv6?.description == "[::1]:5000")
        #expect(relay.bandwidth == 4014)
        #expect(!relay.isUnmeasured)
        #expect(relay.flags == [.fast, .guard, .hsDir, .running, .stable, .v2Dir, .valid])
        #expect(relay.version == "Tor 0.4.9.11")
        #expect(relay.protocols.supports("Relay", 6))
        #expect(relay.published.description == "2038-01-01 00:00:00")
        #expect(
            relay.microdescriptorDigest.map { DirectoryEncoding.base64($0.bytes) }
                == "lek81JkxxsmXdrdJ+1UMugqFTCpVOqCCclxCcbEAmJY")
        let unmeasured = try #require(consensus.routers.first { $0.nickname == "relay3" })
        #expect(unmeasured.isUnmeasured && unmeasured.bandwidth == 20)
    }

    @Test func `an ns consensus of C Tor is read`() throws {
        let consensus = try Consensus(parsing: NetworkStatusFixtures.bytes("consensus-ns"))
        #expect(consensus.flavor == .ns)
        #expect(consensus.routers.count == 8)
        let relay = try #require(consensus.routers.first { $0.nickname == "relay3" })
        #expect(relay.descriptorDigest != nil && relay.microdescriptorDigest == nil)
        #expect(relay.exitSummary == "accept 80,443")
        #expect(relay.published.description.hasPrefix("2026-11-24"))
        #expect(consensus.signatures.allSatisfy { $0.algorithm == .sha1 })
    }

    @Test func `the digests are the ones that C Tor's detached signatures name`() throws {
        let ns = try Consensus(parsing: NetworkStatusFixtures.bytes("consensus-ns"))
        let microdesc = try Consensus(parsing: NetworkStatusFixtures.bytes("consensus-microdesc"))
        let text = String(decoding: try NetworkStatusFixtures.bytes("detached-signatures"), as: UTF8.self)
        #expect(text.contains("consensus-digest \(DirectoryEncoding.hex(ns.signedDigest(.sha1)))\n"))
        let digest = DirectoryEncoding.hex(microdesc.signedDigest(.sha256))
        #expect(text.contains("additional-digest microdesc sha256 \(digest)\n"))
    }

    @Test func `a consensus cut off anywhere before the end of a signature is refused`() throws {
        for name in ["consensus-ns", "consensus-microdesc"] {
            let whole = try NetworkStatusFixtures.bytes(name)
            let accepted = acceptedTruncations(of: whole) { prefix in
                _ = try Consensus(
                    parsing: prefix.byteOffsets.map { prefix.unsafeLoad(fromByteOffset: $0, as: UInt8.self) })
            }
            let ends = accepted.map {
                String(decoding: whole[..<$0], as: UTF8.self).hasSuffix("-----END SIGNATURE-----\n")
            }
            #expect(ends == [true, true])
        }
    }

    @Test(
        arguments: [
            ("vote-status consensus\n", "vote-status vote\n"),
            ("network-status-version 3 microdesc\n", "network-status-version 3 other\n"),
            ("network-status-version 3 microdesc\n", "network-status-version 4 microdesc\n"),
            ("consensus-method 35\n", "consensus-method x\n"),
            ("valid-after 2026-11-24 22:50:40\n", ""),
            ("valid-after 2026-11-24 22:50:40\n", "valid-after 2026-11-24 22:50:61\n"),
            ("fresh-until 2026-11-24 22:51:00\n", "fresh-until 2026-11-24 22:50:40\n"),
            ("voting-delay 4 4\n", "voting-delay 4\n"),
            ("voting-delay 4 4\n", "voting-delay 4 1\n"),
            ("voting-delay 4 4\n", "voting-delay 4 4\nvoting-delay 4 4\n"),
            ("known-flags Authority BadExit", "known-flags BadExit Authority"),
            ("a-b=2 ", "a-b=99999999999 "),
            ("cc_alg=2 ", "zz_alg=2 "),
            ("\ncontact auth2", "\ncontact x\ncontact auth2"),
            ("dir-source auth2 11AD", "dir-source auth2 11A"),
            ("\ns Authority Fast", "\nt Authority Fast"),
            ("\npr Conflux=1 ", "\npr Conflux=1=2 "),
            ("\nm lek81", "\nm lek8"),
            ("r relay4 a6NV1S76Dxe1bbTqr6VE5hEtGmw", "r relay4 //NV1S76Dxe1bbTqr6VE5hEtGmw"),
            ("127.2.4.1 5000 0\n", "127.2.4.1 50000000 0\n"),
            ("127.2.4.1 5000 0\n", "127.2.4.256 5000 0\n"),
            ("w Bandwidth=4014", "w Bandwidth=4294967296"),
            ("directory-signature sha256 11AD", "bandwidth-weights\ndirectory-signature sha256 11AD"),
            ("directory-signature sha256 11AD", "directory-signature\tsha256 11AD"),
            ("directory-signature sha256 11AD", "directory-signature sha256 22AD"),
            ("directory-signature sha256 292B", "more\ndirectory-signature sha256 292B"),
            ("-----END SIGNATURE-----\n", "-----END SIGNATUR-----\n"),
        ])
    func `a broken line refuses the document`(old: String, new: String) throws {
        let bytes = try NetworkStatusFixtures.bytes("consensus-microdesc")
        let broken = bytes.replacing(old, with: new)
        #expect(broken != bytes)
        #expect(throws: NetworkStatusError.self) { try Consensus(parsing: broken) }
    }

    @Test func `lines that are not known are passed over`() throws {
        let bytes = try NetworkStatusFixtures.bytes("consensus-microdesc")
            .replacing("params ", with: "new-thing 1 2 3\n-----BEGIN THING-----\nAAAA\n-----END THING-----\nparams ")
            .replacing("\nw Bandwidth=4014", with: "\nx y z\nw Bandwidth=4014 Speed=fast")
        let consensus = try Consensus(parsing: bytes)
        #expect(consensus.routers.count == 8)
        #expect(consensus.routers.contains { $0.bandwidth == 4014 })
    }
}
