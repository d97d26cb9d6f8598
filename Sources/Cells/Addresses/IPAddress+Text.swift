extension IPAddress: CustomStringConvertible {
    /// Parses `a.b.c.d`, or version 6 in any of its forms, with or without brackets; nil for anything else.
    ///
    /// Version 4 is strict: four decimal numbers, no leading zeros. Scope identifiers (`%eth0`) are not taken.
    package init?(_ text: some StringProtocol) {
        var characters = Array(text.utf8)[...]
        if characters.first == 91 {
            guard characters.last == 93, characters.count > 2 else { return nil }
            characters = characters.dropFirst().dropLast()
            guard let address = Self.parseV6(characters) else { return nil }
            self = address
        } else if characters.contains(58) {
            guard let address = Self.parseV6(characters) else { return nil }
            self = address
        } else {
            guard let number = Self.parseV4(characters) else { return nil }
            self = .v4(number)
        }
    }

    /// `192.0.2.1`, or `2001:db8::1` as RFC 5952 wants it; no brackets.
    package var description: String {
        switch self {
        case .v4(let number):
            "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
        case .v6(let high, let low):
            Self.format(high: high, low: low)
        }
    }

    /// As in a URL or a torrc: version 6 in brackets.
    package var bracketed: String { isV6 ? "[\(description)]" : description }

    private static func parseV4(_ characters: ArraySlice<UInt8>) -> UInt32? {
        let parts = characters.split(separator: 46, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != 48 else { return nil }
            var value: UInt32 = 0
            for digit in part {
                guard (48...57).contains(digit) else { return nil }
                value = value * 10 + UInt32(digit - 48)
            }
            guard value < 256 else { return nil }
            number = number << 8 | value
        }
        return number
    }

    private static func parseV6(_ characters: ArraySlice<UInt8>) -> IPAddress? {
        var groups: [UInt16] = []
        var gap: Int?
        var rest = characters
        if rest.starts(with: [58, 58]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let word = rest.prefix { $0 != 58 }
            if word.contains(46) {
                // RFC 4291 section 2.2: the last 32 bits may be written as a version 4 address.
                guard word.endIndex == rest.endIndex, groups.count <= 6, let number = parseV4(word) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: number >> 16))
                groups.append(UInt16(truncatingIfNeeded: number))
                break
            }
            guard let group = parseGroup(word), groups.count < 8 else { return nil }
            groups.append(group)
            rest = rest.dropFirst(word.count)
            if rest.isEmpty { break }
            rest = rest.dropFirst()
            if rest.first == 58 {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        return .v6(
            high: groups.prefix(4).reduce(0) { $0 << 16 | UInt64($1) },
            low: groups.suffix(4).reduce(0) { $0 << 16 | UInt64($1) })
    }

    private static func parseGroup(_ word: ArraySlice<UInt8>) -> UInt16? {
        guard (1...4).contains(word.count) else { return nil }
        var value: UInt16 = 0
        for digit in word {
            switch digit {
            case 48...57: value = value << 4 | UInt16(digit - 48)
            case 65...70: value = value << 4 | UInt16(digit - 55)
            case 97...102: value = value << 4 | UInt16(digit - 87)
            default: return nil
            }
        }
        return value
    }

    private static func format(high: UInt64, low: UInt64) -> String {
        // RFC 5952 section 5: addresses known to hold one of version 4 show it.
        if high == 0, low >> 32 == 0xFFFF {
            return "::ffff:\(IPAddress.v4(UInt32(truncatingIfNeeded: low)))"
        }
        let groups = (0..<8).map { index in
            UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index % 4)))
        }
        // RFC 5952 section 4.2: `::` for the longest run of at least two zero groups, the first of equals.
        var gap = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, gap.count) { gap = start..<end }
            start = max(end, start + 1)
        }
        func join(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return gap.isEmpty ? join(0..<8) : "\(join(0..<gap.lowerBound))::\(join(gap.upperBound..<8))"
    }
}
