internal import CAres
internal import Cells
internal import Glibc

/// One question, which may take two queries.
final class DNSLookup {
    private let question: DNSQuestion
    private let done: (DNSAnswer) -> Void
    private var answer = DNSAnswer()
    /// Queries that have not come back.
    var parts = 0

    /// A lookup; `done` hears its answer once.
    init(_ question: DNSQuestion, done: @escaping (DNSAnswer) -> Void) {
        self.question = question
        self.done = done
    }

    /// Takes what one query found, and how many seconds its name server gives it.
    func finish(
        _ kind: DNSQuery.Kind, _ result: Result<(DNSQuery.Value, UInt32), DNSQuery.Failure>,
        using random: inout some RandomNumberGenerator
    ) {
        switch result {
        case .success((.address(let address), let seconds)):
            let finding = DNSFinding.found(address, timeToLive: DNSTimeToLive.clipped(seconds, using: &random))
            if kind == .ipv6 { answer.ipv6 = finding } else { answer.ipv4 = finding }
        case .success((.name(let name), let seconds)):
            answer.name = .found(name, timeToLive: DNSTimeToLive.clipped(seconds, using: &random))
        case .failure(let failure):
            let timeToLive = DNSTimeToLive.clipped(0, using: &random)
            switch kind {
            case .ipv4: answer.ipv4 = .failed(isTransient: failure.isTransient, timeToLive: timeToLive)
            case .ipv6: answer.ipv6 = .failed(isTransient: failure.isTransient, timeToLive: timeToLive)
            case .pointer: answer.name = .failed(isTransient: failure.isTransient, timeToLive: timeToLive)
            }
        }
        parts -= 1
        if parts == 0 { done(answer) }
    }
}

/// One message to a name server and what it must be answered with.
final class DNSQuery {
    /// What is asked for, with its number on the wire (RFC 1035 §3.2.2, RFC 3596).
    enum Kind: CInt {
        case ipv4 = 1
        case pointer = 12
        case ipv6 = 28
    }

    /// What was found.
    enum Value {
        case address(IPAddress)
        case name(String)
    }

    /// Why nothing was.
    struct Failure: Error {
        let isTransient: Bool
    }

    /// The Internet (RFC 1035 §3.2.4).
    static let internetClass: CInt = 1

    let lookup: DNSLookup
    let kind: Kind
    let worker: DNSWorker
    /// As it was asked, in random case perhaps.
    private let name: String

    /// A query on its way.
    init(lookup: DNSLookup, kind: Kind, name: String, worker: DNSWorker) {
        self.lookup = lookup
        self.kind = kind
        self.name = name
        self.worker = worker
    }

    /// Reads a reply.
    func read(status: CInt, _ reply: UnsafeBufferPointer<UInt8>) -> Result<(Value, UInt32), Failure> {
        switch status {
        case ARES_SUCCESS: break
        case ARES_ENOTFOUND, ARES_ENODATA, ARES_EBADNAME, ARES_EREFUSED, ARES_ENOTIMP, ARES_EFORMERR:
            return .failure(Failure(isTransient: false))
        default: return .failure(Failure(isTransient: true))
        }
        // An answer to another spelling is forged, or comes from a server that cannot be told from a forger.
        guard echoes(reply) else { return .failure(Failure(isTransient: true)) }
        let found: (Value, UInt32)? =
            switch kind {
            case .ipv4: ipv4(reply)
            case .ipv6: ipv6(reply)
            case .pointer: pointer(reply)
            }
        return found.map { .success($0) } ?? .failure(Failure(isTransient: false))
    }

    /// Whether the question in a reply is spelt as we spelt it; behind it may come a search domain.
    private func echoes(_ reply: UnsafeBufferPointer<UInt8>) -> Bool {
        var spelt: [UInt8] = []
        var index = 12
        while index < reply.count, reply[index] != 0 {
            let length = Int(reply[index])
            // A question holds no pointers, being the first name of its message.
            guard length < 64, index + 1 + length <= reply.count else { return false }
            if !spelt.isEmpty { spelt.append(UInt8(ascii: ".")) }
            spelt += reply[(index + 1)..<(index + 1 + length)]
            index += 1 + length
        }
        var asked = Array(name.utf8)
        if asked.last == UInt8(ascii: ".") { asked.removeLast() }
        return spelt.starts(with: asked) && (spelt.count == asked.count || spelt[asked.count] == UInt8(ascii: "."))
    }

    private func ipv4(_ reply: UnsafeBufferPointer<UInt8>) -> (Value, UInt32)? {
        var records = [ares_addrttl](repeating: ares_addrttl(), count: 8)
        var count = CInt(records.count)
        let status = ares_parse_a_reply(reply.baseAddress, CInt(reply.count), nil, &records, &count)
        guard status == ARES_SUCCESS, count > 0 else { return nil }
        let address = IPAddress.v4(UInt32(bigEndian: records[0].ipaddr.s_addr))
        return (.address(address), UInt32(clamping: records[0].ttl))
    }

    private func ipv6(_ reply: UnsafeBufferPointer<UInt8>) -> (Value, UInt32)? {
        var records = [ares_addr6ttl](repeating: ares_addr6ttl(), count: 8)
        var count = CInt(records.count)
        let status = ares_parse_aaaa_reply(reply.baseAddress, CInt(reply.count), nil, &records, &count)
        guard status == ARES_SUCCESS, count > 0 else { return nil }
        let bytes = withUnsafeBytes(of: records[0].ip6addr) { Array($0) }
        return IPAddress(bytes: bytes).map { (.address($0), UInt32(clamping: records[0].ttl)) }
    }

    private func pointer(_ reply: UnsafeBufferPointer<UInt8>) -> (Value, UInt32)? {
        var host: UnsafeMutablePointer<hostent>?
        let status = ares_parse_ptr_reply(reply.baseAddress, CInt(reply.count), nil, 0, AF_INET, &host)
        guard status == ARES_SUCCESS, let host else { return nil }
        defer { ares_free_hostent(host) }
        guard let name = host.pointee.h_name.map({ String(cString: $0) }), !name.isEmpty, name.utf8.count <= 255
        else { return nil }
        return (.name(name), 0)
    }
}

/// Names that the machine itself knows, from `/etc/hosts`.
enum DNSHostsFile {
    /// The address of a name, if the file has it.
    static func address(of name: String, isIPv6: Bool, _ channel: ares_channel) -> IPAddress? {
        var host: UnsafeMutablePointer<hostent>?
        let status = ares_gethostbyname_file(channel, name, isIPv6 ? AF_INET6 : AF_INET, &host)
        guard status == ARES_SUCCESS, let host else { return nil }
        defer { ares_free_hostent(host) }
        guard host.pointee.h_length == (isIPv6 ? 16 : 4), let first = host.pointee.h_addr_list?.pointee else {
            return nil
        }
        // Safe: h_length bytes, as was just checked.
        return IPAddress(bytes: UnsafeRawBufferPointer(start: first, count: Int(host.pointee.h_length)))
    }
}
