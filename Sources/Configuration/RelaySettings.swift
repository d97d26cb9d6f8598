internal import Cells

/// The relay: what it listens on, what it tells about itself, how much it carries.
package struct RelaySettings: Sendable {
    /// `ORPort`; empty means that this node is no relay.
    package let orPorts: [ServerPort]
    /// `DirPort`.
    package let dirPorts: [ServerPort]
    /// `Address`: IP addresses or host names, in order.
    package let addresses: [String]
    /// `AddressDisableIPv6`.
    package let disablesIPv6Address: Bool
    /// `Nickname`; "Unnamed" unless given.
    package let nickname: String
    /// `ContactInfo`.
    package let contactInfo: String?
    /// `MyFamily`: `$` with a fingerprint, or a nickname, as a descriptor carries them.
    package let family: [String]
    /// `PublishServerDescriptor`: whether descriptors are uploaded to authorities.
    package let publishesDescriptor: Bool
    /// `AssumeReachable`.
    package let assumesReachable: Bool
    /// `AssumeReachableIPv6`, or what `AssumeReachable` says.
    package let assumesIPv6Reachable: Bool
    /// `DirCache`.
    package let isDirectoryCache: Bool
    /// `ExtendAllowPrivateAddresses`.
    package let extendsToPrivateAddresses: Bool
    /// `MaxOnionQueueDelay`; `nil` when the built-in limit holds.
    package let maxOnionQueueDelay: Duration?
    /// `CircuitPadding`: padding machines pad.
    package let padsCircuits: Bool
    /// `DownloadExtraInfo`.
    package let downloadsExtraInfo: Bool
    /// `OfflineMasterKey`: never make or use the master secret.
    package let hasOfflineMasterKey: Bool
    /// `SigningKeyLifetime`.
    package let signingKeyLifetime: Duration
    /// `TestingSigningKeySlop`: how long before its end a signing key is replaced.
    package let signingKeySlop: Duration
    /// `TestingLinkCertLifetime`.
    package let linkCertificateLifetime: Duration
    /// `TestingLinkKeySlop`.
    package let linkCertificateSlop: Duration
    /// `TestingAuthKeyLifetime`.
    package let authenticationKeyLifetime: Duration
    /// `TestingAuthKeySlop`.
    package let authenticationKeySlop: Duration
    /// `TestingMinTimeToReportBandwidth`.
    package let minimumTimeToReportBandwidth: Duration
    /// Whether this node is a relay: it has a real ORPort and not `ClientOnly`.
    package let isRelay: Bool

    init(_ values: inout OptionValues) throws(ConfigurationError) {
        let isClientOnly = values.flag("ClientOnly")
        var ports = PortReader(name: "ORPort", defaultAddress: .v4(0))
        var ports6 = PortReader(name: "ORPort", defaultAddress: IPAddress.v6(high: 0, low: 0))
        let lines = values.lines("ORPort")
        var orPorts = try ports.serverPorts(lines)
        for port in try ports6.serverPorts(lines) where !orPorts.contains(port) { orPorts.append(port) }
        orPorts = Self.withoutSuperseded(orPorts)
        var dirReader = PortReader(name: "DirPort", defaultAddress: .v4(0))
        let dirPorts = try dirReader.serverPorts(values.lines("DirPort"))
        for warning in ports.warnings + dirReader.warnings {
            values.warn(warning.reason, option: warning.option, at: warning.location)
        }
        self.orPorts = isClientOnly ? [] : orPorts
        self.dirPorts = isClientOnly ? [] : dirPorts
        isRelay = !isClientOnly && orPorts.contains { $0.listens }
        try Self.check(self.orPorts, self.dirPorts, values)

        addresses = values.lines("Address").map(\.value)
        disablesIPv6Address = values.flag("AddressDisableIPv6")
        nickname = values.text("Nickname") ?? "Unnamed"
        guard NodeList.isNickname(nickname) else {
            throw values.error("Nickname", "\"\(nickname)\" is not 1 to 19 letters and digits")
        }
        contactInfo = values.text("ContactInfo")
        family = try Self.family(values)
        publishesDescriptor = try Self.publishes(&values)
        assumesReachable = values.flag("AssumeReachable")
        let ipv6 = values.autoFlag("AssumeReachableIPv6")
        guard !(assumesReachable && ipv6 == false) else {
            throw values.error("AssumeReachableIPv6", "cannot be 0 while AssumeReachable is 1")
        }
        assumesIPv6Reachable = ipv6 ?? assumesReachable
        isDirectoryCache = values.flag("DirCache")
        guard dirPorts.isEmpty || isClientOnly || isDirectoryCache else {
            throw values.error("DirPort", "needs DirCache 1")
        }
        extendsToPrivateAddresses = values.flag("ExtendAllowPrivateAddresses")
        let delay = values.integer("MaxOnionQueueDelay")
        maxOnionQueueDelay = delay > 0 ? .milliseconds(delay) : nil
        padsCircuits = values.flag("CircuitPadding")
        downloadsExtraInfo = values.flag("DownloadExtraInfo")
        hasOfflineMasterKey = values.flag("OfflineMasterKey")
        signingKeyLifetime = values.seconds("SigningKeyLifetime")
        signingKeySlop = values.seconds("TestingSigningKeySlop")
        linkCertificateLifetime = values.seconds("TestingLinkCertLifetime")
        linkCertificateSlop = values.seconds("TestingLinkKeySlop")
        authenticationKeyLifetime = values.seconds("TestingAuthKeyLifetime")
        authenticationKeySlop = values.seconds("TestingAuthKeySlop")
        minimumTimeToReportBandwidth = values.seconds("TestingMinTimeToReportBandwidth")
        guard signingKeyLifetime >= signingKeySlop * 2 else {
            throw values.error("SigningKeyLifetime", "shorter than twice TestingSigningKeySlop")
        }
        guard linkCertificateLifetime >= linkCertificateSlop * 2 else {
            throw values.error("TestingLinkCertLifetime", "shorter than twice TestingLinkKeySlop")
        }
        guard authenticationKeyLifetime >= authenticationKeySlop * 2 else {
            throw values.error("TestingAuthKeyLifetime", "shorter than twice TestingAuthKeySlop")
        }
    }

    /// A port with an address stands in for one of the same number and family without.
    private static func withoutSuperseded(_ ports: [ServerPort]) -> [ServerPort] {
        ports.filter { port in
            guard !port.isAddressExplicit, case .tcp(let ip, let number) = port.address else { return true }
            return !ports.contains { other in
                guard other.isAddressExplicit, case .tcp(let otherIP, let otherNumber) = other.address else {
                    return false
                }
                return otherIP.isV6 == ip.isV6 && otherNumber == number
            }
        }
    }

    private static func check(
        _ orPorts: [ServerPort], _ dirPorts: [ServerPort], _ values: OptionValues
    ) throws(ConfigurationError) {
        func isIPv4(_ port: ServerPort) -> Bool {
            guard case .tcp(let ip, _) = port.address else { return false }
            return !ip.isV6
        }
        if !orPorts.isEmpty {
            guard orPorts.contains(where: \.listens) else {
                throw values.error("ORPort", "one is advertised, but none listens")
            }
            guard orPorts.contains(where: \.advertises) else {
                throw values.error("ORPort", "one listens, but none is advertised, so nobody could use this relay")
            }
            guard orPorts.contains(where: { $0.advertises && isIPv4($0) }) else {
                throw values.error("ORPort", "a relay needs an IPv4 address too")
            }
        }
        let advertised = dirPorts.filter(\.advertises)
        if !advertised.isEmpty {
            guard dirPorts.contains(where: { $0.listens && isIPv4($0) }) else {
                throw values.error("DirPort", "one is advertised, but none listens on an IPv4 address")
            }
            guard advertised.count == 1 else { throw values.error("DirPort", "more than one is advertised") }
        }
    }

    private static func family(_ values: OptionValues) throws(ConfigurationError) -> [String] {
        var family: [String] = []
        for line in values.lines("MyFamily") {
            for item in line.value.split(separator: ",") {
                let item = trimmed(item)
                if item.isEmpty { continue }
                if let identity = NodeList.identity(item) {
                    family.append("$" + identity.hex)
                } else if NodeList.isNickname(item) {
                    family.append(item)
                } else {
                    throw ConfigurationError(
                        location: line.location, option: "MyFamily",
                        reason: "\"\(item)\" is no fingerprint and no nickname")
                }
            }
        }
        return family
    }

    private static func publishes(_ values: inout OptionValues) throws(ConfigurationError) -> Bool {
        var publishes = false
        for item in values.list("PublishServerDescriptor") {
            switch item.lowercased() {
            case "1", "v3": publishes = true
            case "0": break
            case "v1", "v2", "hidserv": values.warn("\"\(item)\" has no effect", option: "PublishServerDescriptor")
            case "bridge": throw values.error("PublishServerDescriptor", "bridges are not supported yet")
            default: throw values.error("PublishServerDescriptor", "\"\(item)\" is none of 0, 1 and v3")
            }
        }
        return publishes
    }
}

/// Bytes per second and in a burst, for this node and for what it relays.
package struct BandwidthSettings: Sendable {
    /// `BandwidthRate`.
    package let rate: Int
    /// `BandwidthBurst`.
    package let burst: Int
    /// `RelayBandwidthRate`; `nil` when relayed traffic has no limit of its own.
    package let relayRate: Int?
    /// `RelayBandwidthBurst`.
    package let relayBurst: Int?
    /// `PerConnBWRate`; `nil` when the consensus decides.
    package let perConnectionRate: Int?
    /// `PerConnBWBurst`.
    package let perConnectionBurst: Int?
    /// `MaxAdvertisedBandwidth`.
    package let maxAdvertised: Int
    /// `CountPrivateBandwidth`: traffic with private addresses is limited too.
    package let countsPrivate: Bool

    init(_ values: OptionValues, isRelay: Bool) throws(ConfigurationError) {
        var rate = try values.bandwidth("BandwidthRate")
        var burst = try values.bandwidth("BandwidthBurst")
        maxAdvertised = try values.bandwidth("MaxAdvertisedBandwidth")
        var relayRate = try values.bandwidth("RelayBandwidthRate")
        var relayBurst = try values.bandwidth("RelayBandwidthBurst")
        let connectionRate = try values.bandwidth("PerConnBWRate")
        let connectionBurst = try values.bandwidth("PerConnBWBurst")
        if relayBurst == 0 { relayBurst = relayRate }
        if relayRate == 0 { relayRate = relayBurst }
        if isRelay {
            let minimum = ConfigurationLimits.relayMinimumBandwidth
            guard rate >= minimum else {
                throw values.error("BandwidthRate", "\(rate) bytes per second; a relay needs at least \(minimum)")
            }
            guard maxAdvertised >= minimum / 2 else {
                throw values.error(
                    "MaxAdvertisedBandwidth", "\(maxAdvertised) bytes per second; a relay needs at least \(minimum / 2)"
                )
            }
            guard relayRate == 0 || relayRate >= minimum else {
                throw values.error(
                    "RelayBandwidthRate", "\(relayRate) bytes per second; a relay needs at least \(minimum)")
            }
        }
        guard relayRate <= relayBurst else {
            throw values.error("RelayBandwidthBurst", "must be at least equal to RelayBandwidthRate")
        }
        rate = max(rate, relayRate)
        burst = max(burst, relayBurst)
        guard rate <= burst else { throw values.error("BandwidthBurst", "must be at least equal to BandwidthRate") }
        self.rate = rate
        self.burst = burst
        self.relayRate = relayRate > 0 ? relayRate : nil
        self.relayBurst = relayBurst > 0 ? relayBurst : nil
        perConnectionRate = connectionRate > 0 ? connectionRate : nil
        perConnectionBurst = connectionBurst > 0 ? connectionBurst : perConnectionRate
        countsPrivate = values.flag("CountPrivateBandwidth")
    }
}
