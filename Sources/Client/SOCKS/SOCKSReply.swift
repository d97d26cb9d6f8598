package import Cells

/// Why a request was not granted; each has one code in SOCKS 5, and all are 5B in SOCKS 4.
package enum SOCKSFailure: UInt8, Sendable {
    case general = 0x01
    /// An exit policy or the operator's own rules forbid it.
    case notAllowed = 0x02
    case networkUnreachable = 0x03
    /// Also: the name has no address.
    case hostUnreachable = 0x04
    case connectionRefused = 0x05
    /// Tor's use of "TTL expired": it took too long.
    case timeout = 0x06
    case commandNotSupported = 0x07
    case addressTypeNotSupported = 0x08
    /// Tor's own code for an onion address that cannot be one; sent only with `ExtendedErrors`.
    case badOnionAddress = 0xF6

    /// The code for the reason of an END message that came before CONNECTED, as in C Tor.
    package init(_ reason: EndReason) {
        switch reason {
        case .resolveFailed, .noRoute: self = .hostUnreachable
        case .connectRefused, .done, .connReset: self = .connectionRefused
        case .exitPolicy: self = .notAllowed
        case .timeout: self = .timeout
        default: self = .general
        }
    }
}

/// The bytes that end a SOCKS negotiation.
enum SOCKSReply {
    /// The stream is open.
    static func granted(version: UInt8) -> [UInt8] {
        version == 4 ? [0, 0x5A, 0, 0, 0, 0, 0, 0] : [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    }

    /// It cannot be done.
    static func refused(version: UInt8, _ failure: SOCKSFailure) -> [UInt8] {
        version == 4 ? [0, 0x5B, 0, 0, 0, 0, 0, 0] : [5, failure.rawValue, 0, 1, 0, 0, 0, 0, 0, 0]
    }

    /// An address was found. SOCKS 4 has no way to say an IPv6 address.
    static func resolved(version: UInt8, _ address: IPAddress) -> [UInt8] {
        let bytes = address.bytes
        if version == 4 {
            return bytes.count == 4 ? [0, 0x5A, 0, 0] + bytes : refused(version: 4, .general)
        }
        return [5, 0, 0, bytes.count == 4 ? 1 : 4] + bytes + [0, 0]
    }

    /// A name was found. SOCKS 4 has no way to say it.
    static func resolved(version: UInt8, _ name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        guard version == 5, bytes.count < SOCKSLimits.hostName else {
            return refused(version: version, .hostUnreachable)
        }
        return [5, 0, 0, 3, UInt8(bytes.count)] + bytes + [0, 0]
    }

    /// For a browser that takes the SocksPort for an HTTP proxy.
    static let notHTTP = Array(
        """
        HTTP/1.0 501 Tor is not an HTTP Proxy\r
        Content-Type: text/html; charset=iso-8859-1\r
        \r
        <html><head><title>This is a SOCKS proxy</title></head><body>
        <h1>This is a SOCKS proxy, not an HTTP proxy.</h1>
        <p>A program, perhaps your browser, uses this port as an HTTP proxy. Enter it as a SOCKS 5 proxy instead.</p>
        </body></html>

        """.utf8)
}
