package import Cells
package import NIOCore

extension SocketAddress {
    /// NIO's form of an endpoint.
    package init(_ endpoint: SocketEndpoint) throws(TransportError) {
        do {
            try self.init(packedIPAddress: ByteBuffer(bytes: endpoint.address.bytes), port: Int(endpoint.port))
        } catch {
            throw .badAddress
        }
    }
}

extension SocketEndpoint {
    /// Our form of a NIO address; nil for what is not on the Internet. A mapped version 4 address becomes a plain one.
    package init?(_ address: SocketAddress) {
        guard let text = address.ipAddress, let port = address.port, let address = IPAddress(text) else { return nil }
        self.init(address: address.unmapped, port: UInt16(truncatingIfNeeded: port))
    }
}
