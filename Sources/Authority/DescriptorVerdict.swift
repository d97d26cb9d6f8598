package import Cells
package import Directory
internal import Node

/// What an authority says of one document that was uploaded, and in which words: C Tor's.
package struct DescriptorVerdict: Hashable, Sendable {
    /// How it went; the most severe one answers for a whole upload.
    package enum Severity: Int, Comparable, Sendable {
        case certificatesExpired = -8
        case rejected = -5
        case notNew = -2
        case badExtraInfo = -1
        case added = 1

        /// The more severe one first.
        package static func < (left: Severity, right: Severity) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// How it went.
    package let severity: Severity
    /// In words.
    package let message: String

    /// A verdict.
    package init(_ severity: Severity, _ message: String) {
        self.severity = severity
        self.message = message
    }
}

/// Which relays an authority lets in: settings, as the descriptor store needs them.
package struct DescriptorRules: Sendable {
    /// Relays whose descriptors are refused.
    package var isRejected: @Sendable (RouterDescriptor) -> Bool
    /// Relays that never get the Valid flag.
    package var isInvalid: @Sendable (RouterDescriptor) -> Bool
    /// MinimalAcceptedServerVersion.
    package var minimalVersion: String
    /// AuthDirPinKeys.
    package var pinsKeys: Bool
    /// DirAllowPrivateAddresses.
    package var allowsPrivateAddresses: Bool
    /// Ourselves, whose descriptors always replace older ones.
    package var own: RSAIdentity?

    /// Takes the rules.
    package init(
        isRejected: @escaping @Sendable (RouterDescriptor) -> Bool,
        isInvalid: @escaping @Sendable (RouterDescriptor) -> Bool, minimalVersion: String, pinsKeys: Bool,
        allowsPrivateAddresses: Bool, own: RSAIdentity? = nil
    ) {
        self.isRejected = isRejected
        self.isInvalid = isInvalid
        self.minimalVersion = minimalVersion
        self.pinsKeys = pinsKeys
        self.allowsPrivateAddresses = allowsPrivateAddresses
        self.own = own
    }

    /// Why a descriptor is refused whatever else there is; nil if it is not.
    package func objection(to router: RouterDescriptor, pins: KeyPins, now: WallTime) -> String? {
        if let platform = router.platform {
            switch Self.version(platform) {
            case .none: break
            case .malformed: return "Malformed platform string."
            case .version(let version):
                if let minimal = TorVersion(ByteText(minimalVersion)), TorVersion.compare(version, minimal) < 0 {
                    return "Tor version is insecure or unsupported. Please upgrade!"
                }
            }
        }
        if isRejected(router) {
            return
                "Fingerprint and/or ed25519 identity is marked rejected -- if you think this is a mistake please set "
                + "a valid email address in ContactInfo and send an email to bad-relays@lists.torproject.org mentioning "
                + "your fingerprint(s)?"
        }
        if pinsKeys, pins.check(router.identity, router.ed25519Identity) == .mismatch {
            return "Ed25519 identity key or RSA identity key has changed."
        }
        if router.published - now > AuthoritySpec.allowedSkew {
            return "Rejected: Your clock is set too far in the future, or your timezone is not correct."
        }
        if now - router.published > AuthoritySpec.descriptorAge {
            return "Rejected: Server is expired, or your clock is too far in the past, or your timezone is not correct."
        }
        if !allowsPrivateAddresses {
            let addresses = [IPAddress(ipv4: router.address)] + (router.ipv6.map { [$0.address] } ?? [])
            if addresses.contains(where: \.isInternal) { return "Rejected: Address is a private address." }
        }
        return nil
    }

    private enum PlatformVersion {
        /// It is no Tor.
        case none
        case malformed
        case version(TorVersion)
    }

    /// The version of a platform such as "Tor 0.4.9.11 on Linux".
    private static func version(_ platform: ByteText) -> PlatformVersion {
        guard let text = versionText(platform) else { return platform.hasPrefix("Tor ") ? .malformed : .none }
        return TorVersion(text).map { .version($0) } ?? .malformed
    }

    /// "Tor 0.4.9.11" of such a platform: what a vote's `v` line says; nil if it is no Tor's or ends too early.
    package static func versionText(_ platform: ByteText) -> ByteText? {
        guard platform.hasPrefix("Tor ") else { return nil }
        let rest = platform.bytes.dropFirst(4)
        guard var end = rest.firstIndex(where: { $0 == 0x20 || $0 == 0x09 }) ?? Optional(rest.endIndex) else {
            return nil
        }
        // Very old versions name a revision behind the number.
        if rest[end...].starts(with: " (r".utf8) {
            end = rest[(end + 1)...].firstIndex { $0 == 0x20 } ?? rest.endIndex
        }
        return end > rest.startIndex ? ByteText(platform.bytes[..<end]) : nil
    }
}

extension RouterDescriptor {
    /// Whether a later descriptor says nothing new, so that it is not worth everybody's download.
    func differsOnlyCosmetically(from later: RouterDescriptor) -> Bool {
        guard address == later.address, nickname.lowercased() == later.nickname.lowercased(), orPort == later.orPort,
            ipv6 == later.ipv6, dirPort == later.dirPort, tapOnionKey == later.tapOnionKey,
            ntorOnionKey == later.ntorOnionKey, identity == later.identity, platform == later.platform,
            contact == later.contact, isHibernating == later.isHibernating, exitPolicy == later.exitPolicy,
            isTunnelledDirServer == later.isTunnelledDirServer, family == later.family
        else { return false }
        let capacity = (bandwidth.observed, later.bandwidth.observed)
        if capacity.0 < capacity.1 / 2 || capacity.1 < capacity.0 / 2 { return false }
        guard bandwidth.rate == later.bandwidth.rate, bandwidth.burst == later.bandwidth.burst,
            later.published - published <= AuthoritySpec.cosmeticTime
        else { return false }
        let limit = AuthorityLimits.believableUptime
        let (before, after) = (min(uptime ?? 0, limit), min(later.uptime ?? 0, limit))
        let drift = abs(after - (before + (later.published - published)))
        return drift <= AuthoritySpec.uptimeDrift || Double(drift) <= Double(before) * 0.05
            || Double(drift) <= Double(after) * 0.05
    }
}
