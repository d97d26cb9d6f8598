package import Cells

/// Where a port option listens.
package enum PortAddress: Hashable, Sendable {
    /// A TCP port; `nil` means that the system picks one (`auto`).
    case tcp(IPAddress, UInt16?)
    /// A Unix socket at this path.
    case unix(String)

    /// The address and port, when both are fixed.
    package var endpoint: SocketEndpoint? {
        guard case .tcp(let address, let port?) = self else { return nil }
        return SocketEndpoint(address: address, port: port)
    }
}

/// One `ORPort` or `DirPort`: where to listen, and what to tell others.
package struct ServerPort: Hashable, Sendable {
    /// Where to listen (unless `listens` is false) and what to advertise (unless `advertises` is false).
    package let address: PortAddress
    /// Whether the line named an address; `ORPort 9001` stands for all of them.
    package let isAddressExplicit: Bool
    /// False with `NoAdvertise`.
    package let advertises: Bool
    /// False with `NoListen`: something else forwards to us.
    package let listens: Bool
}

/// Which streams may share a circuit (`Isolate...` flags).
package struct IsolationFlags: OptionSet, Hashable, Sendable {
    /// One bit for each flag.
    package let rawValue: UInt8

    /// These flags.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Streams to different ports stay apart.
    package static let destinationPort = IsolationFlags(rawValue: 1)
    /// Streams to different addresses stay apart.
    package static let destinationAddress = IsolationFlags(rawValue: 2)
    /// Streams with different SOCKS credentials stay apart.
    package static let socksAuthentication = IsolationFlags(rawValue: 4)
    /// Streams that came by different protocols stay apart.
    package static let clientProtocol = IsolationFlags(rawValue: 8)
    /// Streams of programs at different addresses stay apart.
    package static let clientAddress = IsolationFlags(rawValue: 16)

    /// What holds when a line says nothing.
    package static let standard: IsolationFlags = [.clientAddress, .socksAuthentication]
}

/// Who may use a Unix socket.
package struct UnixSocketAccess: Hashable, Sendable {
    /// `GroupWritable`.
    package var isGroupWritable = false
    /// `WorldWritable`.
    package var isWorldWritable = false
    /// `RelaxDirModeCheck`: the folder may be open to others.
    package var relaxesFolderCheck = false
}

/// One `SocksPort`.
package struct SocksPort: Hashable, Sendable {
    /// Where it listens.
    package let address: PortAddress
    /// Who may use it, if it is a Unix socket.
    package var access = UnixSocketAccess()
    /// Which of its streams stay apart.
    package var isolation = IsolationFlags.standard
    /// Streams of ports with the same group may share circuits; without one, a port is alone.
    package var sessionGroup: Int?
    /// Whether streams may go to IPv4 addresses.
    package var allowsIPv4 = true
    /// Whether streams may go to IPv6 addresses.
    package var allowsIPv6 = true
    /// Whether an exit is asked for IPv6 first.
    package var prefersIPv6 = false
    /// Whether host names may be asked for.
    package var allowsDNS = true
    /// Whether onion services may be asked for.
    package var allowsOnion = true
    /// Take "no authentication" from a client that offers both that and a password.
    package var prefersNoAuthentication = false
    /// A circuit used with SOCKS credentials lives on while it is used.
    package var keepsIsolatedCircuitsAlive = false
    /// Answer with Tor's own SOCKS 5 codes F0 to F7.
    package var extendedErrors = false
}

/// One `ControlPort` or `ControlSocket`.
package struct ControlPort: Hashable, Sendable {
    /// Where it listens.
    package let address: PortAddress
    /// Who may use it, if it is a Unix socket.
    package var access = UnixSocketAccess()
}

/// Reads the lines of port options as C Tor does.
struct PortReader {
    /// The option, for messages.
    let name: String
    /// The address of a line that names only a port; `nil` for `ControlSocket`, whose lines are paths.
    let defaultAddress: IPAddress?
    private(set) var warnings: [ConfigurationWarning] = []

    private struct Line {
        let source: TorrcLine
        /// `nil` for port 0, which turns the option off.
        let address: PortAddress?
        let isAddressExplicit: Bool
        let flags: [Substring]
    }

    init(name: String, defaultAddress: IPAddress?) {
        self.name = name
        self.defaultAddress = defaultAddress
    }

    private func error(_ line: TorrcLine, _ reason: String) -> ConfigurationError {
        ConfigurationError(location: line.location, option: name, reason: reason)
    }

    private mutating func warn(_ line: TorrcLine, _ reason: String) {
        warnings.append(ConfigurationWarning(location: line.location, option: name, reason: reason))
    }

    /// Splits every line into address and flags; port 0 beside a real port is a contradiction.
    private func split(_ lines: [TorrcLine]) throws(ConfigurationError) -> [Line] {
        var split: [Line] = []
        for line in lines { split.append(try self.split(line)) }
        if let off = split.first(where: { $0.address == nil }), split.contains(where: { $0.address != nil }) {
            throw error(off.source, "\"\(name) 0\" beside a line that is not 0; is it on or off?")
        }
        return split.filter { $0.address != nil }
    }

    private func split(_ line: TorrcLine) throws(ConfigurationError) -> Line {
        var rest = Substring(line.value)
        var path: String?
        if rest.hasPrefix("unix:\"") {
            rest = rest.dropFirst("unix:\"".count)
            guard let end = rest.firstIndex(of: "\"") else { throw error(line, "the path has no closing quote") }
            path = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
        } else {
            let word = rest.prefix { !$0.isWhitespace }
            rest = rest[word.endIndex...]
            if word.hasPrefix("unix:") {
                path = String(word.dropFirst("unix:".count))
            } else if defaultAddress == nil {
                path = String(word)
            } else {
                let (address, isExplicit) = try tcp(word, line)
                return Line(
                    source: line, address: address, isAddressExplicit: isExplicit,
                    flags: rest.split(whereSeparator: \.isWhitespace))
            }
        }
        guard let path, !path.isEmpty else { throw error(line, "no path") }
        let flags = rest.split(whereSeparator: \.isWhitespace)
        if defaultAddress == nil, path == "0" {
            return Line(source: line, address: nil, isAddressExplicit: false, flags: flags)
        }
        return Line(source: line, address: .unix(path), isAddressExplicit: true, flags: flags)
    }

    private func tcp(_ text: Substring, _ line: TorrcLine) throws(ConfigurationError) -> (PortAddress?, Bool) {
        guard let defaultAddress else { throw error(line, "no path") }
        // The one host name that needs no lookup.
        let word = text.hasPrefix("localhost:") ? "127.0.0.1" + text.dropFirst("localhost".count) : String(text)
        if word.lowercased() == "auto" { return (.tcp(defaultAddress, nil), false) }
        if word.lowercased().hasSuffix(":auto") {
            guard let address = IPAddress(word.dropLast(":auto".count)) else {
                throw error(line, "\"\(word)\" holds no IP address")
            }
            return (.tcp(address, nil), true)
        }
        if word == "0" { return (nil, false) }
        if let port = AddressText.port(word) { return (.tcp(defaultAddress, port), false) }
        guard let endpoint = AddressText.endpoint(word) else {
            throw error(line, "\"\(word)\" is no port, no address with a port and no unix: path")
        }
        return (.tcp(endpoint.address, endpoint.port), true)
    }
}

// MARK: - Ports of a relay

extension PortReader {
    /// `ORPort` and `DirPort` lines: `[address:]port|auto [NoAdvertise] [NoListen] [IPv4Only] [IPv6Only]`.
    mutating func serverPorts(_ lines: [TorrcLine]) throws(ConfigurationError) -> [ServerPort] {
        var ports: [ServerPort] = []
        for line in try split(lines) {
            guard let address = line.address, case .tcp(let ip, _) = address else {
                throw error(line.source, "cannot be a Unix socket")
            }
            var (advertises, listens, onlyIPv4, onlyIPv6) = (true, true, false, false)
            for flag in line.flags {
                switch flag.lowercased() {
                case "noadvertise": advertises = false
                case "nolisten": listens = false
                case "ipv4only": onlyIPv4 = true
                case "ipv6only": onlyIPv6 = true
                default: warn(line.source, "unknown flag \"\(flag)\" is ignored")
                }
            }
            guard advertises || listens else { throw error(line.source, "both NoListen and NoAdvertise") }
            guard !(onlyIPv4 && onlyIPv6) else { throw error(line.source, "both IPv4Only and IPv6Only") }
            if onlyIPv4 ? ip.isV6 : onlyIPv6 && !ip.isV6 {
                // A port without an address is read once per family; the other reading takes it.
                guard line.isAddressExplicit else { continue }
                throw error(
                    line.source, "the address is not of the family that \(onlyIPv4 ? "IPv4Only" : "IPv6Only") asks for")
            }
            let port = ServerPort(
                address: address, isAddressExplicit: line.isAddressExplicit, advertises: advertises, listens: listens)
            if !ports.contains(port) { ports.append(port) }
        }
        return ports
    }
}

// MARK: - Ports for programs here

extension PortReader {
    /// `SocksPort` lines with their isolation and traffic flags.
    mutating func socksPorts(
        _ lines: [TorrcLine], groupWritable: Bool
    ) throws(ConfigurationError) -> [SocksPort] {
        var ports: [SocksPort] = []
        for line in try split(lines) {
            guard let address = line.address else { continue }
            var port = SocksPort(address: address)
            var access: UnixSocketAccess?
            for flag in line.flags { try read(flag, into: &port, &access, line.source) }
            guard port.allowsIPv4 || port.allowsIPv6 || port.allowsOnion else {
                throw error(line.source, "IPv4, IPv6 and .onion are all turned off")
            }
            guard port.allowsIPv4 || port.allowsIPv6 || !port.allowsDNS else {
                throw error(line.source, "DNSRequest is on, but IPv4 and IPv6 are off")
            }
            guard !port.keepsIsolatedCircuitsAlive || port.isolation.contains(.socksAuthentication) else {
                throw error(line.source, "both NoIsolateSOCKSAuth and KeepAliveIsolateSOCKSAuth")
            }
            port.access = try resolved(access, address, groupWritable, line.source)
            if case .unix = address { port.isolation.remove(.clientAddress) }
            if !port.isolation.contains(.socksAuthentication) { port.prefersNoAuthentication = true }
            warnIfPublic(address, line.source)
            ports.append(port)
        }
        return ports
    }

    /// `ControlPort` and `ControlSocket` lines. Without any authentication only loopback addresses are allowed.
    mutating func controlPorts(
        _ lines: [TorrcLine], groupWritable: Bool, isAuthenticated: Bool
    ) throws(ConfigurationError) -> [ControlPort] {
        var ports: [ControlPort] = []
        for line in try split(lines) {
            guard let address = line.address else { continue }
            var access: UnixSocketAccess?
            for flag in line.flags where try !readAccess(flag, into: &access) {
                warn(line.source, "unknown flag \"\(flag)\" is ignored")
            }
            if case .tcp(let ip, _) = address, !ip.isLoopback {
                guard isAuthenticated else {
                    throw error(
                        line.source,
                        "anybody who reaches this address could take over; set CookieAuthentication or "
                            + "HashedControlPassword, or use a loopback address")
                }
                warn(line.source, "the control protocol is not encrypted; a loopback address would be better")
            }
            ports.append(
                ControlPort(address: address, access: try resolved(access, address, groupWritable, line.source)))
        }
        return ports
    }

    private mutating func read(
        _ flag: Substring, into port: inout SocksPort, _ access: inout UnixSocketAccess?, _ line: TorrcLine
    ) throws(ConfigurationError) {
        if flag.lowercased().hasPrefix("sessiongroup=") {
            guard let group = Int32(flag.dropFirst("sessiongroup=".count)), group >= 0 else {
                throw error(line, "\"\(flag)\" names no group")
            }
            guard port.sessionGroup == nil else { throw error(line, "SessionGroup is given twice") }
            port.sessionGroup = Int(group)
            return
        }
        if try readAccess(flag, into: &access) { return }
        let on = !flag.lowercased().hasPrefix("no")
        let name = (on ? flag[...] : flag.dropFirst(2)).lowercased()
        switch name {
        case "ipv4traffic": port.allowsIPv4 = on
        case "ipv6traffic": port.allowsIPv6 = on
        case "preferipv6": port.prefersIPv6 = on
        case "dnsrequest": port.allowsDNS = on
        case "oniontraffic": port.allowsOnion = on
        case "oniontrafficonly":
            guard on else {
                warn(line, "NoOnionTrafficOnly is ignored; say what you want with DNSRequest, IPv4Traffic, IPv6Traffic")
                return
            }
            port.allowsIPv4 = false
            port.allowsIPv6 = false
            port.allowsDNS = false
        case "cacheipv4dns", "cacheipv6dns", "cachedns", "useipv4cache", "useipv6cache", "usednscache":
            if on { warn(line, "\"\(flag)\" is ignored: answers of one exit are never used again for another stream") }
        case "preferipv6automap": break
        case "prefersocksnoauth": port.prefersNoAuthentication = on
        case "keepaliveisolatesocksauth": port.keepsIsolatedCircuitsAlive = on
        case "extendederrors": port.extendedErrors = on
        default:
            let singular = name.hasSuffix("s") ? String(name.dropLast()) : name
            guard let isolation = Self.isolation[singular] else {
                // A misspelt isolation flag would silently isolate less than was asked for.
                guard singular.hasPrefix("isolate") else {
                    warn(line, "unknown flag \"\(flag)\" is ignored")
                    return
                }
                throw error(line, "unknown isolation flag \"\(flag)\"")
            }
            if on { port.isolation.insert(isolation) } else { port.isolation.remove(isolation) }
        }
    }

    private static let isolation: [String: IsolationFlags] = [
        "isolatedestport": .destinationPort, "isolatedestaddr": .destinationAddress,
        "isolatesocksauth": .socksAuthentication, "isolateclientprotocol": .clientProtocol,
        "isolateclientaddr": .clientAddress,
    ]

    private func readAccess(_ flag: Substring, into access: inout UnixSocketAccess?) throws(ConfigurationError) -> Bool
    {
        let on = !flag.lowercased().hasPrefix("no")
        var changed = access ?? UnixSocketAccess()
        switch (on ? flag[...] : flag.dropFirst(2)).lowercased() {
        case "groupwritable": changed.isGroupWritable = on
        case "worldwritable": changed.isWorldWritable = on
        case "relaxdirmodecheck": changed.relaxesFolderCheck = on
        default: return false
        }
        access = changed
        return true
    }

    private func resolved(
        _ access: UnixSocketAccess?, _ address: PortAddress, _ groupWritable: Bool, _ line: TorrcLine
    ) throws(ConfigurationError) -> UnixSocketAccess {
        guard case .unix = address else {
            guard access == nil else {
                throw error(line, "GroupWritable, WorldWritable and RelaxDirModeCheck are for Unix sockets")
            }
            return UnixSocketAccess()
        }
        var resolved = access ?? UnixSocketAccess()
        if access == nil, groupWritable { resolved.isGroupWritable = true }
        return resolved
    }

    private mutating func warnIfPublic(_ address: PortAddress, _ line: TorrcLine) {
        guard case .tcp(let ip, _) = address, !ip.isLoopback else { return }
        if AddressRule.privatePatterns.contains(where: { $0.contains(ip) }) {
            warn(line, "everybody on the local network can use this proxy")
        } else {
            warn(line, "a public address: others on the Internet may find this proxy and use it")
        }
    }
}
