package import Cells
package import OnionCrypto

/// Makes an extra-info document, with lines in C Tor's order.
package struct ExtraInfoBuilder: Sendable {
    /// The relay's nickname.
    package var nickname: String
    /// When it is made: the same moment as the descriptor's.
    package var published: WallTime
    /// Statistics, each of whole lines. What does not fit an upload is left out, from the last on.
    package var statistics: [[UInt8]] = []

    /// Starts a document without statistics.
    package init(nickname: String, published: WallTime) {
        self.nickname = nickname
        self.published = published
    }

    /// The signed document.
    package func signed(with keys: RouterSigningKeys) throws(CryptoError) -> [UInt8] {
        var statistics = statistics
        // The signatures take less than this: C Tor's DIROBJ_MAX_SIG_LEN, and the line of the Ed25519 signature.
        let limit = DirectoryLimits.extraInfoLength - 512
        while true {
            var writer = DocumentWriter()
            writer.line("extra-info", nickname, keys.identity.hex)
            writer.line("identity-ed25519")
            writer.object("ED25519 CERT", keys.signingKeyCertificate.encoded)
            writer.line("published", published.description)
            for lines in statistics { writer.lines(lines) }
            guard writer.bytes.count > limit, !statistics.isEmpty else { return try keys.sign(writer) }
            statistics.removeLast()
        }
    }
}
