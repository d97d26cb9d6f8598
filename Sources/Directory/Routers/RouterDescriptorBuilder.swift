package import Cells
package import OnionCrypto

/// Makes a router descriptor that authorities accept, with lines in C Tor's order.
package struct RouterDescriptorBuilder: Sendable {
    /// The relay's nickname.
    package var nickname: String
    /// Its IPv4 address, as a number.
    package var address: UInt32
    /// Its OR port.
    package var orPort: UInt16
    /// Its directory port, 0 if none.
    package var dirPort: UInt16 = 0
    /// Its IPv6 address and OR port.
    package var ipv6: SocketEndpoint?
    /// What it runs, and on what.
    package var platform: String
    /// What it speaks.
    package var protocols: ProtocolList
    /// When it is made.
    package var published: WallTime
    /// For how many seconds it has been running.
    package var uptime: Int64 = 0
    /// What it offers to carry.
    package var bandwidth: RouterDescriptor.AdvertisedBandwidth
    /// The extra-info document that goes with it.
    package var extraInfo: ExtraInfoDocument?
    /// True if it keeps others' extra-info documents.
    package var cachesExtraInfo = false
    /// The relays that are run together with it; the relay itself is added.
    package var family: [RelayFamily.Member] = []
    /// Keys of families that certify it.
    package var familyKeys: [Ed25519.KeyPair] = []
    /// True if it will not be there for a while.
    package var isHibernating = false
    /// How to reach its operator.
    package var contact: String?
    /// Where it lets out to.
    package var exitPolicy = ExitPolicy.rejectAll
    /// Whether its policy for IPv6 is published too.
    package var publishesIPv6Policy = false
    /// True if it answers directory requests over circuits.
    package var isTunnelledDirServer = true
    /// The arguments of an `overload-general` line: when it was overloaded last.
    package var overload: String?

    /// Takes what every descriptor has; the rest begins with C Tor's defaults.
    package init(
        nickname: String, address: UInt32, orPort: UInt16, platform: String, protocols: ProtocolList,
        published: WallTime, bandwidth: RouterDescriptor.AdvertisedBandwidth
    ) {
        self.nickname = nickname
        self.address = address
        self.orPort = orPort
        self.platform = platform
        self.protocols = protocols
        self.published = published
        self.bandwidth = bandwidth
    }

    /// The signed descriptor.
    package func signed(with keys: RouterSigningKeys) throws(CryptoError) -> [UInt8] {
        var writer = DocumentWriter()
        writer.line("router", nickname, IPAddress.v4(address).description, "\(orPort)", "0", "\(dirPort)")
        writer.line("identity-ed25519")
        writer.object("ED25519 CERT", keys.signingKeyCertificate.encoded)
        writer.line("master-key-ed25519", keys.ed25519Identity.base64)
        if let ipv6 { writer.line("or-address", ipv6.description) }
        writer.line("platform", ByteText(platform))
        writer.line("proto", protocols.description)
        writer.line("published", published.description)
        writer.line("fingerprint", keys.identity.spacedHex)
        writer.line("uptime", "\(max(0, uptime))")
        writer.line("bandwidth", "\(bandwidth.rate)", "\(bandwidth.burst)", "\(bandwidth.observed)")
        if let extraInfo {
            writer.line(
                "extra-info-digest", Base16.encode(extraInfo.digest.bytes, uppercase: true),
                DirectoryEncoding.base64(extraInfo.sha256))
        }
        if cachesExtraInfo { writer.line("caches-extra-info") }
        if let tap = keys.tapOnionKey {
            writer.line("onion-key")
            writer.object("RSA PUBLIC KEY", tap.publicKey.der)
        }
        writer.line("signing-key")
        writer.object("RSA PUBLIC KEY", keys.identityKey.publicKey.der)
        if let tap = keys.tapOnionKey {
            writer.line("onion-key-crosscert")
            writer.object("CROSSCERT", try tap.sign(digest: keys.identity.bytes + keys.ed25519Identity.bytes))
        }
        writeOnionCertificate(keys, into: &writer)
        let family = RelayFamily(family).canonicalText(including: keys.identity)
        if family.contains(" ") { writer.line("family", family) }
        if isHibernating { writer.line("hibernating", "1") }
        writer.line("hidden-service-dir")
        for key in familyKeys {
            writer.line("family-cert")
            writer.object("FAMILY CERT", familyCertificate(by: key, of: keys.ed25519Identity))
        }
        writer.line("contact", contact.map { ByteText($0) })
        writer.line("ntor-onion-key", DirectoryEncoding.base64(keys.onionKey.publicKey.bytes))
        for line in exitPolicy.descriptorLines { writer.line(line) }
        let ipv6Policy = exitPolicy.summary(isIPv6: true)
        if publishesIPv6Policy, !ipv6Policy.rejectsEverything { writer.line("ipv6-policy", ipv6Policy.description) }
        if isTunnelledDirServer { writer.line("tunnelled-dir-server") }
        if let overload { writer.line("overload-general", ByteText(overload)) }
        return try keys.sign(writer)
    }

    /// The identity, certified by the onion key for as long as that lives.
    private func writeOnionCertificate(_ keys: RouterSigningKeys, into writer: inout DocumentWriter) {
        let signer = Ed25519.KeyPair(converting: keys.onionKey)
        let unsigned = Ed25519Certificate.unsigned(
            type: .ntorCrossCertificate,
            expirationHours: Self.hours(until: published + DirectorySpec.onionKeyLifetime),
            certifiedKey: keys.ed25519Identity.bytes, signingKey: nil)
        writer.line("ntor-onion-key-crosscert", signer.publicKey.signBit ? "1" : "0")
        writer.object("ED25519 CERT", unsigned + signer.sign(unsigned))
    }

    private func familyCertificate(by key: Ed25519.KeyPair, of identity: Ed25519Identity) -> [UInt8] {
        let unsigned = Ed25519Certificate.unsigned(
            type: .family, expirationHours: Self.hours(until: published + DirectorySpec.familyCertificateLifetime),
            certifiedKey: identity.bytes, signingKey: Ed25519Identity(key.publicKey.bytes))
        return unsigned + key.sign(unsigned)
    }

    /// Whole hours since 1970, rounded up as C Tor does.
    private static func hours(until time: WallTime) -> UInt32 {
        UInt32(clamping: (time.seconds + 3599) / 3600)
    }
}
