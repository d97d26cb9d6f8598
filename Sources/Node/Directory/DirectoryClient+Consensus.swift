internal import Cells
internal import Directory
internal import Logging

/// How far the next consensus of a flavor is.
struct ConsensusState {
    /// When a failed attempt is made again.
    var schedule: DownloadSchedule
    /// When the present one is to be replaced.
    var fetchTime = WallTime(seconds: 0)
    /// Whether a difference was of no use: then the whole is fetched, once.
    var needsWhole = false
    /// Attempts under way.
    var underWay: Set<RSAIdentity> = []
    /// One that lacks certificates, since when it does, and who gave it to us.
    var waiting: (consensus: Consensus, since: WallTime, source: RSAIdentity)?

    init(delay: Duration, now: ContinuousClock.Instant) {
        schedule = DownloadSchedule(initialDelay: delay, now: now)
    }
}

extension DirectoryClient {
    /// Decides when the next consensus is fetched.
    func chooseFetchTime(_ flavor: ConsensusFlavor) {
        let now = clock()
        guard let consensus = store.snapshot.consensus(flavor) else {
            consensuses[flavor]?.fetchTime = now
            return
        }
        consensuses[flavor]?.fetchTime = ConsensusFetchTime.draw(
            validAfter: consensus.validAfter, freshUntil: consensus.freshUntil, validUntil: consensus.validUntil,
            now: now, eagerness: settings.eagerness, using: &random)
    }

    /// Asks for a consensus if it is time.
    func updateConsensus(_ flavor: ConsensusFlavor, _ now: WallTime) {
        guard var state = consensuses[flavor] else { return }
        let snapshot = store.snapshot
        let isValid = snapshot.consensus(flavor)?.isValid(at: now) ?? false
        guard !isValid || state.fetchTime <= now else { return }
        let instant = ContinuousClock.now
        if let waiting = state.waiting {
            if now - waiting.since < DirectoryClientLimits.waitForCertificates, waiting.consensus.validUntil > now {
                return
            }
            state.waiting = nil
            state.schedule.fail(now: instant, using: &random)
            consensuses[flavor] = state
        }
        let isFirst = snapshot.liveConsensus(flavor, at: now) == nil
        guard state.underWay.count < (isFirst ? settings.bootstrapTries : 1), state.schedule.isReady(at: instant),
            let choice = chooseSource(.consensus, excluding: state.underWay)
        else { return }
        state.underWay.insert(choice.source.identity)
        // The first one is asked for again elsewhere after a while, whatever becomes of this attempt.
        if isFirst { state.schedule.fail(now: instant, using: &random) }
        consensuses[flavor] = state
        let request = DirectoryRequest.consensus(
            flavor, signers: settings.v3Identities, modifiedSince: modifiedSince(snapshot.consensus(flavor)),
            orDiffFrom: state.needsWhole ? nil : baseForDiff(snapshot.consensus(flavor), now))
        let tells = flavor == .microdesc
        ask(request, choice) { [progress] stage in
            guard tells else { return }
            switch stage {
            case .circuit: progress.reach(.connecting)
            case .stream:
                // The circuit is there, so all that leads to it has come about.
                progress.reach(.handshakeDone)
                progress.reachDirectory(.creatingDirectoryCircuit)
                progress.channelOpened()
                progress.reachDirectory(.requestingConsensus)
            case .answer: progress.reachDirectory(.loadingConsensus)
            }
        } completion: { [weak self] result in
            self?.receiveConsensus(flavor, from: choice.source.identity, isFirst: isFirst, result)
        }
    }

    /// A directory that has nothing newer than this need not answer: ours, and a bit.
    private func modifiedSince(_ consensus: Consensus?) -> WallTime? {
        guard let consensus else { return nil }
        let half = (consensus.freshUntil - consensus.validAfter) / 2
        return consensus.validAfter + (half > 0 ? min(180, half) : 180)
    }

    /// The consensus from which a difference will do, if it is not too old to be kept by others.
    private func baseForDiff(_ consensus: Consensus?, _ now: WallTime) -> [UInt8]? {
        guard let consensus else { return nil }
        let hours = consensus.parameters.value("try-diff-for-consensus-newer-than", default: 72, in: 0...8_192)
        return consensus.validAfter >= now - Int64(hours) * 3_600 ? consensus.signedSHA3 : nil
    }

    /// The whole of a consensus of which perhaps only the difference from ours came; nil if that is of no use.
    private func whole(_ body: [UInt8], _ flavor: ConsensusFlavor) -> [UInt8]? {
        guard ConsensusDiff.isDiff(body) else {
            consensuses[flavor]?.needsWhole = false
            return body
        }
        guard let base = store.snapshot.consensus(flavor) else { return nil }
        do throws(ConsensusDiff.Failure) {
            let text = try ConsensusDiff.apply(
                body, to: base.text, baseDigest: base.signedSHA3, limit: DirectoryClientLimits.documentLength)
            logger.info("Applied consensus diff (size \(body.count)), resulting in a new consensus document.")
            return text
        } catch {
            logger.warning("Could not apply consensus diff received from server")
            consensuses[flavor]?.needsWhole = true
            return nil
        }
    }

    private func receiveConsensus(
        _ flavor: ConsensusFlavor, from source: RSAIdentity, isFirst: Bool,
        _ result: Result<DirectoryResponse, DirectoryFetchError>
    ) {
        consensuses[flavor]?.underWay.remove(source)
        let isTaken: Bool
        switch result {
        case .failure(let error):
            isTaken = false
            if flavor == .microdesc { reportProblem(error) }
        case .success(let response) where response.status == 200:
            isTaken = whole(response.body, flavor).map { takeConsensus($0, flavor, from: source) } ?? false
        case .success(let response):
            isTaken = false
            // 304 is no fault of anybody's.
            if response.status != 304 {
                logger.info(
                    "Received http status code \(response.status) while fetching consensus directory.")
            }
        }
        if !isTaken, !isFirst { consensuses[flavor]?.schedule.fail(now: .now, using: &random) }
        update()
    }

    /// Tells the user what stands in the way of the first consensus.
    private func reportProblem(_ error: DirectoryFetchError) {
        switch error {
        case .circuitClosed(isChannelFailure: true), .connectionFailed:
            progress.meet("Connection failed", reason: "CONNECTREFUSED")
        case .timedOut: progress.meet("Connection timed out", reason: "TIMEOUT")
        default: progress.meet("No answer from a directory", reason: "MISC")
        }
    }

    /// Checks a consensus and makes it the current one; one that lacks certificates waits.
    ///
    /// - Returns: whether it is of use.
    private func takeConsensus(_ text: [UInt8], _ flavor: ConsensusFlavor, from source: RSAIdentity) -> Bool {
        guard let consensus = try? Consensus(parsing: text), consensus.flavor == flavor else {
            logger.warning("Unable to parse networkstatus consensus")
            return false
        }
        if let old = store.snapshot.consensus(flavor), old.validAfter >= consensus.validAfter {
            // Another attempt was faster.
            return old.text == text && old.isValid(at: clock())
        }
        return judge(consensus, from: source, hasWaited: false)
    }

    /// Looks at the signatures with the certificates that we have.
    private func judge(_ consensus: Consensus, from source: RSAIdentity, hasWaited: Bool) -> Bool {
        let now = clock()
        let flavor = consensus.flavor
        let status = consensus.signatureStatus(
            authorities: settings.v3Identities, certificates: store.snapshot.certificates.values.joined(), now: now)
        guard status.isSufficient else {
            guard status.isWorthCertificates else {
                if !hasWaited { logger.warning("Not enough good signatures on networkstatus consensus") }
                return false
            }
            if !hasWaited {
                consensuses[flavor]?.waiting = (consensus, now, source)
                if flavor == .microdesc { progress.reachDirectory(.loadingCertificates) }
                updateCertificates(now)
            }
            return true
        }
        warnIfEarly(consensus, now)
        consensuses[flavor]?.waiting = nil
        if consensus.isValid(at: now) {
            consensuses[flavor]?.schedule = DownloadSchedule(initialDelay: settings.consensusDelay, now: .now)
        } else {
            consensuses[flavor]?.schedule.fail(now: .now, using: &random)
        }
        store.set(consensus)
        return true
    }

    /// Certificates came: consensuses that waited for them are looked at again.
    func judgeWaiting() {
        for flavor in flavors {
            guard let waiting = consensuses[flavor]?.waiting else { continue }
            if !judge(waiting.consensus, from: waiting.source, hasWaited: true) {
                consensuses[flavor]?.waiting = nil
                consensuses[flavor]?.schedule.fail(now: .now, using: &random)
            }
        }
    }

    /// A consensus cannot have enough signatures long before it counts: then our clock is slow.
    private func warnIfEarly(_ consensus: Consensus, _ now: WallTime) {
        let earliest = consensus.validAfter - consensus.distributionDelay - DirectoryClientLimits.earlyConsensus
        guard now < earliest else { return }
        logger.warning(
            """
            Our clock is \(consensus.validAfter - now) seconds behind the time published in the consensus network status \
            document (\(consensus.validAfter) UTC). Tor needs an accurate clock to work correctly. Please check your \
            time and date settings!
            """)
        progress.meet(
            "Clock skew \(now - consensus.validAfter) in \(consensus.flavor.rawValue) flavor consensus from CONSENSUS",
            reason: "CLOCK_SKEW", isSerious: true)
    }
}
