package import Cells
package import Configuration
internal import Node

/// How names are looked up.
package struct DNSResolverSettings: Hashable, Sendable {
    /// The file that names the name servers.
    package var resolvConfPath: String
    /// Name servers to use instead of those in the file; for tests and for networks that need a port of their own.
    package var nameServers: [SocketEndpoint] = []
    /// Whether the search domains of the file are tried.
    package var searchesDomains = false
    /// Whether questions are written in random case, which answers must repeat: harder to forge.
    package var randomizesCase = true
    /// Whether IPv6 addresses are asked for too.
    package var wantsIPv6 = false
    /// From which address questions leave over IPv4.
    package var sourceIPv4: IPAddress?
    /// From which address questions leave over IPv6.
    package var sourceIPv6: IPAddress?
    /// How long a name server may take, in milliseconds.
    package var timeoutMilliseconds = RelaySpec.nameServerTimeout
    /// How often each name server is asked.
    package var attempts = RelaySpec.nameServerAttempts

    /// The defaults, with the system's name servers.
    package init(resolvConfPath: String = "/etc/resolv.conf") {
        self.resolvConfPath = resolvConfPath
    }

    /// What the operator should know about the file of name servers; nil if all is well. Without one, 127.0.0.1 is asked.
    package var problem: String? {
        guard nameServers.isEmpty else { return nil }
        do throws(FileError) {
            guard let bytes = try SecureFiles.read(resolvConfPath) else {
                return "\(resolvConfPath) does not exist; names are looked up at 127.0.0.1"
            }
            let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            let names = lines.contains { $0.drop { $0 == " " || $0 == "\t" }.hasPrefix("nameserver") }
            return names ? nil : "\(resolvConfPath) names no name server; names are looked up at 127.0.0.1"
        } catch {
            return "\(error); names are looked up at 127.0.0.1"
        }
    }

    /// What a torrc says.
    package init(_ settings: Settings) {
        self.init(resolvConfPath: settings.exit.dns.resolvConfFile ?? "/etc/resolv.conf")
        searchesDomains = settings.exit.dns.searchesDomains
        randomizesCase = settings.exit.dns.randomizesCase
        wantsIPv6 = settings.exit.ipv6Exit
        sourceIPv4 = settings.node.outboundAddresses.forExitStream(to: .v4(0))
        sourceIPv6 = settings.node.outboundAddresses.forExitStream(to: .v6(high: 0, low: 0))
    }
}
