package import Cells

/// The server's side of one SOCKS connection, from its first byte to the reply; knows no sockets and no circuits.
///
/// SOCKS 4 and 4a are one message, SOCKS 5 is two or three:
///
/// ```
/// greeting -- methods --> (password) -- request --> waiting -- granted, resolved, refused --> finished
///     `------- SOCKS 4 request ----------------------^
/// ```
///
/// Programs may send everything at once, and data behind it: what follows the request is handed out with it. User name
/// and password are never checked; they isolate. What C Tor refuses is refused with the same bytes.
package struct SOCKSMachine: ~Copyable {
    /// What the operator allows on this port.
    package struct Policy: Sendable {
        /// Take "no authentication" from a program that offers a password too.
        package var prefersNoAuthentication = false
        /// `SafeSocks`: refuse addresses, which the program must have looked up outside Tor.
        package var refusesAddresses = false
        /// `ClientRejectInternalAddresses`: says which addresses are private; `nil` allows all.
        package var isInternal: (@Sendable (IPAddress) -> Bool)?
        /// `RejectPlaintextPorts`.
        package var rejectedPorts: Set<UInt16> = []
        /// `WarnPlaintextPorts`.
        package var plaintextPorts: Set<UInt16> = []
        /// Whether streams may go to IPv4 addresses.
        package var allowsIPv4 = true
        /// Whether streams may go to IPv6 addresses.
        package var allowsIPv6 = true
        /// Whether host names may be asked for.
        package var allowsDNS = true
        /// Answer with Tor's own codes F0 to F7.
        package var extendedErrors = false

        /// C Tor's defaults.
        package init() {}
    }

    /// What to do after bytes have come in.
    package enum ReceiveAction: Equatable {
        /// Send `reply` (maybe nothing) and read on.
        case wait(reply: [UInt8])
        /// Send `reply` (maybe nothing), then fulfil the request; `earlyData` already belongs to the stream.
        case request(SOCKSRequest, reply: [UInt8], earlyData: [UInt8])
        /// Send `reply` (maybe nothing) and close.
        case close(reply: [UInt8])
    }

    /// Why a program was turned away, where that is worth telling the operator.
    package enum Complaint: Hashable, Sendable {
        /// `SafeSocks`: it gave an address, for which it may have asked outside Tor.
        case address
        /// It asked for an onion service, which we cannot reach.
        case onionService
    }

    private var state: State
    private let policy: Policy
    /// Set when the program is turned away.
    package private(set) var complaint: Complaint?

    /// A conversation that begins.
    package init(policy: Policy) {
        self.init(policy, .reading(Reading()))
    }

    private init(_ policy: Policy, _ state: consuming State) {
        self.policy = policy
        self.state = state
    }

    /// Bytes came from the program.
    package mutating func receive(_ bytes: some Sequence<UInt8>) -> ReceiveAction {
        let policy = policy
        switch consume state {
        case .reading(var reading):
            reading.input += bytes
            var reply: [UInt8] = []
            while true {
                switch reading.step(policy) {
                case .more:
                    self = Self(policy, .reading(reading))
                    return .wait(reply: reply)
                case .answer(let bytes):
                    reply += bytes
                case .request(let request):
                    let earlyData = reading.input
                    self = Self(policy, .waiting(version: request.version))
                    return .request(request, reply: reply, earlyData: earlyData)
                case .close(let bytes, let complaint):
                    self = Self(policy, .finished)
                    self.complaint = complaint
                    return .close(reply: reply + bytes)
                }
            }
        case .waiting(let version):
            // Bytes behind the request are the stream's; a driver that hands them here has lost them.
            self = Self(policy, .finished)
            return .close(reply: SOCKSReply.refused(version: version, .general))
        case .finished:
            self = Self(policy, .finished)
            return .close(reply: [])
        }
    }

    /// The stream is open (CONNECTED): the bytes to send before its data.
    package mutating func granted() -> [UInt8] {
        finish { SOCKSReply.granted(version: $0) }
    }

    /// An address was found: the bytes to send before closing.
    package mutating func resolved(_ address: IPAddress) -> [UInt8] {
        finish { SOCKSReply.resolved(version: $0, address) }
    }

    /// A name was found: the bytes to send before closing.
    package mutating func resolved(_ name: String) -> [UInt8] {
        finish { SOCKSReply.resolved(version: $0, name) }
    }

    /// It cannot be done: the bytes to send before closing.
    package mutating func refused(_ failure: SOCKSFailure) -> [UInt8] {
        finish { SOCKSReply.refused(version: $0, failure) }
    }

    /// Replies once, and only to a request.
    private mutating func finish(_ reply: (UInt8) -> [UInt8]) -> [UInt8] {
        let policy = policy
        switch consume state {
        case .waiting(let version):
            self = Self(policy, .finished)
            return reply(version)
        case .reading:
            self = Self(policy, .finished)
            return []
        case .finished:
            self = Self(policy, .finished)
            return []
        }
    }
}

// MARK: - States

extension SOCKSMachine {
    fileprivate enum State: ~Copyable {
        case reading(Reading)
        case waiting(version: UInt8)
        case finished
    }

    /// Which message comes next.
    fileprivate enum Phase {
        case greeting
        /// A password must come.
        case password
        /// The request must come; a password may still come before it, from programs that send one unasked.
        case request(SOCKSCredentials?)
    }

    fileprivate enum Step {
        case more
        case answer([UInt8])
        case request(SOCKSRequest)
        case close([UInt8], Complaint? = nil)
    }

    fileprivate struct Reading {
        /// Never more than one read burst beyond `SOCKSLimits.message`: what is complete is taken at once.
        var input: [UInt8] = []
        var phase = Phase.greeting
    }
}

// MARK: - Messages

extension SOCKSMachine.Reading {
    /// Takes one message from the input.
    fileprivate mutating func step(_ policy: SOCKSMachine.Policy) -> SOCKSMachine.Step {
        // C Tor waits for two bytes before it looks at the first.
        guard input.count >= 2 else { return .more }
        switch phase {
        case .greeting:
            switch input[0] {
            case 4: return socks4(policy)
            case 5: return methods(policy)
            case UInt8(ascii: "G"), UInt8(ascii: "H"), UInt8(ascii: "P"), UInt8(ascii: "C"):
                return .close(SOCKSReply.notHTTP)
            default: return .close([])
            }
        case .password:
            guard input[0] == 1 else { return .close(SOCKSReply.refused(version: 5, .general)) }
            return password()
        case .request(let credentials):
            if input[0] == 1, credentials == nil { return password() }
            return socks5(policy, credentials)
        }
    }

    /// SOCKS 5: version, count, methods.
    private mutating func methods(_ policy: SOCKSMachine.Policy) -> SOCKSMachine.Step {
        let count = Int(input[1])
        guard count > 0 else { return .close([]) }
        guard input.count >= 2 + count else { return .more }
        let offered = input[2..<2 + count]
        let offersNone = offered.contains(0)
        if offered.contains(2), !(offersNone && policy.prefersNoAuthentication) {
            phase = .password
            input.removeFirst(2 + count)
            return .answer([5, 2])
        }
        guard offersNone else { return .close([5, 0xFF]) }
        phase = .request(nil)
        input.removeFirst(2 + count)
        return .answer([5, 0])
    }

    /// RFC 1929: version 1, user name, password. Both may be empty, which the RFC forbids and some programs do.
    private mutating func password() -> SOCKSMachine.Step {
        let nameLength = Int(input[1])
        guard input.count > 2 + nameLength else { return .more }
        let passwordLength = Int(input[2 + nameLength])
        let length = 3 + nameLength + passwordLength
        guard input.count >= length else { return .more }
        let name = Array(input[2..<2 + nameLength])
        // Proposal 351: these names carry parameters. Version 0 is plain isolation; we know no other.
        if name.starts(with: "<torS0X>".utf8), !name.elementsEqual("<torS0X>0".utf8) {
            return .close(SOCKSReply.refused(version: 5, .general))
        }
        phase = .request(SOCKSCredentials(username: name, password: Array(input[(3 + nameLength)..<length])))
        input.removeFirst(length)
        return .answer([1, 0])
    }

    /// SOCKS 5: version, command, reserved, address type, address, port.
    private mutating func socks5(
        _ policy: SOCKSMachine.Policy, _ credentials: SOCKSCredentials?
    ) -> SOCKSMachine.Step {
        func refuse(_ failure: SOCKSFailure) -> SOCKSMachine.Step {
            .close(SOCKSReply.refused(version: 5, failure))
        }
        guard input[0] == 5 else { return refuse(.general) }
        let command = SOCKSRequest.Command(rawValue: input[1])
        // BIND and UDP ASSOCIATE are read whole before they are refused; other commands are no SOCKS.
        guard command != nil || input[1] == 2 || input[1] == 3 else { return refuse(.general) }
        guard input.count >= 5 else { return input.count >= 3 && input[2] != 0 ? refuse(.general) : .more }
        guard input[2] == 0 else { return refuse(.general) }
        let start: Int
        let length: Int
        switch input[3] {
        case 1: (start, length) = (4, 4)
        case 3: (start, length) = (5, Int(input[4]))
        case 4: (start, length) = (4, 16)
        default: return refuse(.general)
        }
        guard input.count >= start + length + 2 else { return .more }
        let bytes = Array(input[start..<start + length])
        let port = UInt16(input[start + length]) << 8 | UInt16(input[start + length + 1])
        let isName = input[3] == 3
        input.removeFirst(start + length + 2)
        guard let command else { return refuse(.commandNotSupported) }
        guard let host = isName ? host(bytes) : IPAddress(bytes: bytes).map({ .address($0) }) else {
            return refuse(command == .resolvePointer ? .addressTypeNotSupported : .general)
        }
        if command == .resolvePointer, case .name = host { return refuse(.addressTypeNotSupported) }
        if policy.refusesAddresses, !isName, command != .resolvePointer {
            return .close(SOCKSReply.refused(version: 5, .notAllowed), .address)
        }
        return decide(5, command, host, port, credentials, policy)
    }

    /// SOCKS 4: version, command, port, address, user name, NUL; 4a: then host name, NUL.
    private mutating func socks4(_ policy: SOCKSMachine.Policy) -> SOCKSMachine.Step {
        let refusal = SOCKSMachine.Step.close(SOCKSReply.refused(version: 4, .general))
        guard input.count >= 8 else { return .more }
        guard let nameEnd = input[8...].firstIndex(of: 0) else { return moreOfSOCKS4(refusal) }
        let user = Array(input[8..<nameEnd])
        let address = Array(input[4..<8])
        let port = UInt16(input[2]) << 8 | UInt16(input[3])
        let command = SOCKSRequest.Command(rawValue: input[1])
        // An address 0.0.0.x says that a host name follows.
        let isSOCKS4a = address[..<3].allSatisfy { $0 == 0 } && address[3] != 0
        var end = nameEnd + 1
        let host: SOCKSRequest.Host?
        if isSOCKS4a {
            guard let hostEnd = input[end...].firstIndex(of: 0) else { return moreOfSOCKS4(refusal) }
            host = self.host(Array(input[end..<hostEnd]))
            end = hostEnd + 1
        } else {
            host = IPAddress(bytes: address).map { .address($0) }
        }
        input.removeFirst(end)
        guard let command, command != .resolvePointer, let host, address != [0, 0, 0, 0],
            port != 0 || command == .resolve
        else { return refusal }
        guard isSOCKS4a || !policy.refusesAddresses else {
            return .close(SOCKSReply.refused(version: 4, .general), .address)
        }
        let credentials = user.isEmpty ? nil : SOCKSCredentials(username: user, password: [])
        return decide(4, command, host, port, credentials, policy)
    }

    private func moreOfSOCKS4(_ refusal: SOCKSMachine.Step) -> SOCKSMachine.Step {
        input.count >= SOCKSLimits.message ? refusal : .more
    }

    /// An address in text form, maybe in brackets, or a valid host name.
    private func host(_ bytes: [UInt8]) -> SOCKSRequest.Host? {
        let isBracketed = bytes.count > 2 && bytes.first == UInt8(ascii: "[") && bytes.last == UInt8(ascii: "]")
        let inner = isBracketed ? Array(bytes.dropFirst().dropLast()) : bytes
        guard let text = String(validating: inner, as: UTF8.self) else { return nil }
        if let address = IPAddress(text) { return .address(address) }
        guard !isBracketed, HostName.isValid(bytes) else { return nil }
        return .name(text.lowercased())
    }
}

// MARK: - What may be asked for

extension SOCKSMachine.Reading {
    private func decide(
        _ version: UInt8, _ command: SOCKSRequest.Command, _ host: SOCKSRequest.Host, _ port: UInt16,
        _ credentials: SOCKSCredentials?, _ policy: SOCKSMachine.Policy
    ) -> SOCKSMachine.Step {
        func refuse(_ failure: SOCKSFailure) -> SOCKSMachine.Step {
            .close(SOCKSReply.refused(version: version, failure))
        }
        switch host {
        case .address(let address):
            if command == .resolve { return .close(SOCKSReply.resolved(version: version, address)) }
            if policy.isInternal?(address) == true {
                return refuse(command == .resolvePointer ? .hostUnreachable : .general)
            }
            let isIPv4 = if case .v4 = address { true } else { false }
            if command == .connect, isIPv4 ? !policy.allowsIPv4 : !policy.allowsIPv6 { return refuse(.notAllowed) }
        case .name(let name):
            // Neither kind of name may ever be sent to an exit.
            if HostName.isUnder("onion", name) {
                let failure: SOCKSFailure = policy.extendedErrors ? .badOnionAddress : .hostUnreachable
                return .close(SOCKSReply.refused(version: version, failure), .onionService)
            }
            if HostName.isUnder("exit", name) { return refuse(.general) }
            if policy.isInternal != nil, HostName.isLocal(name) {
                return refuse(command == .connect ? .general : .hostUnreachable)
            }
            guard policy.allowsDNS else { return refuse(.notAllowed) }
        }
        if command == .connect {
            guard port != 0 else { return refuse(.general) }
            guard !policy.rejectedPorts.contains(port) else { return refuse(.notAllowed) }
        }
        return .request(
            SOCKSRequest(
                version: version, command: command, host: host, port: port, credentials: credentials,
                isPlaintextPort: policy.plaintextPorts.contains(port)))
    }
}
