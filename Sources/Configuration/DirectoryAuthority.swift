package import Cells

/// One `DirAuthority` line: a directory authority that this node trusts.
package struct DirectoryAuthority: Hashable, Sendable {
    /// What its operator calls it.
    package let nickname: String?
    /// Its IPv4 address.
    package let address: IPAddress
    /// Where it serves directory documents over HTTP.
    package let dirPort: UInt16
    /// Where it is a relay, if the line says so.
    package let orPort: UInt16?
    /// Its second ORPort, over IPv6.
    package let ipv6: SocketEndpoint?
    /// Identity of its relay.
    package let identity: RSAIdentity
    /// Identity of its votes; without one it does not vote.
    package let v3Identity: RSAIdentity?
    /// How often it is asked, relative to the others.
    package let weight: Double
    /// Where descriptors are uploaded, when not at `address` and `dirPort`.
    package let uploads: [SocketEndpoint]
    /// Where documents are fetched, when not at `address` and `dirPort`.
    package let downloads: [SocketEndpoint]
    /// Where votes are sent, when not at `address` and `dirPort`.
    package let votes: [SocketEndpoint]

    /// `[nickname] [flags] address:port fingerprint`; the fingerprint may be written in groups.
    static func read(
        _ line: TorrcLine, warnings: inout [ConfigurationWarning]
    ) throws(ConfigurationError) -> DirectoryAuthority {
        func error(_ reason: String) -> ConfigurationError {
            ConfigurationError(location: line.location, option: "DirAuthority", reason: reason)
        }
        func warn(_ reason: String) {
            warnings.append(ConfigurationWarning(location: line.location, option: "DirAuthority", reason: reason))
        }
        var words = line.value.split(whereSeparator: \.isWhitespace)[...]
        guard let first = words.first else { throw error("the line is empty") }
        var nickname: String?
        if NodeList.isNickname(first) {
            nickname = String(first)
            words.removeFirst()
        }
        var flags = Flags()
        while let word = words.first, !(word.first?.isNumber ?? false) {
            words.removeFirst()
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? parts[1] : ""
            switch parts[0].lowercased() {
            case "orport":
                guard let port = AddressText.port(value) else { throw error("\"\(word)\" names no port") }
                flags.orPort = port
            case "v3ident":
                guard value.utf8.count == 40, let identity = RSAIdentity(hex: String(value)) else {
                    throw error("\"\(word)\" holds no fingerprint")
                }
                flags.v3Identity = identity
            case "weight":
                guard let weight = Double(value), weight.isFinite, weight >= 0 else {
                    throw error("\"\(word)\" is no weight")
                }
                flags.weight = weight
            case "ipv6":
                guard let endpoint = AddressText.endpoint(value), endpoint.address.isV6 else {
                    throw error("\"\(word)\" holds no IPv6 address with a port")
                }
                flags.ipv6 = endpoint
            case "upload":
                guard let endpoint = url(value) else { throw error("\"\(word)\" is no http://address:port/") }
                flags.uploads.append(endpoint)
            case "download":
                guard let endpoint = url(value) else { throw error("\"\(word)\" is no http://address:port/") }
                flags.downloads.append(endpoint)
            case "vote":
                guard let endpoint = url(value) else { throw error("\"\(word)\" is no http://address:port/") }
                flags.votes.append(endpoint)
            case "bridge": throw error("bridge authorities are not supported yet")
            case "hs", "no-hs", "no-v2": warn("the flag \"\(word)\" is obsolete and ignored")
            default: warn("unknown flag \"\(word)\" is ignored")
            }
        }
        guard let place = words.popFirst() else { throw error("no address and port") }
        guard let endpoint = AddressText.endpoint(place), !endpoint.address.isV6 else {
            throw error("\"\(place)\" is no IPv4 address with a port")
        }
        let digits = words.joined()
        guard digits.utf8.count == 40, let identity = RSAIdentity(hex: digits) else {
            throw error("\"\(digits)\" is no fingerprint of 40 hexadecimal digits")
        }
        return DirectoryAuthority(
            nickname: nickname, address: endpoint.address, dirPort: endpoint.port, orPort: flags.orPort,
            ipv6: flags.ipv6, identity: identity, v3Identity: flags.v3Identity, weight: flags.weight,
            uploads: flags.uploads, downloads: flags.downloads, votes: flags.votes)
    }

    private struct Flags {
        var orPort: UInt16?
        var ipv6: SocketEndpoint?
        var v3Identity: RSAIdentity?
        var weight = 1.0
        var uploads: [SocketEndpoint] = []
        var downloads: [SocketEndpoint] = []
        var votes: [SocketEndpoint] = []
    }

    private static func url(_ text: Substring) -> SocketEndpoint? {
        guard text.hasPrefix("http://") else { return nil }
        var host = text.dropFirst("http://".count)
        if host.hasSuffix("/") { host = host.dropLast() }
        return AddressText.endpoint(host)
    }
}
