/// The network's parameters: the `params` line of a vote or consensus, names with 32-bit values.
package struct ConsensusParameters: Hashable, Sendable {
    /// Names and values in the order of the line.
    package private(set) var entries: [Entry]

    /// One parameter.
    package struct Entry: Hashable, Sendable {
        /// The name, without "=".
        package let name: String
        /// The value.
        package let value: Int32

        /// Takes name and value.
        package init(name: String, value: Int32) {
            self.name = name
            self.value = value
        }
    }

    /// Takes parameters in any order; of a name that comes twice the last counts.
    package init(_ values: [String: Int32] = [:]) {
        entries = values.map { Entry(name: $0.key, value: $0.value) }.sorted {
            "\($0.name)=\($0.value)".utf8.lexicographicallyPrecedes("\($1.name)=\($1.value)".utf8)
        }
    }

    /// Reads the arguments of a `params` line.
    ///
    /// Nil if one is not NAME=INT32, if they are not in bytewise order or a name comes twice (dir-spec, "params").
    package init?(arguments: [ByteText]) {
        entries = []
        for (index, argument) in arguments.enumerated() {
            guard let (name, value) = Self.split(argument) else { return nil }
            if index > 0, !(arguments[index - 1] < argument) || entries[index - 1].name == name { return nil }
            entries.append(Entry(name: name, value: value))
        }
    }

    /// NAME=INT32 in its two parts.
    static func split(_ argument: ByteText) -> (String, Int32)? {
        guard let equals = argument.bytes.firstIndex(of: UInt8(ascii: "=")),
            let name = String(validating: argument.bytes[..<equals], as: UTF8.self),
            let value = Int32(String(decoding: argument.bytes[(equals + 1)...], as: UTF8.self))
        else { return nil }
        return (name, value)
    }

    /// The value of a parameter as it stands, if it does.
    package subscript(_ name: String) -> Int32? {
        entries.first { $0.name == name }?.value
    }

    /// A parameter's value, or `defaultValue` if the network does not set it, pressed into `range`.
    package func value(_ name: String, default defaultValue: Int32, in range: ClosedRange<Int32>) -> Int32 {
        min(max(self[name] ?? defaultValue, range.lowerBound), range.upperBound)
    }

    /// The line's arguments joined with spaces.
    package var text: String {
        entries.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }

    /// The consensus's parameters: of each, the low median of the votes, where enough authorities voted on it.
    ///
    /// Enough is more than half of the authorities there are, or three (dir-spec, "params", since method 12).
    package static func consensus(of votes: [ConsensusParameters], authorityCount: Int) -> ConsensusParameters {
        var series: [String: [Int32]] = [:]
        for vote in votes {
            for entry in vote.entries {
                series[entry.name, default: []].append(entry.value)
            }
        }
        var result = ConsensusParameters()
        result.entries =
            series
            .filter { $0.value.count > authorityCount / 2 || $0.value.count >= 3 }
            .map { Entry(name: $0.key, value: $0.value.lowMedian() ?? 0) }
            // "name=" decides, not "name": "a-b=" comes before "a=".
            .sorted { "\($0.name)=".utf8.lexicographicallyPrecedes("\($1.name)=".utf8) }
        return result
    }
}

extension Array where Element: Comparable {
    /// The middle of the sorted elements, the lower one if there are two.
    func lowMedian() -> Element? {
        isEmpty ? nil : sorted()[(count - 1) / 2]
    }

    /// Of equal elements, those that are most; of several such, the largest element.
    func mostFrequent() -> Element? {
        var best: Element?
        var bestCount = 0
        var index = 0
        let ordered = sorted()
        while index < ordered.count {
            var end = index
            while end < ordered.count, ordered[end] == ordered[index] { end += 1 }
            if end - index >= bestCount {
                best = ordered[index]
                bestCount = end - index
            }
            index = end
        }
        return best
    }
}
