package import Cells

/// A set of relays as an option names it: by fingerprint, by nickname, or by address.
package struct NodeList: Hashable, Sendable {
    /// Relays by RSA identity (`$FINGERPRINT` or the bare 40 digits).
    package private(set) var identities: Set<RSAIdentity> = []
    /// Relays by nickname, in lower case.
    package private(set) var nicknames: Set<String> = []
    /// Relays by address and ORPort; only rejected ones are in the list.
    private(set) var addresses: [AddressRule] = []

    /// A list of nothing.
    package init() {}

    /// Whether no relay can be in it.
    package var isEmpty: Bool { identities.isEmpty && nicknames.isEmpty && addresses.isEmpty }

    /// Whether the relay with these properties is in the list.
    package func contains(identity: RSAIdentity, nickname: String, address: IPAddress, port: UInt16) -> Bool {
        if identities.contains(identity) || nicknames.contains(nickname.lowercased()) { return true }
        guard let rule = addresses.first(where: { $0.matches(address, port) }) else { return false }
        return !rule.accepts
    }

    /// Both lists.
    package func union(_ other: NodeList) -> NodeList {
        var union = self
        union.identities.formUnion(other.identities)
        union.nicknames.formUnion(other.nicknames)
        union.addresses += other.addresses
        return union
    }

    /// Items between commas, over several lines.
    static func read(_ lines: [TorrcLine], option: String) throws(ConfigurationError) -> NodeList {
        var list = NodeList()
        for line in lines {
            for item in line.value.split(separator: ",") {
                let item = trimmed(item)
                if item.isEmpty { continue }
                try list.add(item) { reason in
                    ConfigurationError(location: line.location, option: option, reason: reason)
                }
            }
        }
        return list
    }

    private mutating func add(
        _ item: String, _ error: (String) -> ConfigurationError
    ) throws(ConfigurationError) {
        if let identity = Self.identity(item) {
            identities.insert(identity)
        } else if Self.isNickname(item) {
            nicknames.insert(item.lowercased())
        } else if item.hasPrefix("{") {
            throw error("\"\(item)\": countries are not supported yet, because there is no country database")
        } else if item.contains(where: { ".:*".contains($0) }) {
            let words = item.split(whereSeparator: \.isWhitespace)
            let rule = words.count == 1 ? "reject \(item)" : item
            switch AddressRule.read(rule) {
            case .success(let rules): addresses += rules
            case .failure(let failure): throw error(failure.reason)
            }
        } else {
            throw error("\"\(item)\" is no fingerprint, nickname or address pattern")
        }
    }

    /// A fingerprint, which may begin with `$` and carry a nickname after `=` or `~`.
    static func identity(_ text: String) -> RSAIdentity? {
        var digits = Substring(text)
        let hasDollar = digits.hasPrefix("$")
        if hasDollar { digits = digits.dropFirst() }
        if digits.count > 40, hasDollar {
            let rest = digits.dropFirst(40)
            guard rest.first == "=" || rest.first == "~", isNickname(rest.dropFirst()) else { return nil }
            digits = digits.prefix(40)
        }
        guard digits.utf8.count == 40 else { return nil }
        return RSAIdentity(hex: String(digits))
    }

    /// 1 to 19 ASCII letters and digits.
    static func isNickname(_ text: some StringProtocol) -> Bool {
        (1...19).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }
}
