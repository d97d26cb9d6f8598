internal import Cells
internal import OnionCrypto

/// The X.509 certificates of one `LinkIdentity`, as C Tor makes them: of version 3, without extensions, named at random.
struct X509Set {
    /// The TLS key, by the RSA identity (type 1).
    let link: X509Certificate
    /// The RSA identity, by itself (type 2).
    let identity: X509Certificate
    /// An RSA authentication key that nobody uses any more, by the RSA identity (type 3).
    let authentication: X509Certificate

    init(
        identity: RSAKeyPair, tlsKey: RSAPublicKey, tlsLifetime: Int64?, now: WallTime,
        using random: inout some RandomNumberGenerator
    ) throws(CryptoError) {
        let subject = Self.randomName(".net", using: &random)
        let issuer = Self.randomName(".com", using: &random)
        let lifetime = tlsLifetime ?? Self.randomLifetime(using: &random)
        // The secret half is never used, so it is not even kept.
        let authenticationKey = try RSAKeyPair(bits: ChannelsSpec.identityBits)
        self.link = try X509Certificate.make(
            for: tlsKey, subject: subject, issuer: issuer, signer: identity, serial: random.randomBytes(8),
            validity: Self.validity(from: now, lifetime: lifetime, using: &random))
        self.identity = try X509Certificate.make(
            for: identity.publicKey, subject: issuer, issuer: issuer, signer: identity,
            serial: random.randomBytes(8),
            validity: Self.validity(
                from: now, lifetime: ChannelsSpec.identityCertificateLifetime, using: &random))
        self.authentication = try X509Certificate.make(
            for: authenticationKey.publicKey, subject: subject, issuer: issuer, signer: identity,
            serial: random.randomBytes(8),
            validity: Self.validity(from: now, lifetime: lifetime, using: &random))
    }

    /// `www.`, 8 to 20 letters of base32, and an ending.
    private static func randomName(_ ending: String, using random: inout some RandomNumberGenerator) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        let length = Int.random(in: 8...20, using: &random)
        let middle = (0..<length).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] }
        return "www." + String(decoding: middle, as: UTF8.self) + ending
    }

    /// A number of days; every other one ends a second early, as some of the Web's do.
    private static func randomLifetime(using random: inout some RandomNumberGenerator) -> Int64 {
        let days = Int64.random(in: ChannelsSpec.tlsLifetimeDays, using: &random)
        return days * 86_400 - (Bool.random(using: &random) ? 1 : 0)
    }

    /// A life that began at some midnight in the past and lasts for another day at least, if it is long enough for that.
    static func validity(
        from now: WallTime, lifetime: Int64, using random: inout some RandomNumberGenerator
    ) -> ClosedRange<Int64> {
        let lifetime = max(1, lifetime)
        let day: Int64 = 86_400
        let earliest = lifetime <= 2 * day ? now.seconds - 1 : now.seconds + 2 * day - lifetime
        let drawn = Int64.random(in: earliest..<max(now.seconds, earliest + 1), using: &random)
        let start = drawn - ((drawn % day) + day) % day
        return start...(start + lifetime)
    }
}
