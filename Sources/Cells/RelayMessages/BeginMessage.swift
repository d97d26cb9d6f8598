/// BEGIN: open a stream to this address and port (tor-spec §6.2).
package struct BeginMessage: RelayMessage {
    package static let command = RelayCommand.begin

    /// What the client thinks of the address's versions.
    package struct Flags: OptionSet, Hashable, Sendable {
        /// The bits on the wire; unknown ones are kept and mean nothing.
        package let rawValue: UInt32

        /// Takes any bits.
        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// The client can take an IPv6 address.
        package static let ipv6Okay = Flags(rawValue: 1)
        /// The client cannot take an IPv4 address.
        package static let ipv4NotOkay = Flags(rawValue: 2)
        /// The client would rather have an IPv6 address.
        package static let ipv6Preferred = Flags(rawValue: 4)
    }

    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    package var address: String
    /// Never zero.
    package var port: UInt16
    /// Which versions will do.
    package var flags: Flags

    /// An address, a port, and flags.
    package init(address: String, port: UInt16, flags: Flags = []) {
        self.address = address
        self.port = port
        self.flags = flags
    }

    /// Parses `ADDRESS:PORT`, a zero byte, and perhaps four bytes of flags.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        let text = try parser.readBytes(until: 0, "address without its end")
        guard let colon = text.lastIndex(of: 58), colon > 0 else { throw WireError("address without a port", at: 0) }
        var host = text[..<colon]
        if host.first == 91 {
            guard host.last == 93, let inner = IPAddress(String(decoding: host, as: UTF8.self)), inner.isV6 else {
                throw WireError("address in brackets", at: 0)
            }
            host = host.dropFirst().dropLast()
        }
        guard !host.isEmpty, host.allSatisfy({ (33...126).contains($0) }) else { throw WireError("host name", at: 0) }
        address = String(decoding: host, as: UTF8.self)
        let digits = text[(colon + 1)...]
        guard (1...5).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
            let port = UInt16(String(decoding: digits, as: UTF8.self)), port != 0
        else { throw WireError("port", at: colon + 1) }
        self.port = port
        flags = parser.isAtEnd ? [] : Flags(rawValue: try parser.readUInt32("flags"))
        try parser.finish("bytes after the flags")
    }

    /// Appends the message; no flags if there are none, as C Tor.
    package func encode(into bytes: inout [UInt8]) {
        bytes += address.utf8.contains(58) ? Array("[\(address)]".utf8) : Array(address.utf8)
        bytes += Array(":\(port)".utf8)
        bytes.append(0)
        if !flags.isEmpty { bytes.append(bigEndian: flags.rawValue) }
    }

    /// The address if it is one, and no host name.
    package var ipAddress: IPAddress? { IPAddress(address) }
}

/// BEGIN_DIR: open a stream to this relay's directory (tor-spec §6.2.1). Says nothing else.
package struct BeginDirectoryMessage: RelayMessage {
    package static let command = RelayCommand.beginDirectory

    /// Nothing to say.
    package init() {}

    /// Takes anything: tor-spec §6.2.1 says that the body is to be ignored.
    package init(data: RawSpan) throws(WireError) {}

    /// Appends nothing.
    package func encode(into bytes: inout [UInt8]) {}
}
