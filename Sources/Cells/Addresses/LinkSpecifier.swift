/// One way to find or recognise a relay, in EXTEND2 (tor-spec §5.1.2).
package enum LinkSpecifier: Hashable, Sendable {
    /// Type 0 or 1: an address and port.
    case endpoint(SocketEndpoint)
    /// Type 2: the RSA identity.
    case rsaIdentity(RSAIdentity)
    /// Type 3: the Ed25519 identity.
    case ed25519Identity(Ed25519Identity)
    /// A type that we do not know, kept as it came.
    case unknown(type: UInt8, body: [UInt8])

    /// Parses one specifier: type, length, body.
    package init(parsing parser: inout ByteParser) throws(WireError) {
        let start = parser.offset
        let type = try parser.readUInt8("link specifier type")
        let length = Int(try parser.readUInt8("link specifier length"))
        let body = try parser.readBytes(length, "link specifier")
        switch type {
        case 0 where length == 6, 1 where length == 18:
            guard let address = IPAddress(bytes: body.dropLast(2)) else {
                throw WireError("link specifier address", at: start)
            }
            let port = UInt16(body[length - 2]) << 8 | UInt16(body[length - 1])
            self = .endpoint(SocketEndpoint(address: address, port: port))
        case 2:
            guard let identity = RSAIdentity(body) else { throw WireError("RSA identity length", at: start) }
            self = .rsaIdentity(identity)
        case 3:
            guard let identity = Ed25519Identity(body) else { throw WireError("Ed25519 identity length", at: start) }
            self = .ed25519Identity(identity)
        case 0, 1:
            throw WireError("link specifier address length", at: start)
        default:
            self = .unknown(type: type, body: body)
        }
    }

    /// The number on the wire.
    package var type: UInt8 {
        switch self {
        case .endpoint(let endpoint): endpoint.address.isV4 ? 0 : 1
        case .rsaIdentity: 2
        case .ed25519Identity: 3
        case .unknown(let type, _): type
        }
    }

    /// Appends type, length and body.
    package func encode(into bytes: inout [UInt8]) {
        var body: [UInt8]
        switch self {
        case .endpoint(let endpoint):
            body = endpoint.address.bytes
            body.append(bigEndian: endpoint.port)
        case .rsaIdentity(let identity): body = identity.bytes
        case .ed25519Identity(let identity): body = identity.bytes
        case .unknown(_, let kept): body = kept
        }
        bytes.append(type)
        bytes.append(UInt8(truncatingIfNeeded: body.count))
        bytes += body
    }
}
