internal import Cells

extension ExitPolicy {
    /// Where a rule was written, which decides what "*" and IPv6 addresses mean.
    package enum Dialect: Sendable {
        /// "*" is every IPv4 address; accept and reject take IPv4 only (dir-spec §2.1.3).
        case descriptor
        /// "*" is every address, "*4" and "*6" those of a family; accept6 and reject6 take IPv6 only.
        case torrc
    }

    /// Why a rule was refused.
    package enum RuleError: Error, Hashable, Sendable {
        /// It cannot be read: the whole policy is worth nothing.
        case malformed
        /// accept6 or reject6 with an IPv4 address: C Tor leaves out this rule and goes on.
        case familyMismatch
    }

    /// Reads one rule, such as "reject private:*"; what it stands for may be several rules.
    package static func rules(_ text: some StringProtocol, _ dialect: Dialect) throws(RuleError) -> [Rule] {
        let words = text.split { $0 == " " || $0 == "\t" }
        guard words.count == 2 else { throw .malformed }
        return try rules(keyword: words[0].lowercased(), pattern: String(words[1]), dialect)
    }

    /// Reads one rule of a keyword and its argument.
    static func rules(keyword: String, pattern: String, _ dialect: Dialect) throws(RuleError) -> [Rule] {
        guard ["accept", "reject", "accept6", "reject6"].contains(keyword) else { throw .malformed }
        let isAccept = keyword.hasPrefix("accept")
        let isIPv6Only = keyword.hasSuffix("6")
        let (addressText, portText) = split(pattern)
        guard let ports = ports(portText) else { throw .malformed }
        func rules(_ addresses: [AddressPattern]) -> [Rule] {
            addresses.map { Rule(isAccept: isAccept, addresses: $0, ports: ports) }
        }
        // Both families, whatever the keyword.
        if addressText == "private" { return rules(AddressPattern.privateNetworks) }
        switch (addressText, dialect) {
        case ("*", .descriptor): return rules([.allIPv4])
        case ("*", .torrc): return rules(isIPv6Only ? [.allIPv6] : [.allIPv4, .allIPv6])
        case ("*4", .torrc):
            if isIPv6Only { throw .familyMismatch }
            return rules([.allIPv4])
        case ("*6", .torrc): return rules([.allIPv6])
        default: break
        }
        guard let network = network(addressText) else { throw .malformed }
        if network.isIPv6 != isIPv6Only, dialect == .descriptor || isIPv6Only { throw .familyMismatch }
        return rules([network])
    }

    /// Cuts "10.0.0.0/8:80" or "[fc00::]/7:*" at the colon before the ports, if there is one.
    private static func split(_ pattern: String) -> (addresses: String, ports: String?) {
        let start = pattern.hasPrefix("[") ? pattern.firstIndex(of: "]") ?? pattern.endIndex : pattern.startIndex
        guard let colon = pattern[start...].firstIndex(of: ":") else { return (pattern, nil) }
        return (String(pattern[..<colon]), String(pattern[pattern.index(after: colon)...]))
    }

    /// "*", "80" or "80-90"; all ports if nothing is said.
    private static func ports(_ text: String?) -> ClosedRange<UInt16>? {
        guard let text, !text.isEmpty, text != "*" else { return Rule.allPorts }
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count <= 2, let low: UInt16 = DirectoryEncoding.decimal(bounds[0], in: 1...65_535),
            let high: UInt16 = DirectoryEncoding.decimal(bounds[bounds.count - 1], in: low...65_535)
        else { return nil }
        return low...high
    }

    /// An address, perhaps with "/" and how many bits count, or for IPv4 with a mask such as 255.0.0.0.
    private static func network(_ text: String) -> AddressPattern? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var addressText = String(parts[0])
        if addressText.hasPrefix("[") {
            guard addressText.hasSuffix("]"), addressText.contains(":") else { return nil }
            addressText = String(addressText.dropFirst().dropLast())
        } else if addressText.contains(":") {
            return nil
        }
        guard let address = IPAddress(addressText) else { return nil }
        let width = address.isV6 ? 128 : 32
        guard parts.count == 2 else { return AddressPattern(address) }
        if let bits = DirectoryEncoding.decimal(parts[1], in: 0...width) {
            return AddressPattern(address, prefixLength: bits)
        }
        guard let mask = IPAddress(String(parts[1])), mask.isV4, address.isV4 else { return nil }
        let value = mask.bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let bits = (~value).leadingZeroBitCount
        guard value == (bits == 0 ? 0 : UInt32.max << UInt32(32 - bits)) else { return nil }
        return AddressPattern(address, prefixLength: bits)
    }
}
