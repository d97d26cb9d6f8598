package import Cells
package import Configuration
internal import Directory
package import Logging
internal import NIOCore
internal import OnionCrypto
internal import Transport

/// Uploads a relay's descriptor to every authority, when `PublishMachine` says so; what could not be delivered is tried
/// again.
///
/// Confined to the fetcher's loop. What is in the descriptor is its maker's business.
package final class DescriptorPublisher {
    private let fetcher: DirectoryFetcher
    private let dirPorts: DirPortClient
    private let authorities: [DirectoryAuthority]
    private let ownIdentity: RSAIdentity
    private let make: (_ reason: String) -> [UInt8]?
    private let logger: Logger
    private let clock: @Sendable () -> WallTime
    private var machine = PublishMachine()
    private var random = SystemRandom()

    /// What is on its way to an authority.
    private struct Delivery {
        var schedule: DownloadSchedule
        var isUnderWay = false
    }

    private var document: (bytes: [UInt8], reason: String, number: Int)?
    private var deliveries: [RSAIdentity: Delivery] = [:]
    private var timer: Scheduled<Void>?
    private var isRunning = false

    /// The least wait before an upload that failed is tried again.
    private static let retryDelay = Duration.seconds(10)

    /// A publisher that does nothing yet: see `start`.
    ///
    /// - Parameters:
    ///   - fetcher: carries the uploads.
    ///   - authorities: get them; we ourselves, if among them, do not.
    ///   - ownIdentity: who we are.
    ///   - make: makes a new descriptor with its extra-info document behind it, and stores it as our own; nil if we are
    ///     not to be published now (an address is unknown, the ORPort cannot be reached).
    package init(
        fetcher: DirectoryFetcher, authorities: [DirectoryAuthority], ownIdentity: RSAIdentity, logger: Logger,
        dirPorts: DirPortClient = DirPortClient(), clock: @escaping @Sendable () -> WallTime = { .now },
        make: @escaping (_ reason: String) -> [UInt8]?
    ) {
        self.fetcher = fetcher
        self.authorities = authorities.filter { $0.identity != ownIdentity }
        self.ownIdentity = ownIdentity
        self.make = make
        self.logger = logger
        self.dirPorts = dirPorts
        self.clock = clock
    }

    /// Publishes from now on.
    package func start() {
        isRunning = true
        tick()
    }

    /// Stops.
    package func stop() {
        isRunning = false
        timer?.cancel()
    }

    /// Something in the descriptor has changed: `config change`, `bandwidth has changed`, `IP address changed`,
    /// `rotated onion key`, ...
    package func markDirty(_ reason: String) {
        machine.markDirty(reason)
    }

    /// There is a new consensus.
    package func consensusChanged(_ snapshot: DirectorySnapshot) {
        guard let consensus = snapshot.consensus(.ns) ?? snapshot.consensus(.microdesc) else { return }
        guard let router = consensus.router(ownIdentity) else { return machine.consensusChanged(.missing) }
        if router.flags.contains(.staleDesc) { return machine.consensusChanged(.stale) }
        machine.consensusChanged(.listed(published: consensus.flavor == .ns ? router.published : nil))
    }

    private func tick() {
        guard isRunning else { return }
        publishIfDue()
        deliver()
        timer = fetcher.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in self?.tick() }
    }

    private func publishIfDue() {
        let now = clock()
        guard let reason = machine.due(at: now), let bytes = make(reason) else { return }
        machine.publish(at: now)
        document = (bytes, reason, (document?.number ?? 0) + 1)
        let schedule = DownloadSchedule(initialDelay: .zero, now: .now)
        for authority in authorities { deliveries[authority.identity] = Delivery(schedule: schedule) }
    }

    private func deliver() {
        guard let document else { return }
        let now = ContinuousClock.now
        for authority in authorities {
            let identity = authority.identity
            guard let delivery = deliveries[identity], !delivery.isUnderWay, delivery.schedule.isReady(at: now)
            else { continue }
            deliveries[identity]?.isUnderWay = true
            let request = DirectoryRequest.upload(descriptor: document.bytes, because: document.reason)
            let number = document.number
            func finished(_ result: Result<DirectoryResponse, DirectoryFetchError>) {
                self.finished(authority, number, result)
            }
            if let hop = authority.hop {
                fetcher.fetch(request, from: hop, completion: finished)
            } else {
                let endpoint =
                    authority.uploads.first ?? SocketEndpoint(address: authority.address, port: authority.dirPort)
                dirPorts.fetch(request, from: endpoint, on: fetcher.eventLoop).assumeIsolated().whenComplete {
                    finished($0.mapError { $0 as? DirectoryFetchError ?? .connectionFailed })
                }
            }
        }
    }

    private func finished(
        _ authority: DirectoryAuthority, _ number: Int, _ result: Result<DirectoryResponse, DirectoryFetchError>
    ) {
        // Another descriptor may have taken its place.
        guard number == document?.number else { return }
        let name = "\(authority.nickname ?? authority.identity.hex)"
        switch result {
        case .success(let response):
            deliveries[authority.identity] = nil
            switch response.status {
            case 200 where response.headers["X-Descriptor-Not-New"] != nil:
                logger.info("Uploading server descriptor: the authority has it already", metadata: ["to": "\(name)"])
            case 200: logger.info("Uploaded our server descriptor", metadata: ["to": "\(name)"])
            case 400:
                logger.warning(
                    "An authority rejected our server descriptor; please correct what it says",
                    metadata: ["authority": "\(name)", "reason": "\(response.reason)"])
            default:
                logger.warning(
                    "An authority did not take our server descriptor",
                    metadata: ["authority": "\(name)", "status": "\(response.status) \(response.reason)"])
                retry(authority.identity)
            }
        case .failure(let error):
            logger.info(
                "Our server descriptor could not be uploaded; trying again",
                metadata: ["authority": "\(name)", "error": "\(error)"])
            retry(authority.identity)
        }
    }

    private func retry(_ identity: RSAIdentity) {
        var delivery =
            deliveries[identity] ?? Delivery(schedule: DownloadSchedule(initialDelay: Self.retryDelay, now: .now))
        if delivery.schedule.failures == 0 {
            delivery.schedule = DownloadSchedule(initialDelay: Self.retryDelay, now: .now)
        }
        delivery.isUnderWay = false
        delivery.schedule.fail(now: .now, using: &random)
        deliveries[identity] = delivery
    }
}
