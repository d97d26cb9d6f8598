package import Hooks

/// A version in three numbers.
package struct PluginVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The numbers, each below 65,536.
    package let major, minor, patch: UInt32

    /// As one number that sorts alike.
    package var packed: UInt64 { UInt64(major) << 32 | UInt64(minor) << 16 | UInt64(patch) }

    package static func < (left: PluginVersion, right: PluginVersion) -> Bool { left.packed < right.packed }

    package var description: String { "\(major).\(minor).\(patch)" }
}

/// Which ends of a circuit a plugin is for.
package struct PluginRoles: OptionSet, Hashable, Sendable {
    /// One bit for each role.
    package let rawValue: UInt32

    /// These roles.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Where circuits start.
    package static let client = PluginRoles(rawValue: 1)
    /// At their hops.
    package static let relay = PluginRoles(rawValue: 2)
    /// Everywhere.
    package static let all: PluginRoles = [.client, .relay]
}

/// What a plugin's author says of it: the section `.plugin`, `struct fanion_plugin` in C.
///
/// Parsed to the last byte: what is unknown, unused or out of range is an error.
package struct PluginMetadata: Hashable, Sendable {
    /// What happens when the plugin fails.
    package enum Failure: UInt32, Sendable {
        /// It goes; the built-in carries on.
        case open = 0
        /// Its circuit is destroyed.
        case closed = 1
    }

    /// Reverse DNS.
    package var name: String
    /// Which version of that name.
    package var version: PluginVersion
    /// Whether an instance serves a circuit or a whole loop.
    package var scope: PluginScope
    /// Where it may run.
    package var roles: PluginRoles
    /// What becomes of its circuit when it fails.
    package var failure: Failure
    /// What it asks for.
    package var capabilities: Capabilities
    /// Bytes of an instance.
    package var memory: Int
    /// Padding cells a second at most.
    package var paddingPerSecond: UInt32
    /// Padding cells per hundred real ones.
    package var paddingPercent: UInt32
    /// What its counters are called.
    package var counters: [String]

    /// The version of contexts, helpers and this section that we speak.
    package static let abi: UInt32 = 1
    private static let magic: UInt32 = 0x4e41_4e46
    private static let counterCount = 16
    private static let counterBytes = 24
    private static let nameBytes = 64
    private static let size = 56 + nameBytes + counterCount * counterBytes

    /// Parses the section.
    package init(section: [UInt8]) throws(PluginError) {
        var fields = Fields(rest: section[...])
        guard try fields.next("magic") == Self.magic else {
            throw .metadata(field: "magic", "is wrong: let FANION_PLUGIN write the section")
        }
        let abi = try fields.next("abi")
        guard abi == Self.abi else {
            throw .metadata(field: "abi", "is \(abi), and this host speaks \(Self.abi): build with its fanion.h")
        }
        guard try fields.next("size") == UInt32(Self.size), section.count == Self.size else {
            throw .metadata(field: "size", "is not \(Self.size): describe one plugin per file, with FANION_PLUGIN")
        }
        guard let scope = PluginScope(rawValue: try fields.next("scope")) else {
            throw .metadata(field: "scope", "must be FANION_CIRCUIT or FANION_HOST")
        }
        self.scope = scope
        roles = PluginRoles(rawValue: try fields.next("roles"))
        guard !roles.isEmpty, roles.isSubset(of: .all) else {
            throw .metadata(field: "roles", "must be FANION_CLIENT, FANION_RELAY or both")
        }
        guard let failure = Failure(rawValue: try fields.next("failure")) else {
            throw .metadata(field: "failure", "must be FANION_OPEN or FANION_CLOSED")
        }
        self.failure = failure
        let low = try fields.next("capabilities")
        let high = try fields.next("capabilities")
        capabilities = Capabilities(rawValue: UInt64(high) << 32 | UInt64(low))
        guard capabilities.isSubset(of: .all) else {
            throw .metadata(field: "capabilities", "has bits that mean nothing: only FANION_CAP_ of fanion.h")
        }
        let memory = try fields.next("memory")
        self.memory = memory == 0 ? 64 << 10 : Int(memory)
        guard (16 << 10...1 << 20).contains(self.memory), self.memory & (self.memory - 1) == 0 else {
            throw .metadata(field: "memory", "is \(memory), not a power of two from 16384 to 1048576")
        }
        let perSecond = try fields.next("padding_per_second")
        let percent = try fields.next("padding_percent")
        paddingPerSecond = perSecond == 0 ? 100 : perSecond
        paddingPercent = percent == 0 ? 100 : percent
        let numbers = (try fields.next("version"), try fields.next("version"), try fields.next("version"))
        version = PluginVersion(major: numbers.0, minor: numbers.1, patch: numbers.2)
        guard max(numbers.0, numbers.1, numbers.2) < 65_536 else {
            throw .metadata(field: "version", "is {major, minor, patch}, each below 65536")
        }
        name = try fields.text(Self.nameBytes, "name")
        guard Self.isName(name) else {
            throw .metadata(
                field: "name", "must be like \"org.example.plugin\": small letters, digits and hyphens, with dots")
        }
        counters = []
        var isOver = false
        for _ in 0..<Self.counterCount {
            let counter = try fields.text(Self.counterBytes, "counters")
            guard !counter.isEmpty else {
                isOver = true
                continue
            }
            let isPlain = counter.utf8.allSatisfy { Self.isLetter($0) || Self.isDigit($0) || $0 == UInt8(ascii: "_") }
            guard !isOver, isPlain, !counters.contains(counter) else {
                throw .metadata(field: "counters", "must be different names of small letters, digits and underscores")
            }
            counters.append(counter)
        }
    }

    /// What is left of the section.
    private struct Fields {
        var rest: ArraySlice<UInt8>

        mutating func next(_ field: String) throws(PluginError) -> UInt32 {
            guard rest.count >= 4 else {
                throw .metadata(field: field, "is missing: build with the fanion.h that belongs to this version")
            }
            defer { rest = rest.dropFirst(4) }
            return rest.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }

        /// A C string that fills its place with zeros.
        mutating func text(_ count: Int, _ field: String) throws(PluginError) -> String {
            let bytes = rest.prefix(count)
            rest = rest.dropFirst(count)
            let used = bytes.prefix { $0 != 0 }
            let isPadded = bytes.dropFirst(used.count).allSatisfy { $0 == 0 }
            guard bytes.count == count, used.count < count, isPadded, used.allSatisfy({ $0 < 0x80 }) else {
                throw .metadata(field: field, "must be ASCII, shorter than \(count) bytes")
            }
            return String(decoding: used, as: UTF8.self)
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// At least two labels, each beginning with a letter or digit.
    private static func isName(_ name: String) -> Bool {
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                guard let first = label.first, let last = label.last else { return false }
                return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
                    && label.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
            }
    }
}
