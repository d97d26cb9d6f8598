internal import Cells
internal import Circuits
internal import Configuration
internal import Directory
internal import Logging
internal import NIOCore
internal import Node

extension AuthorityDriver {
    // MARK: - Descriptors

    /// Descriptors were uploaded.
    func receiveDescriptors(_ upload: DirectoryUpload, _ now: WallTime) -> DirectoryUploadAnswer {
        let verdict = take(upload.body, now, source: upload.peer.address.map { "\($0)" })
        switch verdict.severity {
        case .added: return .accepted(verdict.message)
        case .notNew, .certificatesExpired: return .notNew
        case .rejected, .badExtraInfo:
            logger.info("An upload was refused", metadata: ["reason": "\(verdict.message)"])
            return .refused(400, verdict.message)
        }
    }

    /// Takes in descriptors, wherever they came from.
    func take(_ body: [UInt8], _ now: WallTime, source: String? = nil) -> DescriptorVerdict {
        let snapshot = store.snapshot
        let outcome = relays.receive(body, now: now) { digest in
            snapshot.consensus(.ns)?.routers.contains { $0.descriptorDigest == digest } ?? false
        }
        var annotations = "@uploaded-at \(now)\n"
        if let source { annotations += "@source \"\(source)\"\n" }
        store.add(outcome.descriptors, annotations: annotations)
        store.add(outcome.extraInfo)
        if !outcome.pinned.isEmpty {
            let lines = outcome.pinned.flatMap { KeyPins.line($0.0, $0.1) }
            do throws(FileError) {
                try files.append(lines, to: .keyPins)
            } catch {
                logger.warning("A file could not be written", metadata: ["error": "\(error)"])
            }
        }
        test(outcome.toTest)
        return outcome.verdict
    }

    // MARK: - Tests

    /// Tests the relays whose turn it is.
    func testRelays() {
        guard settings.authority.testsReachability, probe != nil else { return }
        let now = clock()
        discountPast(now)
        let running = relays.relays.filter { _, relay in
            relay.lastReachable.map { now - $0 < FlagCandidate.reachableTimeout } ?? false
        }
        test(
            schedule.next(
                relays.relays.keys, running: Set(running.keys), isTestingNetwork: settings.node.isTestingNetwork))
    }

    /// Tests relays as soon as there is room.
    func test(_ identities: [RSAIdentity]) {
        guard settings.authority.testsReachability, probe != nil else { return }
        let waiting = Set(waitingProbes)
        waitingProbes += identities.filter { $0 != ownRelay && !waiting.contains($0) }
        startProbes()
    }

    private func startProbes() {
        while activeProbes < AuthorityLimits.concurrentProbes, !waitingProbes.isEmpty {
            let identity = waitingProbes.removeFirst()
            guard let router = relays.relays[identity]?.descriptor else { continue }
            start(router, router.ipv4)
            if settings.authority.hasIPv6, let ipv6 = router.ipv6 { start(router, ipv6) }
        }
    }

    private func start(_ router: RouterDescriptor, _ endpoint: SocketEndpoint) {
        guard let probe else { return }
        // What relays up to some old versions cannot prove is not asked of them.
        let expected =
            settings.authority.testsEd25519LinkKeys && router.protocols.supports("LinkAuth", 3)
            ? router.ed25519Identity : nil
        let target = HopTarget(
            rsaIdentity: router.identity, ed25519Identity: expected, endpoints: [endpoint], onionKey: nil,
            nickname: router.nickname)
        activeProbes += 1
        probe(target).hop(to: loop).whenComplete { [weak self] result in
            guard let self else { return }
            activeProbes -= 1
            if case .success(let proved) = result, expected == nil || proved == expected {
                relays.noteReachable(router.identity, at: endpoint, now: clock())
            }
            startProbes()
        }
    }

    /// Discounts the past when its time has come.
    private func discountPast(_ now: WallTime) {
        guard let last = lastDiscounted else {
            lastDiscounted = now
            return
        }
        let intervals = (now - last) / RelayHistory.discountInterval
        guard intervals > 0 else { return }
        relays.discountPast(intervals: Int(min(intervals, 1000)))
        lastDiscounted = last + intervals * RelayHistory.discountInterval
    }

    // MARK: - What is kept

    /// Reads pins and histories.
    func load(_ now: WallTime) {
        func read(_ file: AuthorityFiles.File) -> [UInt8]? {
            do throws(FileError) {
                return try files.read(file)
            } catch {
                logger.warning("A file could not be read", metadata: ["error": "\(error)"])
                return nil
            }
        }
        let pins = read(.keyPins).map { KeyPins(journal: $0) } ?? KeyPins()
        approved = read(.approvedRouters).map { ApprovedRouters(file: $0) } ?? ApprovedRouters()
        if approved.brokenLines > 0 {
            logger.warning(
                "Lines of approved-routers could not be read", metadata: ["lines": "\(approved.brokenLines)"])
        }
        let stability = read(.stability).flatMap { StabilityFile($0, now: now) }
        trackingSince = stability?.trackingSince ?? now
        lastDiscounted = stability?.lastDiscounted ?? now
        relays = AuthorityDescriptorStore(
            rules: DescriptorRules(settings, approved, own: ownRelay), pins: pins,
            histories: stability?.histories ?? [:])
    }

    /// Writes how reachable relays were.
    func saveStability() {
        guard settings.authority.testsReachability else { return }
        let file = StabilityFile(
            histories: relays.histories, trackingSince: trackingSince, lastDiscounted: lastDiscounted)
        write(file.encode(now: clock()), to: .stability)
    }
}
