package import Cells

/// Addresses of one family that begin with the same bits: "10.0.0.0/8", "[fc00::]/7", or all of them.
///
/// The address is kept as it was written, bits behind the prefix included, because it goes back into documents so.
package struct AddressPattern: Hashable, Sendable {
    /// True for IPv6.
    package let isIPv6: Bool
    /// The address as a number.
    package let address: UInt128
    /// How many of its first bits count.
    package let prefixLength: Int

    /// Takes an address and how many of its bits count: all, if nothing is said.
    package init(_ address: IPAddress, prefixLength: Int? = nil) {
        let width: Int
        switch address {
        case .v4(let number):
            (self.address, width) = (UInt128(number), 32)
        case .v6(let high, let low):
            (self.address, width) = (UInt128(high) << 64 | UInt128(low), 128)
        }
        isIPv6 = address.isV6
        self.prefixLength = min(max(prefixLength ?? width, 0), width)
    }

    init(isIPv6: Bool, address: UInt128, prefixLength: Int) {
        self.isIPv6 = isIPv6
        self.address = address
        self.prefixLength = prefixLength
    }

    /// Every IPv4 address.
    package static let allIPv4 = AddressPattern(isIPv6: false, address: 0, prefixLength: 0)
    /// Every IPv6 address.
    package static let allIPv6 = AddressPattern(isIPv6: true, address: 0, prefixLength: 0)

    /// Networks that are nobody's on the Internet, in C Tor's order: authorities must agree on what a summary leaves out.
    package static let privateNetworks: [AddressPattern] = [
        .ipv4(0, 8), .ipv4(0xA9FE_0000, 16), .ipv4(0x7F00_0000, 8), .ipv4(0xC0A8_0000, 16), .ipv4(0x0A00_0000, 8),
        .ipv4(0xAC10_0000, 12),
        .ipv6(0, 8), .ipv6(0xFC00 << 112, 7), .ipv6(0xFE80 << 112, 10), .ipv6(0xFEC0 << 112, 10),
        .ipv6(0xFF00 << 112, 8), .ipv6(0, 127),
    ]

    /// Every address of its family.
    package var isWildcard: Bool { prefixLength == 0 }

    /// True if an address is one of these.
    package func contains(_ address: IPAddress) -> Bool {
        let other = AddressPattern(address)
        return isIPv6 == other.isIPv6 && agrees(other, bits: prefixLength)
    }

    /// True if every address of the other is one of these.
    func covers(_ other: AddressPattern) -> Bool {
        isIPv6 == other.isIPv6 && prefixLength <= other.prefixLength && agrees(other, bits: prefixLength)
    }

    /// True if some address is one of both.
    func intersects(_ other: AddressPattern) -> Bool {
        isIPv6 == other.isIPv6 && agrees(other, bits: min(prefixLength, other.prefixLength))
    }

    /// The address, with "/" and the prefix length if not all bits count; "*" for all addresses.
    package var text: String {
        if isWildcard { return "*" }
        let address: IPAddress =
            isIPv6
            ? .v6(high: UInt64(truncatingIfNeeded: self.address >> 64), low: UInt64(truncatingIfNeeded: self.address))
            : .v4(UInt32(truncatingIfNeeded: self.address))
        return prefixLength == (isIPv6 ? 128 : 32) ? address.bracketed : "\(address.bracketed)/\(prefixLength)"
    }

    private func agrees(_ other: AddressPattern, bits: Int) -> Bool {
        // A shift by the whole width gives 0, as it should.
        let shift = UInt128((isIPv6 ? 128 : 32) - bits)
        return (address ^ other.address) >> shift == 0
    }

    private static func ipv4(_ address: UInt32, _ prefixLength: Int) -> AddressPattern {
        AddressPattern(isIPv6: false, address: UInt128(address), prefixLength: prefixLength)
    }

    private static func ipv6(_ address: UInt128, _ prefixLength: Int) -> AddressPattern {
        AddressPattern(isIPv6: true, address: address, prefixLength: prefixLength)
    }
}
