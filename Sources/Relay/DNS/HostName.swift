package import Cells

/// Names as clients write them: what may be asked for, and which of them stand for an address.
package enum HostName {
    /// What a name is to a resolver.
    package enum Kind: Equatable {
        /// An ordinary name.
        case name
        /// An address written backwards under `in-addr.arpa` or `ip6.arpa`.
        case reverse(IPAddress)
        /// Nothing that can be looked up.
        case invalid
    }

    /// Sorts a name in lower case; `allowingOddCharacters` is `ServerDNSAllowNonRFC953Hostnames`.
    package static func kind(of name: String, allowingOddCharacters: Bool) -> Kind {
        if name.hasSuffix(".in-addr.arpa") || name.hasSuffix(".ip6.arpa") {
            return reversed(name).map { .reverse($0) } ?? .invalid
        }
        guard !name.isEmpty, name.utf8.count <= RelayLimits.hostNameLength else { return .invalid }
        var labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        // RFC 7686: names under .onion never go to name servers.
        if let last = labels.last, ["onion", "exit"].contains(String(decoding: last, as: UTF8.self)) {
            return .invalid
        }
        guard labels.allSatisfy({ (1...63).contains($0.count) }) else { return .invalid }
        if allowingOddCharacters { return .name }
        for label in labels {
            guard let first = label.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "_"),
                label.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
            else { return .invalid }
        }
        return .name
    }

    /// The name under which an address's name is found.
    static func reverse(of address: IPAddress) -> String {
        guard address.isV6 else {
            return address.bytes.reversed().map { "\($0)" }.joined(separator: ".") + ".in-addr.arpa"
        }
        let nibbles = address.bytes.reversed().flatMap { [$0 & 15, $0 >> 4] }
        return nibbles.map { String($0, radix: 16) }.joined(separator: ".") + ".ip6.arpa"
    }

    private static func reversed(_ name: String) -> IPAddress? {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false).dropLast(2).reversed()
        if name.hasSuffix(".in-addr.arpa") {
            guard labels.count == 4 else { return nil }
            return IPAddress(labels.joined(separator: "."))
        }
        guard labels.count == 32 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for label in labels {
            guard label.utf8.count == 1, let nibble = UInt8(label, radix: 16) else { return nil }
            if let first = high {
                bytes.append(first << 4 | nibble)
                high = nil
            } else {
                high = nibble
            }
        }
        return IPAddress(bytes: bytes)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
