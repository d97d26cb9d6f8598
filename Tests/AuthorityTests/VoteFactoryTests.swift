import Authority
import Cells
import Configuration
import Directory
import Testing

struct VoteFactoryTests {
    /// The torrc of the C Tor authority whose vote is compared, as far as votes go.
    private func settings() throws -> Settings {
        let others = ["11AD8D9EA86BB8B7E9970FD871B3AA39C98E64B3", "292BAB7B7FFD1895490EC911C7A6FD3DB0C07B3F"]
        let torrc = """
            TestingTorNetwork 1
            DataDirectory /nowhere
            Nickname auth1
            ContactInfo auth1 <auth1@example.com> é
            Address 127.1.1.1
            ORPort 127.1.1.1:5000
            DirPort 127.1.1.1:7000
            DirAuthority auth1 orport=5000 v3ident=6219B6ECE333336EC2389500F89602B3BDA1624E 127.1.1.1:7000 \(try fingerprint(1))
            DirAuthority auth2 orport=5000 v3ident=\(others[0]) 127.1.2.1:7000 \(try fingerprint(2))
            DirAuthority auth3 orport=5000 v3ident=\(others[1]) 127.1.3.1:7000 \(try fingerprint(3))
            AuthoritativeDirectory 1
            V3AuthoritativeDirectory 1
            V3AuthVotingInterval 20
            V3AuthVoteDelay 4
            V3AuthDistDelay 4
            V3AuthNIntervalsValid 2
            TestingDirAuthVoteGuard *
            TestingDirAuthVoteHSDir *
            TestingDirAuthVoteExit relay1,relay2
            TestingMinExitFlagThreshold 0
            AuthDirVoteStableGuaranteeMinUptime 0
            AuthDirVoteStableGuaranteeMTBF 0
            AuthDirFastGuarantee 1 KB
            AuthDirGuardBWGuarantee 1 KB
            VersioningAuthoritativeDirectory 1
            RecommendedVersions 0.4.8.11, 0.4.9.11, 0.4.8.20, 0.4.9.1-alpha
            ConsensusParams cc_alg=2 bwweightscale=10001 a-b=1 circwindow=100 pair=3
            AuthDirHasIPv6Connectivity 1
            AuthDirListBadExits 1
            AuthDirListMiddleOnly 1
            AuthDirBadExit 127.2.2.1
            V3BandwidthsFile /nowhere/bw
            """
        return try Settings(torrc: TorrcFile(path: "torrc", text: torrc))
    }

    /// The relay identities of the three authorities, from their descriptors.
    private func fingerprint(_ number: Int) throws -> String {
        let router = try #require(routers().first { $0.nickname == "auth\(number)" })
        return router.identity.hex
    }

    private func routers() throws -> [RouterDescriptor] {
        let bytes = try fixture("router-descriptors")
        return try DocumentSplitter.split(bytes, startingWith: ["router"]).map {
            try RouterDescriptor(Array(bytes[$0.range]))
        }
    }

    @Test func `of C Tor's descriptors comes what C Tor voted`() throws {
        let expected = try Vote(parsing: fixture("vote-auth1")).content
        let settings = try settings()
        let factory = VoteFactory(settings: settings, source: expected.source)
        let now = expected.published
        var store = AuthorityDescriptorStore(
            rules: DescriptorRules(
                isRejected: { _ in false }, isInvalid: { _ in false }, minimalVersion: "", pinsKeys: true,
                allowsPrivateAddresses: true))
        #expect(store.receive(try fixture("router-descriptors"), now: now).descriptors.count == 8)
        let own = try #require(store.relays.values.first { $0.descriptor.nickname == "auth1" }).descriptor.identity
        for (identity, relay) in store.relays where identity != own {
            // The first test of this one was a second quicker.
            let isEarly = relay.descriptor.nickname == "relay2"
            store.noteReachable(identity, at: relay.descriptor.ipv4, now: now - (isEarly ? 134 : 133))
            if let ipv6 = relay.descriptor.ipv6 { store.noteReachable(identity, at: ipv6, now: now - 133) }
        }
        let timing = VotingSchedule.Timing(interval: 20, voteDelay: 4, distributionDelay: 4)
        var inputs = VoteFactory.Inputs(
            schedule: VotingSchedule(after: now, timing: timing), upSince: now - 133, now: now)
        inputs.relays = store.relays
        inputs.histories = store.histories
        inputs.own = own
        inputs.bandwidthFile = BandwidthFile(try fixture("bandwidth-file"), now: now)
        inputs.trackingSince = now - 133
        inputs.running = factory.running(inputs, options: FlagOptions(settings, parameters: inputs.parameters))
        #expect(inputs.running.count == 8)
        let product = factory.make(inputs)
        var made = product.content
        #expect(made.flagThresholds == expected.flagThresholds)
        #expect(made.header == expected.header)
        #expect(made.bandwidthFileHeaders == expected.bandwidthFileHeaders)
        #expect(made.bandwidthFileDigest == expected.bandwidthFileDigest)
        #expect(made.entries.map(\.nickname) == expected.entries.map(\.nickname))
        for (one, other) in zip(made.entries, expected.entries) {
            #expect(one == other, "\(one.nickname): \(one.statistics ?? "") \(other.statistics ?? "")")
        }
        made.sharedRandom = expected.sharedRandom
        #expect(made == expected)
        #expect(Set(product.microdescriptors.map(\.digest)).count == 8)
    }
}
