internal import Cells

/// Ports in torrc text, in the forms that C Tor accepts.
enum AddressText {
    /// `1.2.3.4:80` or `[::1]:80`, with a port from 1 to 65535.
    static func endpoint(_ text: some StringProtocol) -> SocketEndpoint? {
        guard let endpoint = SocketEndpoint(text), endpoint.port > 0 else { return nil }
        return endpoint
    }

    /// A decimal number from 1 to 65535.
    static func port(_ text: some StringProtocol) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(text), port > 0 else {
            return nil
        }
        return port
    }
}
