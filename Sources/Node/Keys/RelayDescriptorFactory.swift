package import Cells
package import Configuration
package import Directory
internal import OnionCrypto

/// Makes what a relay publishes of itself, from its settings, its keys and what it knows at the moment.
package struct RelayDescriptorFactory: Sendable {
    /// A descriptor and its extra-info document, signed, and read back as everybody will read them.
    package struct Publication: Sendable {
        /// The descriptor.
        package let router: RouterDescriptor
        /// The extra-info document that it names.
        package let extraInfo: ExtraInfoDocument

        /// What is posted to authorities.
        package var upload: [UInt8] { router.bytes + extraInfo.bytes }
    }

    /// What changes while a relay runs.
    package struct Moment: Sendable {
        /// Where the relay is reached over IPv4.
        package var ipv4: SocketEndpoint
        /// Where it is reached over IPv6, if at all.
        package var ipv6: SocketEndpoint?
        /// Its directory port, 0 if none is to be told.
        package var dirPort: UInt16 = 0
        /// What it has been seen to carry, in bytes per second.
        package var observedBandwidth: Int = 0
        /// For how many seconds it has been running.
        package var uptime: Int64 = 0
        /// The time.
        package var now: WallTime
        /// True if it will not be there for a while.
        package var isHibernating = false
        /// True if names cannot be resolved here, so that it is no exit.
        package var isDNSBroken = false
        /// Addresses of its interfaces and outbound sockets (`ExitPolicyRejectLocalInterfaces`).
        package var localAddresses: [IPAddress] = []
        /// When it was overloaded last, as an `overload-general` line says it.
        package var overload: String?
        /// Statistics for the extra-info document, each of whole lines.
        package var statistics: [[UInt8]] = []
        /// True if the TAP key is published (parameter `publish-dummy-tap-key`).
        package var publishesTapKey = true

        /// Takes what must be known.
        package init(ipv4: SocketEndpoint, now: WallTime) {
            self.ipv4 = ipv4
            self.now = now
        }
    }

    /// Why there is nothing to publish.
    package enum Failure: Error, Hashable, Sendable {
        /// The address is not one of IPv4, or the port is 0.
        case noAddress
        /// The exit policy in the settings cannot be read.
        case badPolicy
        /// A key does not sign, or keys do not belong together.
        case badKeys
        /// We made something that we cannot read ourselves.
        case unreadable(DirectoryError)
    }

    private let settings: Settings
    private let protocols: ProtocolList
    private let platform: String

    /// Takes settings, what this program speaks, and what it calls itself ("Fanion 0.1 on Linux").
    package init(_ settings: Settings, protocols: ProtocolList, platform: String) {
        self.settings = settings
        self.protocols = protocols
        self.platform = platform
    }

    /// The exit policy as it is published and enforced.
    package func exitPolicy(at moment: Moment) throws(Failure) -> ExitPolicy {
        if moment.isDNSBroken { return .rejectAll }
        var policy = ExitPolicy.Settings()
        policy.exitRelay = settings.exit.exitRelay
        policy.ipv6Exit = settings.exit.ipv6Exit
        policy.rejectPrivate = settings.exit.rejectsPrivate
        policy.reduced = settings.exit.reducedPolicy
        policy.ownAddresses = [moment.ipv4.address] + (moment.ipv6.map { [$0.address] } ?? [])
        policy.localAddresses = settings.exit.rejectsLocalInterfaces ? moment.localAddresses : []
        do throws(ExitPolicy.RuleError) {
            return try .configured(settings.exit.policy, policy)
        } catch {
            throw .badPolicy
        }
    }

    /// Makes and signs both documents.
    package func publication(of keys: RelayKeys, at moment: Moment) throws(Failure) -> Publication {
        guard case .v4(let address) = moment.ipv4.address, moment.ipv4.port != 0 else { throw .noAddress }
        guard let signer = keys.documentKeys(publishesTapKey: moment.publishesTapKey) else { throw .badKeys }
        let relay = settings.relay
        var builder = RouterDescriptorBuilder(
            nickname: relay.nickname, address: address, orPort: moment.ipv4.port, platform: platform,
            protocols: protocols, published: moment.now, bandwidth: bandwidth(at: moment))
        builder.dirPort = moment.dirPort
        builder.ipv6 = moment.ipv6
        builder.uptime = moment.uptime
        builder.cachesExtraInfo = relay.downloadsExtraInfo || settings.authority.isAuthority
        builder.family =
            RelayFamily(words: relay.family.filter { $0.lowercased() != relay.nickname.lowercased() }).members
        builder.isHibernating = moment.isHibernating
        builder.contact = relay.contactInfo
        builder.exitPolicy = try exitPolicy(at: moment)
        builder.publishesIPv6Policy = settings.exit.ipv6Exit
        builder.isTunnelledDirServer = relay.isDirectoryCache
        builder.overload = moment.overload
        var extraInfoBuilder = ExtraInfoBuilder(nickname: relay.nickname, published: moment.now)
        extraInfoBuilder.statistics = moment.statistics
        do {
            let extraInfo = try ExtraInfoDocument(try extraInfoBuilder.signed(with: signer))
            builder.extraInfo = extraInfo
            return Publication(router: try RouterDescriptor(try builder.signed(with: signer)), extraInfo: extraInfo)
        } catch let error as DirectoryError {
            throw .unreadable(error)
        } catch {
            throw .badKeys
        }
    }

    private func bandwidth(at moment: Moment) -> RouterDescriptor.AdvertisedBandwidth {
        let limits = settings.bandwidth
        let rate = min(limits.rate, limits.maxAdvertised, limits.relayRate ?? .max)
        let burst = min(limits.burst, limits.relayBurst ?? .max)
        return RouterDescriptor.AdvertisedBandwidth(
            rate: max(1, Int32(clamping: rate)), burst: max(0, Int32(clamping: burst)),
            observed: moment.isHibernating ? 0 : max(0, Int32(clamping: moment.observedBandwidth)))
    }
}
