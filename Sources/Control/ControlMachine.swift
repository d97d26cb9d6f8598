internal import Cells
internal import OnionCrypto

/// One controller's conversation: whether it is let in, and what each of its commands asks for (control-spec §3).
///
///     closed door --AUTHENTICATE--> open
///         |                          ^
///         +-----AUTHCHALLENGE--> challenged (AUTHENTICATE must now prove the cookie)
///
/// Knows nothing of the node: what it asks about comes from the driver. Words are C Tor's, since programs look at them.
package struct ControlMachine: ~Copyable {
    private enum State {
        /// Not let in yet; PROTOCOLINFO may be said once.
        case closed(saidProtocolInfo: Bool)
        /// Must answer with this.
        case challenged(expected: [UInt8])
        case open
        case ended
    }

    /// What the driver does about a command.
    package enum Action: Equatable {
        /// Send it, and go on.
        case reply(ControlReply)
        /// Send it, and close.
        case replyAndClose(ControlReply)
        /// Look these up, and answer with `ControlMachine.reply(to:)`.
        case lookUp([String])
        /// Answer OK, then do it.
        case signal(ControlSignal)
        /// Answer OK; from now on tell of these.
        case setEvents(Set<ControlEvent>)
        /// Answer OK; whether the node ends when this connection does.
        case setOwner(Bool)
        /// Nothing: the connection has ended.
        case ignore
    }

    private var state = State.closed(saidProtocolInfo: false)
    private let authentication: ControlAuthentication
    private let version: String

    /// A conversation that begins.
    package init(authentication: ControlAuthentication, version: String) {
        self.authentication = authentication
        self.version = version
    }

    /// Whether the controller has been let in.
    package var isOpen: Bool {
        if case .open = state { return true }
        return false
    }

    /// A command came: a line without its end, or a `+` command with its data.
    package mutating func receive(
        _ text: String, using random: inout some RandomNumberGenerator
    ) -> Action {
        let command = ControlCommand(text)
        switch state {
        case .ended: return .ignore
        case .open: return receiveOpen(command)
        case .closed(let saidProtocolInfo):
            switch command.keyword {
            case "QUIT": return end(250, "closing connection")
            case "PROTOCOLINFO" where !saidProtocolInfo:
                state = .closed(saidProtocolInfo: true)
                return protocolInfo(command)
            case "AUTHENTICATE": return authenticate(command, expected: nil)
            case "AUTHCHALLENGE": return challenge(command, using: &random)
            default: return end(514, "Authentication required.")
            }
        case .challenged(let expected):
            switch command.keyword {
            case "QUIT": return end(250, "closing connection")
            case "AUTHENTICATE": return authenticate(command, expected: expected)
            case "AUTHCHALLENGE": return challenge(command, using: &random)
            default: return end(514, "Authentication required.")
            }
        }
    }

    private mutating func end(_ code: Int, _ text: String) -> Action {
        state = .ended
        return .replyAndClose(ControlReply(code, text))
    }
}

// MARK: - Being let in

extension ControlMachine {
    private mutating func protocolInfo(_ command: ControlCommand) -> Action {
        if let bad = command.arguments.first(where: { Int($0).map { $0 < 0 } ?? true }) {
            let text = "No such version \(ControlAuthentication.quoted(bad))"
            return isOpen ? .reply(ControlReply(513, text)) : end(513, text)
        }
        return .reply(
            ControlReply(lines: [
                .init(250, "PROTOCOLINFO 1"), .init(250, authentication.methods),
                .init(250, "VERSION Tor=\(ControlAuthentication.quoted(version))"), .init(250, "OK"),
            ]))
    }

    private mutating func authenticate(_ command: ControlCommand, expected: [UInt8]?) -> Action {
        let answer: [UInt8]
        let isQuoted = command.rest.hasPrefix("\"")
        if isQuoted {
            guard let text = ControlCommand.quoted(command.rest) else {
                return end(512, "Bad arguments to AUTHENTICATE: Cannot parse keyword argument(s)")
            }
            answer = text
        } else {
            guard command.arguments.count <= 1 else { return end(512, "Too many arguments to AUTHENTICATE.") }
            guard let bytes = Base16.decode(command.rest) else {
                return end(
                    551,
                    "Invalid hexadecimal encoding.  Maybe you tried a plain text password?  If so, the standard requires "
                        + "that you put it in double quotes.")
            }
            answer = bytes
        }
        if let expected {
            guard answer.count == expected.count else {
                return end(515, "Authentication failed: Wrong length for safe cookie response.")
            }
            guard constantTimeEqual(answer, expected) else {
                return end(515, "Authentication failed: Safe cookie response did not match expected value.")
            }
        } else if let refusal = authentication.refusal(of: answer, isQuoted: isQuoted) {
            return end(515, "Authentication failed: \(refusal)")
        }
        state = .open
        return .reply(.done)
    }

    private mutating func challenge(
        _ command: ControlCommand, using random: inout some RandomNumberGenerator
    ) -> Action {
        let arguments = command.arguments
        guard let method = arguments.first else {
            return end(512, "Bad arguments to AUTHCHALLENGE: Need at least 1 argument(s)")
        }
        guard method.uppercased() == "SAFECOOKIE" else {
            return end(513, "AUTHCHALLENGE only supports SAFECOOKIE authentication")
        }
        guard authentication.cookie != nil else { return end(515, "Cookie authentication is disabled") }
        let written = command.rest.dropFirst(method.count).drop { $0 == " " || $0 == "\t" }
        let clientNonce: [UInt8]
        if written.hasPrefix("\""), let text = ControlCommand.quoted(written) {
            clientNonce = text
        } else {
            guard arguments.count == 2 else { return end(512, "Wrong number of arguments for AUTHCHALLENGE") }
            guard let bytes = Base16.decode(arguments[1]) else { return end(513, "Invalid base16 client nonce") }
            clientNonce = bytes
        }
        let serverNonce = (0..<ControlSpec.nonceLength).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let proofs = authentication.proofs(clientNonce: clientNonce, serverNonce: serverNonce) else {
            return end(515, "Cookie authentication is disabled")
        }
        state = .challenged(expected: proofs.controller)
        let hash = Base16.encode(proofs.server, uppercase: true)
        let nonce = Base16.encode(serverNonce, uppercase: true)
        return .reply(ControlReply(250, "AUTHCHALLENGE SERVERHASH=\(hash) SERVERNONCE=\(nonce)"))
    }
}

// MARK: - Commands

extension ControlMachine {
    private mutating func receiveOpen(_ command: ControlCommand) -> Action {
        switch command.keyword {
        case "QUIT": return end(250, "closing connection")
        case "PROTOCOLINFO": return protocolInfo(command)
        case "AUTHENTICATE": return authenticate(command, expected: nil)
        case "GETINFO": return command.arguments.isEmpty ? .reply(.done) : .lookUp(command.arguments)
        case "SIGNAL": return signal(command)
        case "SETEVENTS": return setEvents(command)
        case "USEFEATURE":
            let unknown = command.arguments.first { !ControlSpec.features.contains($0.uppercased()) }
            return .reply(unknown.map { ControlReply(552, "Unrecognized feature \"\($0)\"") } ?? .done)
        case "TAKEOWNERSHIP": return .setOwner(true)
        case "DROPOWNERSHIP": return .setOwner(false)
        default: return .reply(ControlReply(510, "Unrecognized command \"\(command.written)\""))
        }
    }

    private func signal(_ command: ControlCommand) -> Action {
        let arguments = command.arguments
        guard let name = arguments.first else {
            return .reply(ControlReply(512, "Bad arguments to SIGNAL: Need at least 1 argument(s)"))
        }
        guard arguments.count == 1 else {
            return .reply(ControlReply(512, "Bad arguments to SIGNAL: Cannot accept more than 1 argument(s)"))
        }
        guard let signal = ControlSignal(name: name) else {
            return .reply(ControlReply(552, "Unrecognized signal code \"\(name)\""))
        }
        return .signal(signal)
    }

    private func setEvents(_ command: ControlCommand) -> Action {
        var events: Set<ControlEvent> = []
        for name in command.arguments where !ControlSpec.formerEvents.contains(name.uppercased()) {
            guard let event = ControlEvent(rawValue: name.uppercased()) else {
                return .reply(ControlReply(552, "Unrecognized event \"\(name)\""))
            }
            events.insert(event)
        }
        return .setEvents(events)
    }

    /// The reply to GETINFO: every value, or every key that is not one.
    package static func reply(to answers: [(key: String, answer: ControlInformation)]) -> ControlReply {
        var values: [ControlReply.Line] = []
        var unknown: [ControlReply.Line] = []
        for (key, answer) in answers {
            switch answer {
            case .value(let value): values.append(ControlReply.value(key, value))
            case .unrecognized: unknown.append(.init(552, "Unrecognized key \"\(key)\""))
            case .failed(let reason): return ControlReply(551, reason)
            }
        }
        return ControlReply(lines: unknown.isEmpty ? values + [.init(250, "OK")] : unknown)
    }
}

/// What is known of one GETINFO key.
package enum ControlInformation: Hashable, Sendable {
    /// Its value, perhaps of several lines.
    case value(String)
    /// Nobody knows such a key.
    case unrecognized
    /// It has no value now, for such a reason.
    case failed(String)
}
