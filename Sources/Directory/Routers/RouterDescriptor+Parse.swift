internal import Cells
internal import OnionCrypto

extension RouterDescriptor {
    /// Reads a descriptor and checks every signature and certificate in it, as C Tor does. Whether certificates have
    /// ended is for the caller, who has a clock: see `certificatesExpire`.
    package init(_ bytes: [UInt8]) throws(DirectoryError) {
        let document = try DirectoryDocument(bytes, limit: DirectoryLimits.routerDescriptorLength)
        // dir-spec §2.1.1: such lines crash relays of 2011.
        for keyword in ["accept6", "reject6"] {
            if let item = document.first(keyword) { throw item.error(.forbidden) }
        }
        try Self.grammar.check(document)
        let signatures = RouterDocumentSignatures(document)

        let router = try document.required("router")
        let nickname = try document.argument(router)
        guard Nickname.isValid(nickname), case .v4(let address)? = IPAddress(try document.argument(router, 1)) else {
            throw router.error(.badArgument)
        }
        self.nickname = nickname
        self.address = address
        orPort = try document.number(router, 2, in: 1...UInt16.max)
        dirPort = try document.number(router, 4, in: 0...UInt16.max)
        ipv6 = document.firstIPv6("or-address")
        let bandwidth = try document.required("bandwidth")
        self.bandwidth = AdvertisedBandwidth(
            rate: try document.number(bandwidth, 0, in: 1...Int32.max),
            burst: try document.number(bandwidth, 1, in: 0...Int32.max),
            observed: try document.number(bandwidth, 2, in: 0...Int32.max))
        published = try document.time(try document.required("published"))
        platform = document.first("platform").map { document.text($0) }
        protocolText = document.text(try document.required("proto"))
        protocols = ProtocolList(protocolText.description) ?? ProtocolList([])
        uptime = try document.first("uptime").map { item throws(DirectoryError) in
            try document.number(item, in: 0...Int64.max)
        }
        isHibernating = document.first("hibernating").map { document.text($0) != "0" } ?? false
        contact = document.first("contact").map { document.text($0) }

        let identityKey = try document.rsaKey(try document.required("signing-key"), bits: 1024)
        let identity = identityKey.identity
        self.identityKey = identityKey
        self.identity = identity
        if let item = document.first("fingerprint") {
            let digits = document.text(item).bytes.filter { $0 != 0x20 }
            guard RSAIdentity(hex: String(decoding: digits, as: UTF8.self)) == identity else {
                throw item.error(.inconsistent)
            }
        }
        (exitPolicy, ipv6Policy) = try Self.policies(in: document)
        let family = document.first("family").map { document.arguments($0) } ?? []
        self.family = family.isEmpty ? nil : RelayFamily(words: family)
        if let item = document.first("family"), self.family?.hasUnknownMembers == true {
            throw item.error(.badArgument)
        }
        extraInfoDigest = document.first("extra-info-digest").flatMap { item in
            document.arguments(item).first.flatMap { Base16.decode($0) }.flatMap { DescriptorDigest($0) }
        }
        extraInfoSHA256 = document.first("extra-info-digest").flatMap { item in
            document.arguments(item).dropFirst().first.flatMap { DirectoryEncoding.base64($0, byteCount: 32) }
        }
        cachesExtraInfo = document.first("caches-extra-info") != nil
        isHSDir = document.first("hidden-service-dir") != nil
        isTunnelledDirServer = document.first("tunnelled-dir-server") != nil || dirPort > 0
        overload = document.first("overload-general").map { document.text($0) }

        let master = try signatures.identityCertificate()
        (signingKeyCertificate, ed25519Identity) = master
        let masterLine = try document.required("master-key-ed25519")
        guard Ed25519Identity(base64: try document.argument(masterLine)) == ed25519Identity else {
            throw masterLine.error(.inconsistent)
        }
        tapOnionKey = try Self.tapKey(in: document, identity, ed25519Identity)
        let ntor = try Self.ntorKey(in: document, ed25519Identity)
        ntorOnionKey = ntor.key
        familyIDs = try Self.familyIDs(in: document, ed25519Identity)
        // C Tor does not ask when the certificates of families end, so neither may an authority that agrees with it.
        certificatesExpire = min(signingKeyCertificate.expiration, ntor.expiration)
        digest = try signatures.digest()
        try signatures.checkEd25519(signingKeyCertificate)
        try signatures.checkRSA(identityKey)
        self.bytes = bytes
    }

    private static let grammar = DocumentGrammar([
        .init("router", .exactlyOnce, arguments: 5...Int.max, at: .first),
        .init("identity-ed25519", .exactlyOnce, arguments: 0...0, object: .required("ED25519 CERT"), at: .second),
        .init("master-key-ed25519", .exactlyOnce, arguments: 1...Int.max),
        .init("ipv6-policy", .atMostOnce),
        .init("signing-key", .exactlyOnce, arguments: 0...0, object: .required("RSA PUBLIC KEY")),
        .init("onion-key", .atMostOnce, arguments: 0...0, object: .required("RSA PUBLIC KEY")),
        .init("onion-key-crosscert", .atMostOnce, arguments: 0...0, object: .required("CROSSCERT")),
        .init("ntor-onion-key", .exactlyOnce, arguments: 1...Int.max),
        .init("ntor-onion-key-crosscert", .exactlyOnce, arguments: 1...1, object: .required("ED25519 CERT")),
        .init("published", .exactlyOnce),
        .init("uptime", .atMostOnce, arguments: 1...Int.max),
        .init("fingerprint", .atMostOnce),
        .init("hibernating", .atMostOnce, arguments: 1...Int.max),
        .init("platform", .atMostOnce),
        .init("proto", .exactlyOnce),
        .init("contact", .atMostOnce),
        .init("read-history", .atMostOnce),
        .init("write-history", .atMostOnce),
        .init("extra-info-digest", .atMostOnce, arguments: 1...Int.max),
        .init("hidden-service-dir", .atMostOnce, arguments: 0...0),
        .init("allow-single-hop-exits", .atMostOnce, arguments: 0...0),
        .init("family", .atMostOnce),
        .init("family-cert", .anyNumber, object: .anyName),
        .init("caches-extra-info", .atMostOnce, arguments: 0...0),
        .init("or-address", .anyNumber, arguments: 1...Int.max),
        .init("bandwidth", .exactlyOnce, arguments: 3...Int.max),
        .init("tunnelled-dir-server", .atMostOnce, arguments: 0...0),
        .init("accept", .anyNumber),
        .init("reject", .anyNumber),
        .init("router-sig-ed25519", .exactlyOnce, arguments: 1...Int.max, at: .secondToLast),
        .init("router-signature", .exactlyOnce, arguments: 0...0, object: .required("SIGNATURE"), at: .last),
    ])

    private static func policies(
        in document: DirectoryDocument
    ) throws(DirectoryError) -> (ExitPolicy, PortPolicy?) {
        var policy = ExitPolicy(rules: [])
        var hasRule = false
        for item in document.items where item.keyword == "accept" || item.keyword == "reject" {
            hasRule = true
            do throws(ExitPolicy.RuleError) {
                policy.rules += try ExitPolicy.rules(
                    keyword: item.keyword, pattern: document.text(item).description, .descriptor)
            } catch {
                throw item.error(.badArgument)
            }
        }
        guard hasRule else { throw DirectoryError(.missing, "accept") }
        guard let item = document.first("ipv6-policy"), !document.text(item).isEmpty else { return (policy, nil) }
        guard let ports = PortPolicy(document.text(item).description) else { throw item.error(.badArgument) }
        return (policy, ports)
    }

    /// The TAP key, which must have signed both identities: both lines are there, or none.
    private static func tapKey(
        in document: DirectoryDocument, _ identity: RSAIdentity, _ ed25519: Ed25519Identity
    ) throws(DirectoryError) -> RSAPublicKey? {
        switch (document.first("onion-key"), document.first("onion-key-crosscert")) {
        case (nil, nil): return nil
        case (nil, let item?), (let item?, nil): throw item.error(.inconsistent)
        case (let keyItem?, let certificate?):
            let key = try document.rsaKey(keyItem, bits: 1024)
            let signed = identity.bytes + ed25519.bytes
            guard key.isValidSignature(try document.object(certificate, "CROSSCERT"), startingWith: signed) else {
                throw certificate.error(.badSignature)
            }
            return key
        }
    }

    /// The ntor key, which must have signed the Ed25519 identity.
    private static func ntorKey(
        in document: DirectoryDocument, _ identity: Ed25519Identity
    ) throws(DirectoryError) -> (key: X25519.PublicKey, expiration: WallTime) {
        let keyItem = try document.required("ntor-onion-key")
        guard let bytes = DirectoryEncoding.base64(try document.argument(keyItem), byteCount: 32),
            let key = X25519.PublicKey(bytes)
        else { throw keyItem.error(.badKey) }
        let item = try document.required("ntor-onion-key-crosscert")
        let signBit: Bool
        switch try document.argument(item) {
        case "0": signBit = false
        case "1": signBit = true
        default: throw item.error(.badArgument)
        }
        let certificate = try document.certificate(item, .ntorCrossCertificate)
        guard certificate.certifiedKey == identity.bytes else { throw item.error(.badCertificate) }
        guard let signer = Ed25519.PublicKey(converting: key, signBit: signBit),
            signer.isValidSignature(certificate.signature, of: certificate.signedBytes)
        else { throw item.error(.badSignature) }
        return (key, certificate.expiration)
    }

    /// The families that certified the relay.
    private static func familyIDs(
        in document: DirectoryDocument, _ identity: Ed25519Identity
    ) throws(DirectoryError) -> [String] {
        var ids: Set<String> = []
        for item in document.all("family-cert") {
            let certificate = try document.certificate(item, .family)
            guard certificate.certifiedKey == identity.bytes, let family = certificate.signingKey else {
                throw item.error(.badCertificate)
            }
            guard
                Ed25519.PublicKey(family.bytes)?.isValidSignature(certificate.signature, of: certificate.signedBytes)
                    == true
            else { throw item.error(.badSignature) }
            ids.insert("ed25519:" + family.base64)
        }
        return ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
