internal import CAres
internal import Cells
internal import Glibc

/// The thread that talks to name servers, with c-ares. Nothing but an inbox leads to it.
///
/// c-ares says which sockets it wants watched (`sock_state_cb`), and this thread watches them, with poll since select knows only
/// the first 1,024 descriptors.
final class DNSWorker {
    private let inbox: DNSInbox
    private var settings = DNSResolverSettings()
    private var channel: ares_channel?
    /// The sockets of c-ares, and what each waits for.
    private var watched: [CInt: CShort] = [:]
    private var random = SystemRandomNumberGenerator()

    /// A worker; to be run on its thread.
    init(inbox: DNSInbox) {
        self.inbox = inbox
    }

    /// Works until it is told to stop.
    func run() {
        while true {
            let mail = inbox.take()
            if mail.isStopping { break }
            if let settings = mail.settings { configure(settings) }
            for question in mail.questions { ask(question) }
            wait()
        }
        dropChannel()
    }

    private func wait() {
        var polled = [pollfd(fd: inbox.descriptor, events: CShort(POLLIN), revents: 0)]
        polled += watched.map { pollfd(fd: $0.key, events: $0.value, revents: 0) }
        let count = poll(&polled, nfds_t(polled.count), nextTimeout())
        guard let channel else { return }
        if count <= 0 {
            ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD)
            return
        }
        for one in polled[1...] where one.revents != 0 {
            let isFailed = one.revents & CShort(POLLERR | POLLHUP | POLLNVAL) != 0
            let isReadable = isFailed || one.revents & CShort(POLLIN) != 0
            let isWritable = one.revents & CShort(POLLOUT) != 0
            ares_process_fd(channel, isReadable ? one.fd : ARES_SOCKET_BAD, isWritable ? one.fd : ARES_SOCKET_BAD)
        }
    }

    /// In milliseconds; -1 if nothing is under way.
    private func nextTimeout() -> CInt {
        guard let channel else { return -1 }
        var time = timeval()
        guard ares_timeout(channel, nil, &time) != nil else { return -1 }
        return CInt(clamping: time.tv_sec * 1_000 + (Int(time.tv_usec) + 999) / 1_000)
    }

    private func watch(_ descriptor: CInt, _ events: CShort) {
        watched[descriptor] = events == 0 ? nil : events
    }
}

// MARK: - The c-ares channel

extension DNSWorker {
    private func dropChannel() {
        // What is under way fails with ARES_EDESTRUCTION, which is transient.
        if let channel { ares_destroy(channel) }
        channel = nil
    }

    private func configure(_ new: DNSResolverSettings) {
        dropChannel()
        settings = new
        channel = Self.makeChannel(new, owner: self)
        guard let channel else { return }
        if !new.nameServers.isEmpty {
            let list = new.nameServers.map(\.description).joined(separator: ",")
            ares_set_servers_ports_csv(channel, list)
        }
        if case .v4(let number)? = new.sourceIPv4 { ares_set_local_ip4(channel, number) }
        if let source = new.sourceIPv6, source.isV6 {
            source.bytes.withUnsafeBufferPointer {
                ares_set_local_ip6(channel, $0.baseAddress)
            }
        }
    }

    private static func makeChannel(_ settings: DNSResolverSettings, owner: DNSWorker) -> ares_channel? {
        var options = ares_options()
        options.timeout = max(1, settings.timeoutMilliseconds)
        options.tries = max(1, settings.attempts)
        options.flags = settings.searchesDomains ? 0 : ARES_FLAG_NOSEARCH
        // Safe: the worker outlives its channel, which calls back only on this thread.
        options.sock_state_cb_data = Unmanaged.passUnretained(owner).toOpaque()
        options.sock_state_cb = { data, descriptor, readable, writable in
            guard let data else { return }
            let events = CShort((readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0))
            Unmanaged<DNSWorker>.fromOpaque(data).takeUnretainedValue().watch(descriptor, events)
        }
        var channel: ares_channel?
        let path = strdup(settings.resolvConfPath)
        defer { free(path) }
        options.resolvconf_path = path
        let mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF
        let status = ares_init_options(&channel, &options, mask)
        return status == ARES_SUCCESS ? channel : nil
    }
}

// MARK: - Questions

extension DNSWorker {
    private func ask(_ question: DNSQuestion) {
        guard let channel else { return inbox.answer(question, .transientFailure) }
        let lookup = DNSLookup(question) { [inbox] in inbox.answer(question, $0) }
        switch question {
        case .name(let address):
            lookup.parts = 1
            send(HostName.reverse(of: address), .pointer, for: lookup, on: channel)
        case .addresses(let name):
            lookup.parts = settings.wantsIPv6 ? 2 : 1
            send(name, .ipv4, for: lookup, on: channel)
            if settings.wantsIPv6 { send(name, .ipv6, for: lookup, on: channel) }
        }
    }

    private func send(_ name: String, _ kind: DNSQuery.Kind, for lookup: DNSLookup, on channel: ares_channel) {
        if kind != .pointer, let address = DNSHostsFile.address(of: name, isIPv6: kind == .ipv6, channel) {
            return lookup.finish(kind, .success((.address(address), 0)), using: &random)
        }
        let written = settings.randomizesCase && kind != .pointer ? randomCase(name) : name
        let query = DNSQuery(lookup: lookup, kind: kind, name: written, worker: self)
        // Safe: c-ares calls back exactly once, where the reference is taken again.
        let argument = Unmanaged.passRetained(query).toOpaque()
        let callback: ares_callback = { argument, status, _, bytes, count in
            guard let argument else { return }
            let query = Unmanaged<DNSQuery>.fromOpaque(argument).takeRetainedValue()
            // Safe: the reply is valid during this call.
            let reply = UnsafeBufferPointer(start: bytes, count: max(0, Int(count)))
            query.lookup.finish(query.kind, query.read(status: status, reply), using: &query.worker.random)
        }
        if settings.searchesDomains {
            ares_search(channel, written, DNSQuery.internetClass, kind.rawValue, callback, argument)
        } else {
            ares_query(channel, written, DNSQuery.internetClass, kind.rawValue, callback, argument)
        }
    }

    private func randomCase(_ name: String) -> String {
        var bits: UInt64 = 0
        var left = 0
        let bytes = name.utf8.map { byte -> UInt8 in
            guard (0x61...0x7A).contains(byte) else { return byte }
            if left == 0 { (bits, left) = (random.next(), 64) }
            defer { (bits, left) = (bits >> 1, left - 1) }
            return bits & 1 == 0 ? byte : byte - 32
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
