internal import Glibc

/// How many sockets of this process have a local port, its listener included: how a test sees that every descriptor of its
/// server has come back, whatever other tests have open.
package func openSockets(localPort: UInt16) -> Int {
    var count = 0
    for descriptor in 0..<Int32(65_536) where fcntl(descriptor, F_GETFD) != -1 {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // Safe: a sockaddr_storage holds any address; the port stands in the same place for IPv4 and IPv6.
        let port = withUnsafeMutablePointer(to: &address) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> UInt16? in
                guard getsockname(descriptor, generic, &length) == 0,
                    generic.pointee.sa_family == AF_INET || generic.pointee.sa_family == AF_INET6
                else { return nil }
                return storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    UInt16(bigEndian: $0.pointee.sin_port)
                }
            }
        }
        if port == localPort { count += 1 }
    }
    return count
}
