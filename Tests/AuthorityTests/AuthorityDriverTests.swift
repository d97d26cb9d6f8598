import Authority
import Cells
import Directory
import Foundation
import NIOCore
import NIOEmbedded
import Node
import OnionCrypto
import Testing

struct AuthorityDriverTests {
    /// Four relays, uploaded everywhere.
    private func upload(to network: AuthorityTestNetwork, authorities: Range<Int>) throws {
        for number in 1...4 {
            let relay = try RelayTestKeys(nickname: "relay\(number)", now: network.clock.now)
            let body = try relay.descriptor(published: network.clock.now, address: "127.3.\(number).1")
            for index in authorities {
                #expect(network.upload(body, to: index) == .accepted("(no message)"))
            }
        }
    }

    @Test func `three authorities reach the same consensus, round after round`() throws {
        let network = try AuthorityTestNetwork(count: 3)
        try network.start()
        try upload(to: network, authorities: 0..<3)
        network.pass(seconds: 45)
        for index in 0..<3 {
            let rounds = network.published.rounds(of: index)
            #expect(rounds.count == 2)
            let last = try #require(rounds.last)
            #expect(last.map(\.flavor) == ConsensusFlavor.allCases)
            for (place, consensus) in last.enumerated() {
                #expect(consensus.routers.count == 4)
                #expect(consensus.signatures.count == 3)
                let first = try #require(network.published.rounds(of: 0).last)
                #expect(consensus.signedSHA256 == first[place].signedSHA256)
            }
            let snapshot = network.stores[index].snapshot
            #expect(snapshot.consensus(.microdesc)?.validAfter == time("2026-11-24 12:00:40"))
            #expect(snapshot.consensus(.ns)?.parameters.text == "AuthDirMaxServersPerAddr=0 a=1 b=2")
            let consensus = try #require(snapshot.consensus(.microdesc))
            #expect(consensus.routers.allSatisfy { snapshot.microdescriptor(of: $0) != nil })
            #expect(network.drivers[index].statusVoteDocuments("current/authority").count == 1)
        }
    }

    @Test func `an authority may be alone`() throws {
        let network = try AuthorityTestNetwork(count: 1)
        try network.start()
        try upload(to: network, authorities: 0..<1)
        network.pass(seconds: 25)
        let round = try #require(network.published.rounds(of: 0).last)
        #expect(round.count == 2 && round[0].routers.count == 4 && round[0].signatures.count == 1)
        #expect(network.transport.log.isEmpty)
    }

    @Test func `two of three go on when one dies, and one of three does not`() throws {
        let network = try AuthorityTestNetwork(count: 3)
        try network.start()
        try upload(to: network, authorities: 0..<3)
        network.pass(seconds: 22)
        #expect(network.published.rounds(of: 0).count == 1)
        _ = network.drivers[2].stop()
        network.transport.kill(2)
        network.pass(seconds: 20)
        let rounds = network.published.rounds(of: 0)
        #expect(rounds.count == 2)
        #expect(rounds.last?.first?.signatures.count == 2 && rounds.last?.first?.sources.count == 2)
        _ = network.drivers[1].stop()
        network.transport.kill(1)
        network.pass(seconds: 40)
        #expect(network.published.rounds(of: 0).count == 2)
    }

    @Test func `votes and signatures that were lost on the way are fetched`() throws {
        let network = try AuthorityTestNetwork(count: 3)
        try network.start()
        try upload(to: network, authorities: 0..<3)
        network.transport.losePosts(true)
        network.pass(seconds: 22)
        for index in 0..<3 {
            let round = try #require(network.published.rounds(of: index).first)
            #expect(round.allSatisfy { $0.sources.count == 3 && $0.signatures.count == 3 })
        }
        #expect(network.transport.log.contains("GET /tor/status-vote/next/consensus-signatures"))
    }

    @Test func `a relay that only one of three knew is fetched by the others and listed in the next round`() throws {
        let network = try AuthorityTestNetwork(count: 3)
        try network.start()
        try upload(to: network, authorities: 0..<1)
        network.pass(seconds: 22)
        #expect(network.published.rounds(of: 0).first?.first?.routers.count == 0)
        network.pass(seconds: 20)
        #expect(network.published.rounds(of: 0).last?.first?.routers.count == 4)
        #expect(network.stores[2].snapshot.descriptors.count == 4)
    }

    @Test func `our own relay is voted for, and new keys are taken up`() throws {
        let relay = try RelayTestKeys(nickname: "own", now: time("2026-11-24 12:00:01"))
        let network = try AuthorityTestNetwork(count: 1, ownRelay: relay.keys.identity)
        network.stores[0].setOwn(
            try RouterDescriptor(relay.descriptor(published: network.clock.now)), extraInfo: nil)
        try network.start()
        network.pass(seconds: 22)
        #expect(network.published.rounds(of: 0).last?.first?.routers.map(\.nickname) == ["own"])
        let keys = try AuthorityTestKeys(now: network.clock.now, identity: network.keys[0].identity)
        let replaced = network.drivers[0].replaceKeys(signingKey: keys.signing, certificate: keys.certificate)
        network.loop.run()
        try replaced.wait()
        network.pass(seconds: 20)
        let signature = try #require(network.published.rounds(of: 0).last?.first?.signatures.first)
        #expect(signature.signingKey == keys.signing.publicKey.identity)
        let stranger = try AuthorityTestKeys(now: network.clock.now)
        let refused = network.drivers[0].replaceKeys(signingKey: stranger.signing, certificate: stranger.certificate)
        network.loop.run()
        #expect(throws: AuthorityError.wrongKey) { try refused.wait() }
    }

    @Test func `what the operator says of a relay counts`() throws {
        let network = try AuthorityTestNetwork(
            count: 1, extra: "TestingDirAuthVoteGuard *\nTestingDirAuthVoteHSDir *\nAuthDirListBadExits 1")
        let good = try RelayTestKeys(nickname: "good", now: network.clock.now)
        let bad = try RelayTestKeys(nickname: "bad", now: network.clock.now)
        let worse = try RelayTestKeys(nickname: "worse", now: network.clock.now)
        let list = """
            # what we think
            !badexit \(bad.keys.identity.spacedHex)
            !stripv2dir \(bad.keys.ed25519Identity.base64)
            !reject \(worse.keys.identity)
            nonsense
            """
        try list.write(toFile: network.folders[0] + "/approved-routers", atomically: true, encoding: .utf8)
        try network.start()
        let now = network.clock.now
        #expect(network.upload(try good.descriptor(published: now, address: "127.3.0.1"), to: 0) != nil)
        #expect(network.upload(try bad.descriptor(published: now, address: "127.3.0.2"), to: 0) != nil)
        guard
            case .refused(400, _)? = network.upload(
                try worse.descriptor(published: now, address: "127.3.0.3"), to: 0)
        else { throw CancellationError() }
        network.pass(seconds: 22)
        let consensus = try #require(network.published.rounds(of: 0).last?.first)
        let flags = try #require(consensus.router(bad.keys.identity)).flags
        #expect(flags.contains(.badExit) && !flags.contains(.v2Dir))
        #expect(try #require(consensus.router(good.keys.identity)).flags.isDisjoint(with: .badExit))
        #expect(consensus.routers.count == 2)
    }

    @Test func `shared random values are drawn and kept`() throws {
        let network = try AuthorityTestNetwork(count: 3, start: time("2026-11-24 11:59:59"))
        try network.start()
        // A whole run of 24 rounds, and the beginning of the next.
        network.pass(seconds: 20 * 27)
        let values = try (0..<3).map { try #require(network.published.rounds(of: $0).last?.first).currentSharedRandom }
        #expect(values[0] != nil && Set(values).count == 1)
        #expect(values[0]?.revealCount == 3)
        let file = try String(contentsOfFile: network.folders[0] + "/sr-state", encoding: .utf8)
        #expect(file.contains("SharedRandCurrentValue 3 "))
        let votes = try String(contentsOfFile: network.folders[0] + "/v3-status-votes", encoding: .utf8)
        #expect(votes.components(separatedBy: "vote-status vote").count == 4)
    }

    @Test func `uploads that are no good are answered as C Tor answers them`() throws {
        let network = try AuthorityTestNetwork(count: 3)
        try network.start()
        #expect(network.upload(Array("x\n".utf8), to: 0) == .notNew)
        #expect(network.upload(Array("x\n".utf8), to: 0, kind: .vote) == .refused(400, "Unable to parse vote"))
        #expect(
            network.upload(Array("x\n".utf8), to: 0, kind: .signatures)
                == .refused(400, "Couldn't parse detached signatures."))
        #expect(
            network.upload(try fixture("detached-signatures"), to: 0, kind: .signatures)
                == .accepted("Signature queued"))
        #expect(
            network.upload(try fixture("vote-auth1"), to: 0, kind: .vote)
                == .refused(400, "Vote not from a recognized v3 authority"))
    }

    @Test func `pins and descriptors survive a restart`() throws {
        let network = try AuthorityTestNetwork(count: 1)
        try network.start()
        try upload(to: network, authorities: 0..<1)
        _ = network.drivers[0].stop()
        network.loop.run()
        let journal = try String(contentsOfFile: network.folders[0] + "/key-pinning-journal", encoding: .utf8)
        #expect(journal.split(separator: "\n").count == 4)
        // The same driver started again reads all of it back.
        let again = network.drivers[0].start()
        network.loop.run()
        try again.wait()
        #expect(network.stores[0].snapshot.descriptors.count == 4)
    }

    @Test func `a relay that claims any uptime harms nobody`() throws {
        let network = try AuthorityTestNetwork(count: 1)
        try network.start()
        let relay = try RelayTestKeys(nickname: "relay", now: network.clock.now)
        for _ in 0..<2 {
            let body = try relay.descriptor(published: network.clock.now) { $0.uptime = .max }
            #expect(network.upload(body, to: 0) != nil)
            network.pass(seconds: 25)
        }
        #expect(network.published.rounds(of: 0).last?.first?.routers.count == 1)
    }

    @Test func `consensus methods can be held back`() throws {
        let network = try AuthorityTestNetwork(count: 3, extra: "TestingFanionConsensusMethods 32,33")
        try network.start()
        try upload(to: network, authorities: 0..<3)
        network.pass(seconds: 22)
        #expect(network.published.rounds(of: 1).first?.first?.method == 33)
    }
}
