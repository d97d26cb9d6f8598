package import Cells
package import Directory
package import Logging
internal import NIOPosix
internal import Synchronization

/// The directory documents of a node, shared by all of its loops.
///
/// Readers take a `snapshot`, which costs a reference; writers replace it under a lock. What is written here has been
/// checked before: signatures of consensuses by `ConsensusVerification`, microdescriptors by digest. The disk is touched
/// on a thread of its own, in the order of the changes.
package final class DirectoryStore: Sendable {
    private struct State {
        var snapshot = DirectorySnapshot()
        /// When a consensus last named a microdescriptor.
        var lastListed: [MicrodescriptorDigest: WallTime] = [:]
        var listeners: [(id: UInt64, call: @Sendable (DirectoryChange) -> Void)] = []
        var nextListener: UInt64 = 0
        var sizes: [DirectoryFiles.Collection: DirectoryFiles.Sizes] = [:]
    }

    private let state = Mutex(State())
    private let disk: Disk?
    private let logger: Logger
    private let servesConsensuses: Bool
    private let longestPast: Int64?

    /// The files, and the thread that they are written on.
    private struct Disk: Sendable {
        let files: DirectoryFiles
        let thread: NIOThreadPool
    }

    /// An empty store.
    ///
    /// - Parameters:
    ///   - files: where documents are kept over a restart; nil to forget them. See `load`.
    ///   - servesConsensuses: have consensuses ready in every compressed form, and differences from those before.
    ///   - longestPast: `MaxConsensusAgeForDiffs`, in seconds; nil lets the network decide.
    package init(files: DirectoryFiles?, servesConsensuses: Bool, longestPast: Int64? = nil, logger: Logger) {
        self.longestPast = longestPast
        self.logger = logger
        self.servesConsensuses = servesConsensuses
        let thread = NIOThreadPool(numberOfThreads: 1)
        if files != nil || servesConsensuses { thread.start() }
        self.thread = thread
        disk = files.map { Disk(files: $0, thread: thread) }
    }

    private let thread: NIOThreadPool

    /// What is known now.
    package var snapshot: DirectorySnapshot { state.withLock { $0.snapshot } }

    /// Ends the thread, once all that was to be written is on the disk.
    package func close() async {
        guard disk != nil || servesConsensuses else { return }
        _ = try? await thread.runIfActive {}
        try? await thread.shutdownGracefully()
    }

    // MARK: - Listening

    /// Has `listener` called after each change, on the thread that made it.
    ///
    /// - Returns: a number for `unsubscribe`.
    @discardableResult
    package func subscribe(_ listener: @escaping @Sendable (DirectoryChange) -> Void) -> UInt64 {
        state.withLock { state in
            state.nextListener += 1
            state.listeners.append((state.nextListener, listener))
            return state.nextListener
        }
    }

    /// Ends a subscription.
    package func unsubscribe(_ id: UInt64) {
        state.withLock { state in state.listeners.removeAll { $0.id == id } }
    }

    private func tell(_ change: DirectoryChange) {
        let listeners = state.withLock { $0.listeners }
        for listener in listeners { listener.call(change) }
    }

    // MARK: - Changes

    /// Makes a checked consensus the current one, unless ours is as new.
    ///
    /// - Returns: whether it was newer.
    @discardableResult
    package func set(_ consensus: Consensus) -> Bool {
        set(consensus, saves: true)
    }

    private func set(_ consensus: Consensus, saves: Bool) -> Bool {
        let flavor = consensus.flavor
        let stored = StoredConsensus(consensus, past: past(of: consensus))
        let isNewer = state.withLock { state in
            if let old = state.snapshot.consensus(flavor), old.validAfter >= consensus.validAfter { return false }
            state.snapshot.consensuses[flavor] = stored
            state.snapshot.version += 1
            for router in consensus.routers {
                guard let digest = router.microdescriptorDigest else { continue }
                state.lastListed[digest] = max(state.lastListed[digest] ?? consensus.validAfter, consensus.validAfter)
            }
            return true
        }
        guard isNewer else { return false }
        if servesConsensuses { thread.submit { _ in stored.prepare() } }
        if saves { write { files throws(FileError) in try files.saveConsensus(consensus.text, flavor) } }
        tell(.consensus(flavor))
        return true
    }

    /// What clients may have when this becomes the current consensus; nothing where nobody is served.
    private func past(of consensus: Consensus) -> [PastConsensus] {
        let current = state.withLock { $0.snapshot.consensuses[consensus.flavor] }
        guard servesConsensuses, let current, current.consensus.validAfter < consensus.validAfter else { return [] }
        let named =
            Int64(
                consensus.parameters.value("max-consensus-age-to-cache-for-diff", default: 8_192, in: 0...8_192))
            * 3_600
        let oldest = consensus.validAfter - min(longestPast ?? named, DirectoryClientLimits.pastConsensusAge)
        return PastConsensus.kept([PastConsensus(current)] + current.past, since: oldest)
    }

    /// Adds key certificates of authorities that are to be believed.
    ///
    /// - Returns: how many are new.
    @discardableResult
    package func add(_ certificates: [KeyCertificate]) -> Int {
        add(certificates, saves: true)
    }

    private func add(_ certificates: [KeyCertificate], saves: Bool) -> Int {
        let (added, all) = state.withLock { state in
            var added = 0
            for certificate in certificates {
                var known = state.snapshot.certificates[certificate.identity] ?? []
                guard !known.contains(where: { $0.digest == certificate.digest }) else { continue }
                known.append(certificate)
                known.sort { $0.published > $1.published }
                state.snapshot.certificates[certificate.identity] = known
                added += 1
            }
            if added > 0 { state.snapshot.version += 1 }
            return (added, Self.certificates(in: state.snapshot))
        }
        guard added > 0 else { return 0 }
        if saves { write { files throws(FileError) in try files.saveCertificates(all) } }
        tell(.certificates)
        return added
    }

    private static func certificates(in snapshot: DirectorySnapshot) -> [[UInt8]] {
        snapshot.certificates.sorted { $0.key < $1.key }.flatMap { $0.value.map(\.bytes) }
    }

    /// Adds microdescriptors that a consensus names, or that an authority has made.
    ///
    /// - Returns: how many are new.
    @discardableResult
    package func add(_ microdescriptors: [Microdescriptor], at now: WallTime) -> Int {
        let fresh = state.withLock { state in
            let fresh = microdescriptors.filter { state.snapshot.microdescriptors[$0.digest] == nil }
            for document in fresh {
                state.snapshot.microdescriptors[document.digest] = document
                if state.lastListed[document.digest] == nil { state.lastListed[document.digest] = now }
            }
            if !fresh.isEmpty { state.snapshot.version += 1 }
            return fresh
        }
        guard !fresh.isEmpty else { return 0 }
        append(fresh.map { record($0, now) }, to: .microdescriptors)
        tell(.microdescriptors)
        return fresh.count
    }

    /// Adds router descriptors that were checked.
    ///
    /// - Parameter annotations: lines that the cache keeps with each, as C Tor's `@downloaded-at` and `@source`.
    /// - Returns: how many are new.
    @discardableResult
    package func add(_ descriptors: [RouterDescriptor], annotations: String = "") -> Int {
        let fresh = state.withLock { state in
            let fresh = descriptors.filter { state.snapshot.descriptors[$0.digest] == nil }
            for document in fresh { Self.insert(document, into: &state.snapshot) }
            if !fresh.isEmpty { state.snapshot.version += 1 }
            return fresh
        }
        guard !fresh.isEmpty else { return 0 }
        append(fresh.map { .init(annotations: annotations, bytes: $0.bytes) }, to: .descriptors)
        tell(.descriptors)
        return fresh.count
    }

    private static func insert(_ document: RouterDescriptor, into snapshot: inout DirectorySnapshot) {
        snapshot.descriptors[document.digest] = document
        if let old = snapshot.newestDescriptors[document.identity].flatMap({ snapshot.descriptors[$0] }),
            old.published > document.published
        {
            return
        }
        snapshot.newestDescriptors[document.identity] = document.digest
    }

    /// Adds extra-info documents that were checked against their descriptors.
    ///
    /// - Returns: how many are new.
    @discardableResult
    package func add(_ documents: [ExtraInfoDocument]) -> Int {
        let fresh = state.withLock { state in
            let fresh = documents.filter { state.snapshot.extraInfo[$0.digest] == nil }
            for document in fresh { state.snapshot.extraInfo[document.digest] = document }
            if !fresh.isEmpty { state.snapshot.version += 1 }
            return fresh
        }
        guard !fresh.isEmpty else { return 0 }
        append(fresh.map { .init(bytes: $0.bytes) }, to: .extraInfo)
        return fresh.count
    }

    /// What we say of ourselves.
    package func setOwn(_ descriptor: RouterDescriptor?, extraInfo: ExtraInfoDocument?) {
        state.withLock { state in
            state.snapshot.ownDescriptor = descriptor
            state.snapshot.ownExtraInfo = extraInfo
            state.snapshot.version += 1
        }
    }

    /// Our own key certificate, which is added to the others.
    package func setOwn(_ certificate: KeyCertificate) {
        state.withLock { $0.snapshot.ownCertificate = certificate }
        add([certificate])
    }

    // MARK: - Pruning

    /// Drops what is too old to be of use; consensuses stay until there are newer ones.
    package func prune(at now: WallTime) {
        let certificates: [[UInt8]]? = state.withLock { state in
            // Without a live consensus nobody can say what is unlisted: we may have been away for a while.
            if state.snapshot.liveConsensus(.microdesc, at: now) != nil {
                let cutoff = now - DirectoryClientLimits.microdescriptorAge
                for (digest, listed) in state.lastListed where listed < cutoff {
                    state.snapshot.microdescriptors[digest] = nil
                    state.lastListed[digest] = nil
                }
            }
            Self.pruneDescriptors(&state.snapshot, at: now)
            let count = state.snapshot.certificates.values.reduce(0) { $0 + $1.count }
            state.snapshot.certificates = state.snapshot.certificates.mapValues { Self.useful($0, at: now) }
            state.snapshot.version += 1
            let isLess = state.snapshot.certificates.values.reduce(0) { $0 + $1.count } < count
            return isLess ? Self.certificates(in: state.snapshot) : nil
        }
        if let certificates { write { files throws(FileError) in try files.saveCertificates(certificates) } }
        for collection in [DirectoryFiles.Collection.microdescriptors, .descriptors, .extraInfo] {
            rebuild(collection, at: now)
        }
    }

    private static func pruneDescriptors(_ snapshot: inout DirectorySnapshot, at now: WallTime) {
        let cutoff = now - DirectoryClientLimits.descriptorAge
        let listed = Set(snapshot.consensus(.ns)?.routers.compactMap(\.descriptorDigest) ?? [])
        for (digest, document) in snapshot.descriptors where document.published < cutoff && !listed.contains(digest) {
            snapshot.descriptors[digest] = nil
            if snapshot.newestDescriptors[document.identity] == digest {
                snapshot.newestDescriptors[document.identity] = nil
            }
        }
        let named = Set(snapshot.descriptors.values.compactMap(\.extraInfoDigest))
        snapshot.extraInfo = snapshot.extraInfo.filter { named.contains($0.key) }
    }

    /// The newest certificate, and others as long as a consensus may be signed with them: not two days after they ended,
    /// and not when the next was made more than a week after them and two days ago.
    private static func useful(_ certificates: [KeyCertificate], at now: WallTime) -> [KeyCertificate] {
        let twoDays: Int64 = 2 * 86_400
        return certificates.enumerated().filter { index, certificate in
            guard index > 0 else { return true }
            let next = certificates[index - 1].published
            guard now > next + twoDays else { return true }
            return !certificate.isExpired(at: now) && next <= certificate.published + 7 * 86_400
        }.map(\.element)
    }

    // MARK: - The disk

    /// Reads what is on the disk, whatever is still of use. Call once, before anything is added.
    ///
    /// - Parameter trusts: whether certificates of an authority are to be believed.
    /// - Parameter verify: whether a consensus is signed by enough of those whose certificates are in the snapshot.
    package func load(
        at now: WallTime, trusts: (RSAIdentity) -> Bool, verify: (Consensus, DirectorySnapshot) -> Bool
    ) throws(FileError) {
        guard let files = disk?.files else { return }
        if let bytes = try files.certificates() {
            let read = DocumentSplitter.split(bytes, startingWith: ["dir-key-certificate-version"]).compactMap {
                try? KeyCertificate(Array(bytes[$0.range]))
            }
            _ = add(read.filter { trusts($0.identity) }, saves: false)
        }
        try loadMicrodescriptors(files, now)
        try loadDescriptors(files, now)
        for flavor in ConsensusFlavor.allCases {
            guard let bytes = try files.consensus(flavor), let consensus = try? Consensus(parsing: bytes),
                consensus.flavor == flavor,
                consensus.validUntil + DirectoryClientLimits.oldestConsensus >= now, verify(consensus, snapshot)
            else { continue }
            _ = set(consensus, saves: false)
        }
    }

    private func loadMicrodescriptors(_ files: DirectoryFiles, _ now: WallTime) throws(FileError) {
        let (records, sizes) = try files.records(.microdescriptors, startingWith: ["onion-key"])
        var isBroken = false
        state.withLock { state in
            state.sizes[.microdescriptors] = sizes
            for record in records {
                guard let document = try? Microdescriptor(record.bytes) else {
                    isBroken = true
                    continue
                }
                let prefix = "@last-listed "
                let listed = record.annotations.split(separator: "\n").last { $0.hasPrefix(prefix) }
                let time = listed.flatMap { WallTime(text: $0.dropFirst(prefix.utf8.count)) } ?? now
                state.snapshot.microdescriptors[document.digest] = document
                state.lastListed[document.digest] = max(state.lastListed[document.digest] ?? time, time)
            }
        }
        // What a crash cut off must not run into what is appended next.
        if isBroken { rebuild(.microdescriptors, at: now, evenIfSmall: true) }
    }

    private func loadDescriptors(_ files: DirectoryFiles, _ now: WallTime) throws(FileError) {
        let (records, sizes) = try files.records(.descriptors, startingWith: ["router"])
        let (extra, extraSizes) = try files.records(.extraInfo, startingWith: ["extra-info"])
        var isBroken = false
        state.withLock { state in
            state.sizes[.descriptors] = sizes
            state.sizes[.extraInfo] = extraSizes
            for record in records {
                if let document = try? RouterDescriptor(record.bytes) {
                    Self.insert(document, into: &state.snapshot)
                } else {
                    isBroken = true
                }
            }
            for record in extra {
                if let document = try? ExtraInfoDocument(record.bytes) {
                    state.snapshot.extraInfo[document.digest] = document
                } else {
                    isBroken = true
                }
            }
        }
        guard isBroken else { return }
        rebuild(.descriptors, at: now, evenIfSmall: true)
        rebuild(.extraInfo, at: now, evenIfSmall: true)
    }

    private func record(_ document: Microdescriptor, _ listed: WallTime) -> DirectoryFiles.Record {
        .init(annotations: "@last-listed \(listed)\n", bytes: document.bytes)
    }

    private func append(_ records: [DirectoryFiles.Record], to collection: DirectoryFiles.Collection) {
        write { [self] files throws(FileError) in
            let added = try files.append(records, to: collection)
            state.withLock { $0.sizes[collection, default: .init()].journal += added }
        }
    }

    /// Folds a journal in if it is time.
    private func rebuild(_ collection: DirectoryFiles.Collection, at now: WallTime, evenIfSmall: Bool = false) {
        write { [self] files throws(FileError) in
            let (records, isDue) = state.withLock { state -> ([DirectoryFiles.Record], Bool) in
                guard evenIfSmall || state.sizes[collection]?.shouldRebuild == true else { return ([], false) }
                switch collection {
                case .microdescriptors:
                    return (
                        state.snapshot.microdescriptors.values.map { record($0, state.lastListed[$0.digest] ?? now) },
                        true
                    )
                case .descriptors:
                    let sorted = state.snapshot.descriptors.values.sorted { $0.published < $1.published }
                    return (sorted.map { .init(bytes: $0.bytes) }, true)
                case .extraInfo:
                    let sorted = state.snapshot.extraInfo.values.sorted { $0.published < $1.published }
                    return (sorted.map { .init(bytes: $0.bytes) }, true)
                }
            }
            guard isDue else { return }
            let length = try files.rebuild(collection, records)
            state.withLock { $0.sizes[collection] = .init(main: length, journal: 0) }
        }
    }

    private func write(_ change: @escaping @Sendable (DirectoryFiles) throws(FileError) -> Void) {
        guard let disk else { return }
        disk.thread.submit { [logger] state in
            guard case .active = state else { return }
            do throws(FileError) {
                try change(disk.files)
            } catch {
                logger.warning("A directory cache file cannot be written", metadata: ["error": "\(error)"])
            }
        }
    }
}
