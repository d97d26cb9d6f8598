/// EXTEND2: add this relay to the circuit, with this handshake (tor-spec §5.1.2).
package struct Extend2Message: RelayMessage {
    package static let command = RelayCommand.extend2
    /// Where the relay is and who it is, in the order they came.
    package var linkSpecifiers: [LinkSpecifier]
    /// Which handshake.
    package var handshakeType: HandshakeType
    /// What CREATE2 shall carry.
    package var handshakeData: [UInt8]

    /// A relay and a handshake.
    package init(linkSpecifiers: [LinkSpecifier], handshakeType: HandshakeType, handshakeData: [UInt8]) {
        self.linkSpecifiers = linkSpecifiers
        self.handshakeType = handshakeType
        self.handshakeData = handshakeData
    }

    /// Parses a message.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        let count = try parser.readUInt8("number of link specifiers")
        linkSpecifiers = []
        for _ in 0..<count { linkSpecifiers.append(try LinkSpecifier(parsing: &parser)) }
        handshakeType = HandshakeType(rawValue: try parser.readUInt16("handshake type"))
        let length = Int(try parser.readUInt16("handshake length"))
        handshakeData = try parser.readBytes(length, "handshake")
        try parser.finish("bytes after the handshake")
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: linkSpecifiers.count))
        for specifier in linkSpecifiers { specifier.encode(into: &bytes) }
        bytes.append(bigEndian: handshakeType.rawValue)
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: handshakeData.count))
        bytes += handshakeData
    }

    /// The addresses, in order.
    package var endpoints: [SocketEndpoint] {
        linkSpecifiers.compactMap { if case .endpoint(let endpoint) = $0 { endpoint } else { nil } }
    }

    /// The RSA identities, of which there must be exactly one (tor-spec §5.1.2).
    package var rsaIdentities: [RSAIdentity] {
        linkSpecifiers.compactMap { if case .rsaIdentity(let identity) = $0 { identity } else { nil } }
    }

    /// The Ed25519 identities, of which there may be one.
    package var ed25519Identities: [Ed25519Identity] {
        linkSpecifiers.compactMap { if case .ed25519Identity(let identity) = $0 { identity } else { nil } }
    }
}

/// EXTENDED2: the new hop's answer (tor-spec §5.1.2).
package struct Extended2Message: RelayMessage {
    package static let command = RelayCommand.extended2
    /// What CREATED2 carried.
    package var handshakeData: [UInt8]

    /// A handshake's answer.
    package init(handshakeData: [UInt8]) {
        self.handshakeData = handshakeData
    }

    /// Hands on what a CREATED2 brought.
    package init(_ cell: Created2Cell) {
        handshakeData = cell.handshakeData
    }

    /// Parses a message.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        let length = Int(try parser.readUInt16("handshake length"))
        handshakeData = try parser.readBytes(length, "handshake")
        try parser.finish("bytes after the handshake")
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: handshakeData.count))
        bytes += handshakeData
    }
}
