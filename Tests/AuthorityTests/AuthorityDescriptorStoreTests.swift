import Authority
import Cells
import Directory
import OnionCrypto
import Testing

struct AuthorityDescriptorStoreTests {
    private let now = time("2026-11-24 12:00:00")

    private func rules(
        pins: Bool = true, allowsPrivate: Bool = true, rejected: String? = nil
    ) -> DescriptorRules {
        DescriptorRules(
            isRejected: { $0.nickname == rejected }, isInvalid: { $0.nickname == "invalid" },
            minimalVersion: "0.4.8.0-alpha-dev", pinsKeys: pins, allowsPrivateAddresses: allowsPrivate)
    }

    private func verdict(_ body: [UInt8], _ rules: DescriptorRules) -> DescriptorVerdict {
        var store = AuthorityDescriptorStore(rules: rules)
        return store.receive(body, now: now).verdict
    }

    @Test func `C Tor's descriptors are taken`() throws {
        var store = AuthorityDescriptorStore(rules: rules())
        let outcome = store.receive(try fixture("router-descriptors"), now: time("2026-11-24 22:51:00"))
        #expect(outcome.verdict == DescriptorVerdict(.added, "(no message)"))
        #expect(outcome.descriptors.count == 8 && store.relays.count == 8)
        #expect(outcome.toTest.count == 8 && outcome.pinned.count == 8)
        let again = store.receive(try fixture("router-descriptors"), now: time("2026-11-24 22:51:10"))
        #expect(again.verdict == DescriptorVerdict(.notNew, "Router descriptor was not new."))
        #expect(again.descriptors.isEmpty && again.pinned.isEmpty)
    }

    @Test func `what is no descriptor is answered as not new`() {
        #expect(
            verdict(Array("hello\n".utf8), rules())
                == DescriptorVerdict(.notNew, "No descriptors found in your POST."))
        #expect(verdict([0xFF], rules()).severity == .rejected)
    }

    @Test func `a descriptor without a TAP key, of an old Tor or of another time is refused`() throws {
        let relay = try RelayTestKeys(nickname: "relay", now: now)
        #expect(verdict(try relay.descriptor(published: now), rules()).severity == .added)
        let noTAP = RouterSigningKeys(
            identityKey: relay.keys.identityKey, signingKey: relay.keys.signingKey,
            signingKeyCertificate: relay.keys.signingKeyCertificate, onionKey: relay.keys.onionKey, tapOnionKey: nil)
        var builder = RouterDescriptorBuilder(
            nickname: "relay", address: 0x7F03_0001, orPort: 5000, platform: "x", protocols: "Link=4-5",
            published: now, bandwidth: .init(rate: 1, burst: 1, observed: 1))
        builder.uptime = 1
        #expect(
            verdict(try builder.signed(with: #require(noTAP)), rules())
                == DescriptorVerdict(.rejected, "Missing TAP key in descriptor."))
        let refused = [
            try relay.descriptor(published: now, platform: "Tor 0.4.7.16 on Linux"): "Tor version is insecure",
            try relay.descriptor(published: now, platform: "Tor garbage"): "Malformed platform",
            try relay.descriptor(published: now + 13 * 3600): "Rejected: Your clock is set too far in the future",
            try relay.descriptor(published: now - 25 * 3600): "Rejected: Server is expired",
        ]
        for (body, message) in refused {
            let verdict = verdict(body, rules())
            #expect(verdict.severity == .rejected && verdict.message.hasPrefix(message), "\(verdict)")
        }
        #expect(
            verdict(try relay.descriptor(published: now, platform: "Foreign 0.1 on Linux"), rules()).severity == .added)
        #expect(
            verdict(try relay.descriptor(published: now), rules(allowsPrivate: false)).message
                == "Rejected: Address is a private address.")
        #expect(
            verdict(try relay.descriptor(published: now), rules(rejected: "relay")).message
                .hasPrefix("Fingerprint and/or ed25519 identity is marked rejected"))
    }

    @Test func `an expired certificate is answered as not new`() throws {
        let relay = try RelayTestKeys(nickname: "relay", now: now - 40 * 86_400)
        let outcome = verdict(try relay.descriptor(published: now), rules())
        #expect(outcome.severity == .certificatesExpired)
    }

    @Test func `keys are pinned`() throws {
        var store = AuthorityDescriptorStore(rules: rules())
        let first = try RelayTestKeys(nickname: "first", now: now)
        let thief = try RelayTestKeys(nickname: "thief", now: now, identityKey: first.keys.identityKey)
        let outcome = store.receive(try first.descriptor(published: now), now: now)
        #expect(outcome.pinned.count == 1)
        let stolen = try thief.descriptor(published: now + 60, address: "127.3.0.2")
        #expect(store.receive(stolen, now: now).verdict.message.hasPrefix("Looks like your keypair has changed?"))
        var lax = AuthorityDescriptorStore(rules: rules(pins: false))
        _ = lax.receive(try first.descriptor(published: now), now: now)
        #expect(lax.receive(stolen, now: now).verdict.severity == .added)
        // The journal brings the pins back.
        let journal = outcome.pinned.flatMap { KeyPins.line($0.0, $0.1) }
        var restarted = AuthorityDescriptorStore(rules: rules(), pins: KeyPins(journal: Array("\n@x\n".utf8) + journal))
        #expect(restarted.receive(stolen, now: now).verdict.severity == .rejected)
    }

    @Test func `a newer descriptor counts if it says something new`() throws {
        var store = AuthorityDescriptorStore(rules: rules())
        let relay = try RelayTestKeys(nickname: "relay", now: now)
        _ = store.receive(try relay.descriptor(published: now), now: now)
        let same = store.receive(try relay.descriptor(published: now + 60) { $0.uptime = 60 }, now: now + 60)
        #expect(same.verdict.severity == .notNew && same.verdict.message.hasPrefix("Not replacing"))
        let moved = store.receive(try relay.descriptor(published: now + 60, address: "127.3.0.9"), now: now + 60)
        #expect(moved.verdict.severity == .added && moved.toTest == [relay.keys.identity])
        let older = store.receive(try relay.descriptor(published: now + 30), now: now + 60)
        #expect(older.verdict == DescriptorVerdict(.notNew, "Router descriptor was not new."))
        let later = try relay.descriptor(published: now + 3 * 3600) { $0.uptime = 3 * 3600 }
        #expect(store.receive(later, now: now + 3 * 3600).verdict.severity == .added)
    }

    @Test func `extra-info documents must belong to the descriptor`() throws {
        let relay = try RelayTestKeys(nickname: "relay", now: now)
        let info = try ExtraInfoBuilder(nickname: "relay", published: now).signed(with: relay.keys)
        let document = try ExtraInfoDocument(info)
        let body = try relay.descriptor(published: now) { $0.extraInfo = document }
        var store = AuthorityDescriptorStore(rules: rules())
        let both = store.receive(body + info, now: now)
        #expect(both.verdict.severity == .added && both.extraInfo.map(\.digest) == [document.digest])
        #expect(verdict(info, rules()).message == "No corresponding router descriptor for extra-info descriptor")
        #expect(
            store.receive(try relay.descriptor(published: now + 9, address: "127.3.0.2") + info, now: now + 9)
                .verdict.severity == .badExtraInfo)
    }

    @Test func `reachability is remembered by port`() throws {
        var store = AuthorityDescriptorStore(rules: rules())
        let relay = try RelayTestKeys(nickname: "relay", now: now)
        _ = store.receive(try relay.descriptor(published: now), now: now)
        let identity = relay.keys.identity
        let wrong = try #require(SocketEndpoint("127.3.0.1:5001"))
        store.noteReachable(identity, at: wrong, now: now)
        #expect(store.relays[identity]?.lastReachable == nil)
        store.noteReachable(identity, at: try #require(SocketEndpoint("127.3.0.1:5000")), now: now)
        #expect(store.relays[identity]?.lastReachable == now)
        #expect(store.histories[identity]?.runStart == now)
        store.prune(now: now + 6 * 86_400)
        #expect(store.relays.isEmpty && store.histories.count == 1)
    }
}
