/// An Internet address of either version.
package enum IPAddress: Hashable, Comparable, Sendable {
    /// Version 4, its first byte the most significant.
    case v4(UInt32)
    /// Version 6, its first byte the most significant of `high`.
    case v6(high: UInt64, low: UInt64)

    /// Takes four or sixteen bytes; nil for any other number.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self = .v6(
                high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
        default:
            return nil
        }
    }

    /// Takes the number of a version 4 address, its first byte the most significant.
    package init(ipv4: UInt32) {
        self = .v4(ipv4)
    }

    /// Four or sixteen bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .v4(let number):
            bytes.append(bigEndian: number)
        case .v6(let high, let low):
            bytes.append(bigEndian: high)
            bytes.append(bigEndian: low)
        }
        return bytes
    }

    /// True for version 4.
    package var isV4: Bool {
        switch self {
        case .v4: true
        case .v6: false
        }
    }

    /// True for version 6.
    package var isV6: Bool { !isV4 }

    /// `0.0.0.0` and `::`.
    package var isUnspecified: Bool {
        switch self {
        case .v4(let number): number == 0
        case .v6(let high, let low): high == 0 && low == 0
        }
    }

    /// `127/8` and `::1`.
    package var isLoopback: Bool {
        switch self {
        case .v4(let number): number >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// Addresses for many: `224/4` and `ff00::/8`.
    package var isMulticast: Bool {
        switch self {
        case .v4(let number): number >> 28 == 14
        case .v6(let high, _): high >> 56 == 0xFF
        }
    }

    /// The version 4 address inside `::ffff:0:0/96`, or self.
    package var unmapped: IPAddress {
        switch self {
        case .v6(0, let low) where low >> 32 == 0xFFFF: .v4(UInt32(truncatingIfNeeded: low))
        default: self
        }
    }

    /// True for addresses that no relay on the Internet can have, by the same list as C Tor's: private, link-local,
    /// loopback, shared (RFC 6598) and unspecified ones.
    package var isInternal: Bool {
        switch unmapped {
        case .v4(let number):
            number >> 24 == 10 || number >> 24 == 0 || number >> 24 == 127 || number >> 22 == 0x6440_0000 >> 22
                || number >> 16 == 0xA9FE || number >> 20 == 0xAC1 || number >> 16 == 0xC0A8
        case .v6(let high, let low):
            high >> 57 == 0xFC >> 1 || high >> 54 == 0xFE80 >> 6 || high >> 54 == 0xFEC0 >> 6
                || (high == 0 && low <= 1)
        }
    }

    /// The network of `bits` leading bits: the same for two addresses in it. /16 and /32 are what paths keep apart.
    package func prefix(_ bits: Int) -> IPAddress {
        switch self {
        case .v4(let number):
            let kept = max(0, min(32, bits))
            return .v4(kept == 0 ? 0 : number & (UInt32.max << UInt32(32 - kept)))
        case .v6(let high, let low):
            let kept = max(0, min(128, bits))
            let highKept = min(64, kept)
            let lowKept = kept - highKept
            return .v6(
                high: highKept == 0 ? 0 : high & (UInt64.max << UInt64(64 - highKept)),
                low: lowKept == 0 ? 0 : low & (UInt64.max << UInt64(64 - lowKept)))
        }
    }

    /// Version 4 first, then by bytes.
    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        switch (left, right) {
        case (.v4(let first), .v4(let second)): first < second
        case (.v6(let high, let low), .v6(let otherHigh, let otherLow)): (high, low) < (otherHigh, otherLow)
        case (.v4, .v6): true
        case (.v6, .v4): false
        }
    }
}
