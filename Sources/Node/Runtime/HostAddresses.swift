package import Cells
internal import Glibc
internal import Synchronization

/// The addresses of `Address HOSTNAME`: looked up once per name with the system's resolver, which blocks.
package enum HostAddresses {
    private static let known = Mutex<[String: [IPAddress]]>([:])

    /// What a name stands for; nothing if it cannot be found, which is asked again the next time.
    package static func lookUp(_ name: String) -> [IPAddress] {
        if let addresses = known.withLock({ $0[name] }) { return addresses }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = address(of: entry), !addresses.contains(address) { addresses.append(address) }
            next = entry.ai_next
        }
        known.withLock { $0[name] = addresses }
        return addresses
    }

    private static func address(of entry: addrinfo) -> IPAddress? {
        // Safe: the resolver's entries hold an address of the family that they name.
        switch entry.ai_family {
        case AF_INET:
            return entry.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                IPAddress(ipv4: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            return entry.ai_addr.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
                withUnsafeBytes(of: address.pointee.sin6_addr) { IPAddress(bytes: Array($0)) }
            }
        default: return nil
        }
    }
}
