internal import Cells

/// A set of addresses of one family: a prefix, or every address. Only for what this module decides itself; exit policies
/// are `Directory`'s.
struct AddressPattern: Hashable, Sendable {
    /// The first address; bits beyond `prefixLength` are kept as written and do not matter.
    let base: IPAddress
    /// How many leading bits must agree: 0 to 32 or 0 to 128.
    let prefixLength: Int

    init(base: IPAddress, prefixLength: Int) {
        self.base = base
        self.prefixLength = prefixLength
    }

    /// Every IPv4 address.
    static let allIPv4 = AddressPattern(base: IPAddress.v4(0), prefixLength: 0)
    /// Every IPv6 address.
    static let allIPv6 = AddressPattern(base: IPAddress.v6(high: 0, low: 0), prefixLength: 0)

    /// Whether `address` is in the set.
    func contains(_ address: IPAddress) -> Bool {
        address.isV6 == base.isV6 && address.prefix(prefixLength) == base.prefix(prefixLength)
    }

    /// One or two patterns for `*`, `*4`, `*6`, `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `[fc00::]/7`, or an address.
    static func read(_ text: some StringProtocol) -> [AddressPattern]? {
        switch String(text) {
        case "*": return [.allIPv4, .allIPv6]
        case "*4": return [.allIPv4]
        case "*6": return [.allIPv6]
        default: break
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = IPAddress(parts[0]) else { return nil }
        let width = base.isV6 ? 128 : 32
        guard parts.count == 2 else { return [AddressPattern(base: base, prefixLength: width)] }
        if let bits = Int(parts[1]), (0...width).contains(bits) {
            return [AddressPattern(base: base, prefixLength: bits)]
        }
        guard base.isV4, case .v4(let bits)? = IPAddress(parts[1]) else { return nil }
        // A mask is ones, then zeros.
        guard (~bits & (~bits &+ 1)) == 0 else { return nil }
        return [AddressPattern(base: base, prefixLength: (~bits).leadingZeroBitCount)]
    }
}

/// One line of an exit policy: accept or reject these addresses at these ports.
struct AddressRule: Hashable, Sendable {
    let accepts: Bool
    let pattern: AddressPattern
    let ports: ClosedRange<UInt16>

    init(accepts: Bool, pattern: AddressPattern, ports: ClosedRange<UInt16>) {
        self.accepts = accepts
        self.pattern = pattern
        self.ports = ports
    }

    /// Whether this rule decides about `address` and `port`.
    func matches(_ address: IPAddress, _ port: UInt16) -> Bool {
        ports.contains(port) && pattern.contains(address)
    }

    /// Every port.
    static let allPorts: ClosedRange<UInt16> = 1...65535

    /// The rules that one item of a policy stands for: `accept *:80`, `reject6 [::]/8:*`, `reject private:1-1024`.
    static func read(_ text: String) -> Result<[AddressRule], UnitError> {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2 else {
            return .failure(.init("\"\(text)\" is not \"accept\" or \"reject\" and a pattern"))
        }
        let accepts: Bool
        let onlyIPv6: Bool
        switch words[0].lowercased() {
        case "accept": (accepts, onlyIPv6) = (true, false)
        case "accept6": (accepts, onlyIPv6) = (true, true)
        case "reject": (accepts, onlyIPv6) = (false, false)
        case "reject6": (accepts, onlyIPv6) = (false, true)
        default: return .failure(.init("\"\(words[0])\" is none of accept, accept6, reject and reject6"))
        }
        let (host, portText) = split(words[1])
        guard let ports = portRange(portText) else {
            return .failure(.init("\"\(portText)\" is no port or port range"))
        }
        guard var patterns = host.lowercased() == "private" ? privatePatterns : AddressPattern.read(host) else {
            return .failure(.init("\"\(host)\" is no address pattern"))
        }
        if onlyIPv6 {
            patterns.removeAll { !$0.base.isV6 }
            guard !patterns.isEmpty else {
                return .failure(.init("\(words[0]) takes IPv6 addresses, and \"\(host)\" is none"))
            }
        }
        return .success(patterns.map { AddressRule(accepts: accepts, pattern: $0, ports: ports) })
    }

    /// What is never routed on the Internet, in C Tor's order.
    static let privatePatterns: [AddressPattern] = [
        "0.0.0.0/8", "169.254.0.0/16", "127.0.0.0/8", "192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12",
        "[::]/8", "[fc00::]/7", "[fe80::]/10", "[fec0::]/10", "[ff00::]/8", "[::]/127",
    ].flatMap { AddressPattern.read($0) ?? [] }

    /// Splits `[::1]/128:80` at the colon of the port.
    private static func split(_ text: Substring) -> (host: Substring, ports: Substring) {
        let searchStart = text.firstIndex(of: "]") ?? text.startIndex
        guard let colon = text[searchStart...].firstIndex(of: ":") else { return (text, "*") }
        return (text[..<colon], text[text.index(after: colon)...])
    }

    private static func portRange(_ text: Substring) -> ClosedRange<UInt16>? {
        if text == "*" || text.isEmpty { return allPorts }
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let low = AddressText.port(parts[0]) else { return nil }
        guard parts.count == 2 else { return low...low }
        guard let high = AddressText.port(parts[1]), low <= high else { return nil }
        return low...high
    }
}
