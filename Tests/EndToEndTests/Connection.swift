import Foundation
import Glibc

/// A TCP connection that blocks, for a thread of its own: SOCKS on it, and HTTP behind that.
final class Connection: Sendable {
    /// What SOCKS answers that is not "granted".
    struct Refusal: Error, Hashable {
        let code: UInt8
    }

    /// The system's number.
    let descriptor: CInt

    /// Connects.
    init(to address: String, _ port: UInt16, receiveBuffer: CInt? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("socket: \(String(cString: strerror(errno)))") }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        setTimeout(60)
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        inet_pton(AF_INET, address, &target.sin_addr)
        let code = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Failure("connect to \(address):\(port): \(reason)")
        }
    }

    deinit { close(descriptor) }

    /// How long a read or write may stand still.
    func setTimeout(_ seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// Writes all.
    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure("write: \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    /// Reads what there is, at most so much; empty at the end.
    func read(atMost limit: Int = 65_536) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            let read = recv(descriptor, buffer.baseAddress, limit, 0)
            guard read >= 0 else { throw Failure("read: \(String(cString: strerror(errno)))") }
            count = read
        }
    }

    /// Reads exactly so much.
    func read(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try read(atMost: count - bytes.count)
            guard !more.isEmpty else { throw Failure("the connection ended after \(bytes.count) of \(count) bytes") }
            bytes += more
        }
        return bytes
    }

    // MARK: SOCKS

    /// SOCKS 5, with a user name if there is one.
    ///
    /// - Returns: the address that comes with the answer, or the name.
    @discardableResult
    func request(_ host: String, _ port: UInt16, user: String? = nil, command: UInt8 = 1) throws -> String {
        try write([5, 1, user == nil ? 0 : 2])
        guard try read(exactly: 2) == [5, user == nil ? 0 : 2] else { throw Failure("no SOCKS 5 method was chosen") }
        if let user {
            try write([1, UInt8(user.utf8.count)] + Array(user.utf8) + [1, UInt8(ascii: "p")])
            guard try read(exactly: 2) == [1, 0] else { throw Failure("the SOCKS user was refused") }
        }
        var address = in_addr()
        let target =
            inet_pton(AF_INET, host, &address) == 1
            ? [1] + withUnsafeBytes(of: address.s_addr) { Array($0) } : [3, UInt8(host.utf8.count)] + Array(host.utf8)
        try write([5, command, 0] + target + [UInt8(port >> 8), UInt8(port & 0xFF)])
        let head = try read(exactly: 4)
        guard head[0] == 5, head[1] == 0 else { throw Refusal(code: head[1]) }
        switch head[3] {
        case 1: return try read(exactly: 6).prefix(4).map { "\($0)" }.joined(separator: ".")
        case 3: return try String(decoding: read(exactly: Int(read(exactly: 1)[0]) + 2).dropLast(2), as: UTF8.self)
        default: return try read(exactly: 18).description
        }
    }

    /// SOCKS 4a.
    func request4a(_ host: String, _ port: UInt16) throws {
        try write([4, 1, UInt8(port >> 8), UInt8(port & 0xFF), 0, 0, 0, 1, 0] + Array(host.utf8) + [0])
        let answer = try read(exactly: 8)
        guard answer[..<2] == [0, 0x5A] else { throw Refusal(code: answer[1]) }
    }

    // MARK: HTTP

    /// Asks for a file.
    func ask(for name: String, keepsAlive: Bool = false) throws {
        try write(
            Array("GET /\(name) HTTP/1.1\r\nHost: x\r\nConnection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n".utf8)
        )
    }

    /// The file, which must come whole.
    func answer() throws -> [UInt8] {
        var head: [UInt8] = []
        while head.suffix(4) != [13, 10, 13, 10] {
            guard head.count < 4096 else { throw Failure("no HTTP answer") }
            head += try read(exactly: 1)
        }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard lines.first?.hasPrefix("HTTP/1.1 200") == true,
            let length = lines.first(where: { $0.lowercased().hasPrefix("content-length:") }),
            let count = Int(length.split(separator: " ").last ?? "")
        else { throw Failure("HTTP: \(lines.first ?? "nothing")") }
        return try read(exactly: count)
    }
}
