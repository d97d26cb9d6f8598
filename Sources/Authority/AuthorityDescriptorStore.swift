package import Cells
package import Directory

/// The relays that an authority knows, and what it thinks of their uploads: C Tor's `dirserv_add_descriptor`.
///
/// Pure: bytes and the time in, a verdict out. Keeping documents on the disk and probing relays is the driver's business.
package struct AuthorityDescriptorStore: Sendable {
    /// What is known of one relay.
    package struct Relay: Sendable {
        /// Its newest descriptor.
        package var descriptor: RouterDescriptor
        /// False if it never gets the Valid flag.
        package var isValid: Bool
        /// When its IPv4 OR port last answered.
        package var lastReachable: WallTime?
        /// When its IPv6 OR port last answered.
        package var lastReachableIPv6: WallTime?
    }

    /// The relays with a descriptor.
    package private(set) var relays: [RSAIdentity: Relay] = [:]
    /// How reachable relays were, those without a descriptor too.
    package private(set) var histories: [RSAIdentity: RelayHistory] = [:]
    private var pins: KeyPins
    private var known: Set<DescriptorDigest> = []
    private let rules: DescriptorRules

    /// A store without relays.
    package init(rules: DescriptorRules, pins: KeyPins = KeyPins(), histories: [RSAIdentity: RelayHistory] = [:]) {
        self.rules = rules
        self.pins = pins
        self.histories = histories
    }

    /// What came of an upload.
    package struct Outcome: Sendable {
        /// What is to be answered.
        package var verdict: DescriptorVerdict
        /// Descriptors that were taken.
        package var descriptors: [RouterDescriptor] = []
        /// Extra-info documents that were taken.
        package var extraInfo: [ExtraInfoDocument] = []
        /// Relays to be tested at once: new ones, and those that moved or woke up.
        package var toTest: [RSAIdentity] = []
        /// Pairs of identities to be remembered for good.
        package var pinned: [(RSAIdentity, Ed25519Identity)] = []
    }

    /// An upload came: descriptors and extra-info documents, one behind the other.
    ///
    /// - Parameter isListed: whether the current consensus names a descriptor, which may then replace a later one.
    package mutating func receive(
        _ body: [UInt8], now: WallTime, isListed: (DescriptorDigest) -> Bool = { _ in false }
    ) -> Outcome {
        var outcome = Outcome(verdict: DescriptorVerdict(.added, ""))
        guard String(validating: body, as: UTF8.self) != nil, !body.starts(with: [0xEF, 0xBB, 0xBF]) else {
            outcome.verdict = DescriptorVerdict(
                .rejected, "descriptor(s) or extrainfo(s) not valid UTF-8 or had BOM.")
            return outcome
        }
        var count = 0
        func note(_ verdict: DescriptorVerdict) {
            count += 1
            if verdict.severity < outcome.verdict.severity { outcome.verdict = verdict }
        }
        let pieces = DocumentSplitter.split(body, startingWith: ["router", "extra-info"])
        // Descriptors first, since extra-info documents are checked against them.
        for piece in pieces where piece.keyword == "router" {
            guard let router = try? RouterDescriptor(Array(body[piece.range])) else { continue }
            note(add(router, now: now, isListed: isListed, outcome: &outcome))
        }
        for piece in pieces where piece.keyword == "extra-info" {
            guard let document = try? ExtraInfoDocument(Array(body[piece.range])) else { continue }
            note(add(document, outcome: &outcome))
        }
        if outcome.verdict.message.isEmpty {
            outcome.verdict =
                count == 0
                ? DescriptorVerdict(.notNew, "No descriptors found in your POST.")
                : DescriptorVerdict(.added, "(no message)")
        }
        return outcome
    }

    private mutating func add(
        _ router: RouterDescriptor, now: WallTime, isListed: (DescriptorDigest) -> Bool, outcome: inout Outcome
    ) -> DescriptorVerdict {
        guard router.bytes.count <= DirectoryLimits.routerDescriptorLength else {
            return DescriptorVerdict(.rejected, "Router descriptor was too large.")
        }
        guard router.tapOnionKey != nil else {
            return DescriptorVerdict(.rejected, "Missing TAP key in descriptor.")
        }
        let old = relays[router.identity]
        if let old, router.identity != rules.own, old.descriptor.published < router.published,
            old.descriptor.differsOnlyCosmetically(from: router)
        {
            return DescriptorVerdict(
                .notNew,
                "Not replacing router descriptor; no information has changed since the last one with this identity.")
        }
        if rules.pinsKeys, pins.check(router.identity, router.ed25519Identity) == .mismatch {
            return DescriptorVerdict(.rejected, Self.changedKeys)
        }
        if router.isExpired(at: now) {
            return DescriptorVerdict(.certificatesExpired, "Some certs on this router are expired.")
        }
        if known.contains(router.digest) { return DescriptorVerdict(.notNew, "Router descriptor was not new.") }
        if let objection = rules.objection(to: router, pins: pins, now: now) {
            return DescriptorVerdict(.rejected, objection)
        }
        if let old, router.published <= old.descriptor.published, !isListed(router.digest) {
            return DescriptorVerdict(.notNew, "Router descriptor was not new.")
        }
        if pins.check(router.identity, router.ed25519Identity) != .known {
            pins.pin(router.identity, router.ed25519Identity)
            outcome.pinned.append((router.identity, router.ed25519Identity))
        }
        insert(router)
        outcome.descriptors.append(router)
        if needsTest(router, after: old?.descriptor) { outcome.toTest.append(router.identity) }
        return DescriptorVerdict(.added, "Descriptor accepted")
    }

    private static let changedKeys =
        "Looks like your keypair has changed? This authority previously recorded a different RSA identity for this "
        + "Ed25519 identity (or vice versa.) Did you replace or copy some of your key files, but not the others? You "
        + "should either restore the expected keypair, or delete your keys and restart Tor to start your relay with a "
        + "new identity."

    private mutating func insert(_ router: RouterDescriptor) {
        if let old = relays[router.identity] { known.remove(old.descriptor.digest) }
        known.insert(router.digest)
        let isValid = !rules.isInvalid(router)
        if relays[router.identity] != nil {
            relays[router.identity]?.descriptor = router
            relays[router.identity]?.isValid = isValid
        } else {
            relays[router.identity] = Relay(descriptor: router, isValid: isValid)
        }
    }

    private func needsTest(_ router: RouterDescriptor, after old: RouterDescriptor?) -> Bool {
        guard let old else { return true }
        return old.isHibernating && !router.isHibernating || old.ipv4 != router.ipv4 || old.ipv6 != router.ipv6
    }

    private mutating func add(_ document: ExtraInfoDocument, outcome: inout Outcome) -> DescriptorVerdict {
        guard let relay = relays[document.identity] else {
            return DescriptorVerdict(.badExtraInfo, "No corresponding router descriptor for extra-info descriptor")
        }
        if document.published > relay.descriptor.published {
            return DescriptorVerdict(.notNew, "Extrainfo published time did not match routerdesc")
        }
        do {
            try document.check(against: relay.descriptor)
        } catch {
            return DescriptorVerdict(.badExtraInfo, Self.message(error))
        }
        outcome.extraInfo.append(document)
        return DescriptorVerdict(.added, "")
    }

    private static func message(_ error: DirectoryError) -> String {
        switch (error.reason, error.keyword) {
        case (.badSignature, _): "Extrainfo signature bad, or signed with wrong key"
        case (_, "identity-ed25519"): "Extrainfo signing key cert didn't match routerinfo"
        case (_, "extra-info-digest"): "Extrainfo digest did not match value from routerdesc"
        default: "Extrainfo published time did not match routerdesc"
        }
    }

    /// Takes back descriptors that were kept over a restart, if they are still of use.
    package mutating func restore(_ descriptors: some Sequence<RouterDescriptor>, now: WallTime) {
        for router in descriptors
        where router.published + AuthoritySpec.descriptorAge >= now && !router.isExpired(at: now) {
            let isOlder = relays[router.identity].map { router.published <= $0.descriptor.published } ?? false
            guard !isOlder, rules.objection(to: router, pins: pins, now: now) == nil else { continue }
            insert(router)
        }
    }

    /// Forgets relays that have not been heard of for long.
    package mutating func prune(now: WallTime) {
        for (identity, relay) in relays where relay.descriptor.published + AuthorityLimits.descriptorLifetime < now {
            known.remove(relay.descriptor.digest)
            relays[identity] = nil
        }
    }

    /// Whether a descriptor is there.
    package func hasDescriptor(_ digest: DescriptorDigest) -> Bool { known.contains(digest) }

    // MARK: - Reachability

    /// A relay's port answered, and it was the relay.
    package mutating func noteReachable(_ identity: RSAIdentity, at endpoint: SocketEndpoint, now: WallTime) {
        guard let relay = relays[identity] else { return }
        if endpoint == relay.descriptor.ipv4 {
            relays[identity]?.lastReachable = now
            histories[identity, default: RelayHistory()].noteReachable(
                at: now, endpoint: endpoint, movePenalty: AuthoritySpec.movePenalty)
        } else if endpoint == relay.descriptor.ipv6 {
            relays[identity]?.lastReachableIPv6 = now
        }
    }

    /// Remembers that relays are down: `since` says for how long.
    package mutating func noteUnreachable(_ identity: RSAIdentity, since: WallTime) {
        histories[identity, default: RelayHistory()].noteUnreachable(at: since)
    }

    /// A relay is one of too many at its address.
    package mutating func makePessimal(_ identity: RSAIdentity, now: WallTime) {
        histories[identity, default: RelayHistory()].makePessimal(at: now)
    }

    /// Discounts the past of all histories.
    package mutating func discountPast(intervals: Int) {
        for identity in histories.keys { histories[identity]?.discountPast(intervals: intervals) }
    }
}
