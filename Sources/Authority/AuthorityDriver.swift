package import Cells
package import Circuits
package import Configuration
package import Directory
package import Logging
package import NIOCore
package import Node
package import OnionCrypto
internal import Synchronization
internal import Transport

/// A directory authority at work: votes, computes and publishes consensuses, takes descriptors, tests relays.
///
/// Decisions are `AuthorityRoundMachine`'s, `AuthorityDescriptorStore`'s and `VoteFactory`'s; this sends, stores and waits.
/// Confined to its loop, which should be its own: making and signing a consensus takes a while. What other loops ask for
/// is in `documents`, behind a lock.
// Safe to share: all that changes is touched on `loop` only, or is behind the lock.
package final class AuthorityDriver: DirectoryAuthorityService, @unchecked Sendable {
    /// How a relay is tested: a link handshake with it. Succeeds with the Ed25519 identity that it proved.
    package typealias Probe = @Sendable (HopTarget) -> EventLoopFuture<Ed25519Identity?>

    /// The loop that it runs on.
    package let loop: any EventLoop

    let settings: Settings
    private(set) var certificate: KeyCertificate
    private(set) var signingKey: RSAKeyPair
    let ownRelay: RSAIdentity?
    let peers: [AuthorityPeer]
    let authorities: Set<RSAIdentity>
    let store: DirectoryStore
    let files: AuthorityFiles
    let transport: any AuthorityTransport
    let probe: Probe?
    let logger: Logger
    let clock: @Sendable () -> WallTime
    let onConsensus: @Sendable ([Consensus]) -> Void
    let factory: VoteFactory

    let documents: Mutex<AuthorityDocuments>
    var machine: AuthorityRoundMachine
    var relays: AuthorityDescriptorStore
    var sharedRandom: SharedRandomState?
    var approved = ApprovedRouters()
    var schedule = ReachabilitySchedule()
    var waitingProbes: [RSAIdentity] = []
    var activeProbes = 0
    var upSince: WallTime
    var trackingSince: WallTime?
    var lastDiscounted: WallTime?
    private var timer: Scheduled<Void>?
    private var repeatedTasks: [RepeatedTask] = []
    private var isStopped = false

    /// An authority that waits for `start`.
    ///
    /// - Parameters:
    ///   - settings: the torrc's.
    ///   - signingKey: the key that signs votes and consensuses.
    ///   - certificate: its certificate.
    ///   - ownRelay: the identity of the relay in the same process, if there is one.
    ///   - store: where descriptors, microdescriptors, certificates and consensuses go.
    ///   - transport: how to reach other authorities.
    ///   - probe: how to test relays; nil if nobody can.
    ///   - loop: where all happens.
    ///   - logger: for the operator.
    ///   - clock: the time.
    ///   - onConsensus: is called on the loop with each round's published consensuses.
    package init(
        settings: Settings, signingKey: RSAKeyPair, certificate: KeyCertificate, ownRelay: RSAIdentity?,
        store: DirectoryStore, transport: any AuthorityTransport = DirPortTransport(), probe: Probe?,
        loop: any EventLoop, logger: Logger, clock: @escaping @Sendable () -> WallTime = { .now },
        onConsensus: @escaping @Sendable ([Consensus]) -> Void = { _ in }
    ) throws(AuthorityError) {
        guard signingKey.publicKey.identity == certificate.signingKeyDigest else { throw .wrongKey }
        let all = settings.directory.authorities.compactMap { AuthorityPeer($0) }
        guard let line = settings.directory.authorities.first(where: { $0.v3Identity == certificate.identity }) else {
            throw .notListed(certificate.identity)
        }
        guard let source = AuthoritySource(of: line, settings, identity: certificate.identity) else {
            throw .noAddress
        }
        let now = clock()
        self.settings = settings
        self.signingKey = signingKey
        self.certificate = certificate
        self.ownRelay = ownRelay
        self.store = store
        self.transport = transport
        self.probe = probe
        self.loop = loop
        self.logger = logger
        self.clock = clock
        self.onConsensus = onConsensus
        authorities = Set(all.map(\.identity))
        peers = all.filter { $0.identity != certificate.identity }
        files = AuthorityFiles(folder: settings.node.dataDirectory)
        factory = VoteFactory(settings: settings, source: source)
        documents = Mutex(AuthorityDocuments(own: certificate.identity))
        machine = AuthorityRoundMachine(
            own: certificate.identity, authorities: authorities, timing: .initial(settings),
            offset: settings.authority.votingStartOffset.components.seconds, now: now)
        relays = AuthorityDescriptorStore(rules: DescriptorRules(settings, own: ownRelay))
        upSince = now
    }

    /// Reads what was kept, and begins with the round that comes next.
    package func start() -> EventLoopFuture<Void> {
        loop.submit { [self] in
            let now = clock()
            upSince = now
            load(now)
            store.setOwn(certificate)
            relays.restore(store.snapshot.descriptors.values, now: now)
            machine.startRound(timing: timing(now), offset: offset, now: now)
            startSharedRandom(now)
            every(AuthoritySpec.testInterval) { $0.testRelays() }
            every(AuthorityLimits.stabilitySaveInterval) { $0.saveStability() }
            logger.notice("Scheduling voting", metadata: ["authorities": "\(authorities.count)"])
            advance()
        }
    }

    /// Stops voting and testing; what is to be kept is written.
    package func stop() -> EventLoopFuture<Void> {
        loop.submit { [self] in
            isStopped = true
            timer?.cancel()
            for task in repeatedTasks { task.cancel() }
            saveStability()
        }
    }

    /// Signs with other keys from now on: before a certificate ends, its operator makes a new one of the same identity.
    package func replaceKeys(signingKey: RSAKeyPair, certificate: KeyCertificate) -> EventLoopFuture<Void> {
        loop.submit { [self] in
            guard certificate.identity == self.certificate.identity,
                signingKey.publicKey.identity == certificate.signingKeyDigest
            else { throw AuthorityError.wrongKey }
            self.signingKey = signingKey
            self.certificate = certificate
            store.setOwn(certificate)
        }
    }

    private func every(_ seconds: Int64, _ body: @escaping @Sendable (AuthorityDriver) -> Void) {
        repeatedTasks.append(
            loop.scheduleRepeatedTask(initialDelay: .seconds(seconds), delay: .seconds(seconds)) { [weak self] _ in
                if let self { body(self) }
            })
    }

    var offset: Int64 { settings.authority.votingStartOffset.components.seconds }

    /// How long a round takes: what the consensus of the moment says, or the settings where there is none.
    func timing(_ now: WallTime) -> VotingSchedule.Timing {
        let snapshot = store.snapshot
        let consensus = [ConsensusFlavor.ns, .microdesc].lazy.compactMap { snapshot.consensus($0) }
            .first { $0.isValid(at: now) }
        guard let consensus else { return .initial(settings) }
        return VotingSchedule.Timing(
            interval: consensus.freshUntil - consensus.validAfter, voteDelay: consensus.voteDelay,
            distributionDelay: consensus.distributionDelay)
    }

    // MARK: - Rounds

    /// Does whatever is due, and waits for what comes next.
    func advance() {
        timer?.cancel()
        guard !isStopped else { return }
        while true {
            let now = clock()
            switch machine.advance(now: now) {
            case .wait(let until):
                guard until > now else { continue }
                // The clock counts whole seconds: the last one is watched closely, so that all authorities act together.
                let left = until - now
                let delay = left > 1 ? TimeAmount.seconds(left - 1) : .milliseconds(50)
                timer = loop.scheduleTask(in: delay) { [weak self] in self?.advance() }
                return
            case .vote: vote(now)
            case .fetchVotes(let missing): fetchVotes(missing)
            case .compute: compute(now)
            case .tooFewVotes(let have, let need):
                logger.warning(
                    "We don't have enough votes to generate a consensus",
                    metadata: ["have": "\(have)", "need": "\(need)"])
            case .nobodyIsRunning:
                logger.warning("Nobody has voted on the Running flag: not generating a consensus")
            case .fetchSignatures: fetchSignatures()
            case .publish: publish(now)
            }
            updateDocuments()
        }
    }

    /// All certificates that could have signed something.
    var certificates: [KeyCertificate] {
        store.snapshot.certificates.values.flatMap { $0 }
    }

    func updateDocuments() {
        let consensuses = machine.consensuses.map(\.consensus)
        let (votes, previous) = (machine.votes, machine.previousVotes)
        documents.withLock { documents in
            documents.votes = votes
            documents.previousVotes = previous
            documents.consensus = consensuses.first { $0.flavor == .ns }?.text
            documents.signatures = DetachedSignatures.encode(consensuses)
        }
    }

    /// Writes a file; a disk that is full must not stop the voting.
    func write(_ bytes: [UInt8], to file: AuthorityFiles.File) {
        do throws(FileError) {
            try files.write(bytes, to: file)
        } catch {
            logger.warning("A file could not be written", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Requests

    /// Votes and signatures of the moment.
    package func statusVoteDocuments(_ path: String) -> [[UInt8]] {
        documents.withLock { $0 }.statusVote(path)
    }

    /// The bandwidth file of our last vote.
    package func bandwidthFile() -> [UInt8]? {
        documents.withLock { $0.bandwidthFile }
    }

    /// Takes an upload, on our loop.
    package func receiveUpload(
        _ upload: DirectoryUpload, now: WallTime, reply: @escaping @Sendable (DirectoryUploadAnswer) -> Void
    ) {
        loop.execute { [self] in
            switch upload.kind {
            case .descriptors: reply(receiveDescriptors(upload, now))
            case .vote: reply(receiveVotes(upload.body, postedAt: now))
            case .signatures: reply(receiveSignatures(upload.body))
            }
            updateDocuments()
        }
    }
}

/// Another authority, as far as rounds of voting need to know it.
struct AuthorityPeer: Hashable, Sendable {
    /// Its v3 identity.
    let identity: RSAIdentity
    /// Where votes are sent.
    let uploads: [SocketEndpoint]
    /// Where it is asked.
    let downloads: [SocketEndpoint]

    /// Nil if it does not vote.
    init?(_ line: DirectoryAuthority) {
        guard let identity = line.v3Identity, !identity.isZero else { return nil }
        self.identity = identity
        let endpoint = SocketEndpoint(address: line.address, port: line.dirPort)
        uploads = line.votes.isEmpty ? [endpoint] : line.votes
        downloads = line.downloads.isEmpty ? [endpoint] : line.downloads
    }
}

extension AuthoritySource {
    /// What votes call us: our own `DirAuthority` line, and the relay's settings.
    init?(of line: DirectoryAuthority, _ settings: Settings, identity: RSAIdentity) {
        guard case .v4(let address) = line.address else { return nil }
        let contact = settings.relay.contactInfo.map { ByteText($0) }
        self.init(
            nickname: ByteText(settings.relay.nickname), identity: identity, hostname: ByteText("\(line.address)"),
            address: address, dirPort: line.dirPort, orPort: line.orPort ?? 0, contact: contact ?? "(none)")
    }
}

extension VotingSchedule.Timing {
    /// The lengths until there is a consensus.
    static func initial(_ settings: Settings) -> VotingSchedule.Timing {
        let authority = settings.authority
        return VotingSchedule.Timing(
            interval: authority.initialVotingInterval.components.seconds,
            voteDelay: authority.initialVoteDelay.components.seconds,
            distributionDelay: authority.initialDistributionDelay.components.seconds)
    }
}

extension DescriptorRules {
    /// What the settings say.
    init(_ settings: Settings, _ approved: ApprovedRouters = ApprovedRouters(), own: RSAIdentity?) {
        let (rejected, invalid) = (settings.authority.rejected, settings.authority.invalid)
        @Sendable func has(_ list: NodeList, _ router: RouterDescriptor) -> Bool {
            list.contains(
                identity: router.identity, nickname: router.nickname, address: IPAddress(ipv4: router.address),
                port: router.orPort)
        }
        self.init(
            isRejected: { has(rejected, $0) || approved.marks(of: $0).contains(.reject) },
            isInvalid: { has(invalid, $0) || approved.marks(of: $0).contains(.invalid) },
            minimalVersion: settings.authority.minimalAcceptedVersion, pinsKeys: settings.authority.pinsKeys,
            allowsPrivateAddresses: settings.directory.allowsPrivateAddresses, own: own)
    }
}
