/// An address and a TCP port.
package struct SocketEndpoint: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Where.
    package var address: IPAddress
    /// Which port; zero in a few places means *none*.
    package var port: UInt16

    /// An address and a port.
    package init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Parses `192.0.2.1:9001` or `[2001:db8::1]:9001`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let address = IPAddress(text[..<colon]) else { return nil }
        let digits = text[text.index(after: colon)...].utf8
        // Version 6 without brackets would leave open where the port begins.
        guard address.isV4 || text.first == "[", (1...5).contains(digits.count),
            digits.allSatisfy({ (48...57).contains($0) }), let port = UInt16(String(text[text.index(after: colon)...]))
        else { return nil }
        self.init(address: address, port: port)
    }

    /// `192.0.2.1:9001` or `[2001:db8::1]:9001`.
    package var description: String { "\(address.bracketed):\(port)" }

    /// By address, then port.
    package static func < (left: SocketEndpoint, right: SocketEndpoint) -> Bool {
        left.address == right.address ? left.port < right.port : left.address < right.address
    }
}
