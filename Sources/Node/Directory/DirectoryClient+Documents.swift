internal import Cells
internal import Directory

/// What is wanted of one kind of document, and how asking for it goes.
struct DocumentState<Digest: Hashable & Comparable & Sendable> {
    /// Asked for, and not here yet.
    private(set) var underWay: Set<Digest> = []
    /// Requests under way.
    private(set) var requests = 0
    /// What could not be had, and when it is asked for again.
    private var failed: [Digest: DownloadSchedule] = [:]
    /// When something was asked for last.
    private(set) var lastAsked: ContinuousClock.Instant?
    private let delay: Duration

    init(delay: Duration) {
        self.delay = delay
    }

    /// Those that may be asked for now.
    func ready(_ digests: some Sequence<Digest>, now: ContinuousClock.Instant) -> [Digest] {
        digests.filter { !underWay.contains($0) && failed[$0]?.isReady(at: now) ?? true }
    }

    /// A request is on its way.
    mutating func ask(_ digests: [Digest], now: ContinuousClock.Instant) {
        underWay.formUnion(digests)
        requests += 1
        lastAsked = now
    }

    /// A request has ended.
    mutating func finish(
        _ digests: [Digest], found: Set<Digest>, now: ContinuousClock.Instant,
        using random: inout some RandomNumberGenerator
    ) {
        underWay.subtract(digests)
        requests -= 1
        for digest in digests {
            guard !found.contains(digest) else {
                failed[digest] = nil
                continue
            }
            var schedule = failed[digest] ?? DownloadSchedule(initialDelay: delay, now: now)
            schedule.fail(now: now, using: &random)
            failed[digest] = schedule
        }
    }

    /// A new consensus: what failed before may be there now.
    mutating func forget() {
        failed = [:]
    }
}

extension DirectoryClient {
    /// Asks for microdescriptors that the consensus names and we do not have.
    func updateMicrodescriptors(_ now: WallTime) {
        let snapshot = store.snapshot
        guard let consensus = snapshot.liveConsensus(.microdesc, at: now) else { return }
        let isCache = settings.isCache
        let wanted = consensus.routers.lazy
            // A client has no use for relays that are down.
            .filter { isCache || $0.flags.contains(.running) }
            .compactMap(\.microdescriptorDigest)
            .filter { snapshot.microdescriptors[$0] == nil }
        let instant = ContinuousClock.now
        let ready = Array(Set(microdescriptors.ready(wanted, now: instant)))
        guard isWorthAsking(ready.count, microdescriptors.lastAsked, instant) else { return }
        for batch in DownloadPlan.batches(ready) {
            guard microdescriptors.requests < DirectoryClientLimits.concurrentRequests,
                let choice = chooseSource(.documents)
            else { return }
            microdescriptors.ask(batch, now: instant)
            ask(.microdescriptors(batch), choice) { [weak self] result in
                self?.receiveMicrodescriptors(batch, result)
            }
        }
    }

    /// A few documents wait for more once there are enough.
    private func isWorthAsking(
        _ count: Int, _ lastAsked: ContinuousClock.Instant?, _ now: ContinuousClock.Instant
    ) -> Bool {
        guard count > 0 else { return false }
        if settings.eagerness != .client || !hasEnough || count >= DirectoryClientLimits.documentsToWaitFor {
            return true
        }
        return lastAsked.map { $0 + settings.patience <= now } ?? true
    }

    private func receiveMicrodescriptors(
        _ digests: [MicrodescriptorDigest], _ result: Result<DirectoryResponse, DirectoryFetchError>
    ) {
        var found: [Microdescriptor] = []
        if case .success(let response) = result, response.status == 200 {
            let wanted = Set(digests)
            found = DocumentSplitter.split(response.body, startingWith: ["onion-key"]).compactMap {
                try? Microdescriptor(Array(response.body[$0.range]))
            }
            // Whatever we did not ask for may be anything.
            .filter { wanted.contains($0.digest) }
        }
        microdescriptors.finish(digests, found: Set(found.map(\.digest)), now: .now, using: &random)
        store.add(found, at: clock())
        update()
    }

    /// Asks for router descriptors that the consensus names and we do not have, and for the extra-info documents that
    /// they name: caches and authorities only.
    func updateDescriptors(_ now: WallTime) {
        let snapshot = store.snapshot
        guard let consensus = snapshot.liveConsensus(.ns, at: now) else { return }
        let instant = ContinuousClock.now
        let wanted = consensus.routers.lazy.compactMap(\.descriptorDigest).filter { snapshot.descriptor($0) == nil }
        for batch in DownloadPlan.batches(Array(Set(descriptors.ready(wanted, now: instant)))) {
            guard descriptors.requests < DirectoryClientLimits.concurrentRequests,
                let choice = chooseSource(.documents)
            else { break }
            descriptors.ask(batch, now: instant)
            ask(.descriptors(batch), choice) { [weak self] result in self?.receiveDescriptors(batch, result) }
        }
        guard settings.fetchesExtraInfo else { return }
        let extra = snapshot.descriptors.values.lazy.compactMap(\.extraInfoDigest).filter {
            snapshot.extraInfo($0) == nil
        }
        for batch in DownloadPlan.batches(Array(Set(extraInfo.ready(extra, now: instant)))) {
            guard extraInfo.requests < DirectoryClientLimits.concurrentRequests, let choice = chooseSource(.documents)
            else { break }
            extraInfo.ask(batch, now: instant)
            ask(.extraInfo(batch), choice) { [weak self] result in self?.receiveExtraInfo(batch, result) }
        }
    }

    private func receiveDescriptors(
        _ digests: [DescriptorDigest], _ result: Result<DirectoryResponse, DirectoryFetchError>
    ) {
        var found: [RouterDescriptor] = []
        let now = clock()
        if case .success(let response) = result, response.status == 200 {
            let wanted = Set(digests)
            found = DocumentSplitter.split(response.body, startingWith: ["router"]).compactMap {
                try? RouterDescriptor(Array(response.body[$0.range]))
            }
            .filter { wanted.contains($0.digest) && !$0.isExpired(at: now) }
        }
        descriptors.finish(digests, found: Set(found.map(\.digest)), now: .now, using: &random)
        store.add(found, annotations: "@downloaded-at \(now)\n")
        update()
    }

    private func receiveExtraInfo(
        _ digests: [DescriptorDigest], _ result: Result<DirectoryResponse, DirectoryFetchError>
    ) {
        var found: [ExtraInfoDocument] = []
        if case .success(let response) = result, response.status == 200 {
            let snapshot = store.snapshot
            let routers = snapshot.descriptors.values.reduce(into: [DescriptorDigest: RouterDescriptor]()) {
                if let digest = $1.extraInfoDigest { $0[digest] = $1 }
            }
            found = DocumentSplitter.split(response.body, startingWith: ["extra-info"]).compactMap { piece in
                guard let document = try? ExtraInfoDocument(Array(response.body[piece.range])),
                    let router = routers[document.digest], (try? document.check(against: router)) != nil
                else { return nil }
                return document
            }
        }
        extraInfo.finish(digests, found: Set(found.map(\.digest)), now: .now, using: &random)
        store.add(found)
        update()
    }
}
