/// The subprotocols that a relay speaks: "Link=4-5 LinkAuth=3" (tor-spec §9).
package struct ProtocolList: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    private let entries: [Entry]

    /// One name with its versions.
    package struct Entry: Hashable, Sendable {
        /// The subprotocol.
        package let name: String
        /// A bit for each version from 0 to 63.
        package let versions: UInt64
    }

    /// Reads a list: names of letters, digits and hyphens, versions from 0 to 63; nil if it is anything else.
    package init?(_ text: some StringProtocol) {
        var entries: [Entry] = []
        for word in Array(text.utf8).split(separator: 0x20) {
            let parts = word.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
            guard parts.count == 2, (1...100).contains(parts[0].count), parts[0].allSatisfy({ Self.isNameByte($0) }),
                let versions = Self.versions(parts[1])
            else { return nil }
            entries.append(Entry(name: String(decoding: parts[0], as: UTF8.self), versions: versions))
        }
        self.entries = entries
    }

    /// Takes a literal, which must be a list.
    package init(stringLiteral value: String) {
        let list = ProtocolList(value)
        precondition(list != nil, "a protocol list must be written as one")
        entries = list?.entries ?? []
    }

    /// Takes names with a bit for each of their versions.
    package init(_ entries: [(name: String, versions: UInt64)]) {
        self.entries = entries.map { Entry(name: $0.name, versions: $0.versions) }
    }

    /// The subprotocols that are listed, in order.
    package var names: [String] { entries.map(\.name) }

    /// True if nothing is listed.
    package var isEmpty: Bool { entries.isEmpty }

    /// True if that version of that subprotocol is listed. Of a name that comes twice the first entry counts.
    package func supports(_ name: String, _ version: Int) -> Bool {
        guard (0...63).contains(version) else { return false }
        return versions(name) & 1 << UInt64(version) != 0
    }

    /// A bit for each version of a subprotocol.
    package func versions(_ name: String) -> UInt64 {
        entries.first { $0.name == name }?.versions ?? 0
    }

    /// True if everything that the other list has is in this one.
    package func contains(_ other: ProtocolList) -> Bool {
        other.entries.allSatisfy { $0.versions & ~versions($0.name) == 0 }
    }

    /// The list as it stands in documents, in the order in which it was read.
    package var description: String {
        entries.map { "\($0.name)=\(Self.text($0.versions))" }.joined(separator: " ")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: true
        default: false
        }
    }

    /// "1-2,4" as bits; an empty text has none.
    private static func versions(_ text: ArraySlice<UInt8>) -> UInt64? {
        var versions: UInt64 = 0
        if text.isEmpty { return versions }
        for range in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let bounds = range.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
            guard bounds.count <= 2, let low = version(bounds[0]), let high = version(bounds[bounds.count - 1]),
                low <= high
            else { return nil }
            for version in low...high { versions |= 1 << version }
        }
        return versions
    }

    private static func version(_ digits: ArraySlice<UInt8>) -> UInt64? {
        DirectoryEncoding.decimal(String(decoding: digits, as: UTF8.self), in: 0...63)
    }

    /// Bits as "1-2,4".
    private static func text(_ versions: UInt64) -> String {
        var parts: [String] = []
        var version = 0
        while version < 64 {
            guard versions & 1 << UInt64(version) != 0 else {
                version += 1
                continue
            }
            let low = version
            while version < 64, versions & 1 << UInt64(version) != 0 { version += 1 }
            parts.append(low == version - 1 ? "\(low)" : "\(low)-\(version - 1)")
        }
        return parts.joined(separator: ",")
    }
}
