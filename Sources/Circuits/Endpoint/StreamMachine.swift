package import Cells

/// One stream as one end of it sees it (tor-spec §6.2, §6.3, §7.4).
///
///     client:  awaitingConnected --CONNECTED--> open --we END--> halfClosed --END--> gone
///              awaitingResolved --RESOLVED--> gone           (END from the other end: gone at once)
///     relay:   owesConnected --we CONNECTED--> open --END, either way--> gone
///              owesResolved --we RESOLVED--> gone
///
/// A client that has sent END keeps the stream in mind until END comes back, since what was under way still arrives, and
/// counts what that may be; a relay forgets at once. Decides and counts only: which stream a message belongs to, and what it
/// says, is the endpoint's affair. Copyable, since a table keeps these in an array; not for sharing.
package struct StreamMachine: Equatable, Sendable {
    /// Where a stream stands.
    package enum State: Equatable, Sendable {
        /// A client's BEGIN or BEGIN_DIR is under way.
        case awaitingConnected
        /// A client's RESOLVE is under way.
        case awaitingResolved
        /// A relay has been sent BEGIN or BEGIN_DIR and has not said CONNECTED.
        case owesConnected
        /// A relay has been sent RESOLVE and has not answered.
        case owesResolved
        /// Bytes may go either way.
        case open
        /// A client has sent END; this may still come.
        case halfClosed(Remainder)
    }

    /// What the other end may still send after our END.
    package struct Remainder: Equatable, Sendable {
        /// DATA cells: what its window leaves.
        package var data: Int16
        /// SENDMEs: one for each 50 of our DATA that it has not acknowledged.
        package var sendmes: Int16
        /// Whether CONNECTED is under way.
        package var isConnectedDue: Bool

        /// So much.
        package init(data: Int16, sendmes: Int16, isConnectedDue: Bool) {
            self.data = data
            self.sendmes = sendmes
            self.isConnectedDue = isConnectedDue
        }
    }

    /// What to do with a message.
    package enum Verdict: Equatable, Sendable {
        /// Take it.
        case accept
        /// It crossed our END: let it be.
        case late
        /// It may not come in this state, but harms nobody: C Tor drops it.
        case unexpected
        /// The circuit cannot go on: TORPROTOCOL.
        case violation
    }

    /// Its number on the circuit.
    package let id: StreamID
    /// The hop at its other end; 0 at a relay.
    package let hop: UInt8
    /// Where it stands.
    package private(set) var state: State
    /// DATA cells that we may still package. Never above 500.
    package private(set) var packageWindow = Int16(EndpointSpec.streamWindowStart)
    /// DATA cells that the other end may still send. Never above 500.
    package private(set) var deliverWindow = Int16(EndpointSpec.streamWindowStart)

    /// A stream in its first state.
    package init(id: StreamID, hop: UInt8, state: State) {
        self.id = id
        self.hop = hop
        self.state = state
    }

    /// Whether our owner has ended it.
    package var isHalfClosed: Bool {
        if case .halfClosed = state { true } else { false }
    }

    /// DATA cells that it would send if the circuit let it.
    package var sendableCells: Int { state == .open ? Int(packageWindow) : 0 }

    /// A DATA has come in.
    package mutating func receiveData() -> Verdict {
        switch state {
        case .open, .owesConnected:
            // A client may send bytes before CONNECTED ("optimistic data", proposal 181).
            deliverWindow -= 1
            return deliverWindow < 0 ? .violation : .accept
        case .halfClosed(var remainder):
            guard remainder.data > 0 else { return .unexpected }
            remainder.data -= 1
            state = .halfClosed(remainder)
            return .late
        case .awaitingConnected, .awaitingResolved, .owesResolved:
            return .unexpected
        }
    }

    /// A SENDME for this stream has come in.
    package mutating func receiveSendme() -> Verdict {
        switch state {
        case .open:
            guard Int(packageWindow) + EndpointSpec.streamWindowIncrement <= EndpointSpec.streamWindowStart else {
                return .violation
            }
            packageWindow += Int16(EndpointSpec.streamWindowIncrement)
            return .accept
        case .halfClosed(var remainder):
            guard remainder.sendmes > 0 else { return .unexpected }
            remainder.sendmes -= 1
            state = .halfClosed(remainder)
            return .late
        case .awaitingConnected, .awaitingResolved, .owesConnected, .owesResolved:
            return .unexpected
        }
    }

    /// CONNECTED has come in.
    package mutating func receiveConnected() -> Verdict {
        switch state {
        case .awaitingConnected:
            state = .open
            return .accept
        case .open:
            return .violation
        case .halfClosed(var remainder):
            guard remainder.isConnectedDue else { return .unexpected }
            remainder.isConnectedDue = false
            state = .halfClosed(remainder)
            return .late
        case .awaitingResolved, .owesConnected, .owesResolved:
            return .unexpected
        }
    }

    /// RESOLVED has come in; with `accept` and `late` the stream is gone.
    package func receiveResolved() -> Verdict {
        switch state {
        case .awaitingResolved: .accept
        case .open: .violation
        case .halfClosed: .late
        case .awaitingConnected, .owesConnected, .owesResolved: .unexpected
        }
    }

    /// END has come in; with `accept` and `late` the stream is gone.
    package func receiveEnd(_ reason: EndReason) -> Verdict {
        switch state {
        case .awaitingConnected, .awaitingResolved:
            // C Tor: before anything has come through, both reasons can mean that a tagged cell has reached the exit.
            reason == .torProtocol || reason == .destroy ? .violation : .accept
        case .open, .owesConnected, .owesResolved: .accept
        case .halfClosed: .late
        }
    }

    /// We send CONNECTED.
    ///
    /// - Returns: whether it was owed.
    package mutating func sendConnected() -> Bool {
        guard state == .owesConnected else { return false }
        state = .open
        return true
    }

    /// We package a DATA cell; `sendableCells` must be above zero.
    package mutating func sendData() {
        precondition(sendableCells > 0)
        packageWindow -= 1
    }

    /// We have passed on what came, or can: how many SENDMEs to send.
    ///
    /// None before CONNECTED, which they must not overtake.
    package mutating func acknowledge() -> Int {
        guard state == .open else { return 0 }
        var count = 0
        while Int(deliverWindow) <= EndpointSpec.streamWindowStart - EndpointSpec.streamWindowIncrement {
            deliverWindow += Int16(EndpointSpec.streamWindowIncrement)
            count += 1
        }
        return count
    }

    /// A client sends END.
    package mutating func sendEnd() {
        var remainder = Remainder(
            data: deliverWindow,
            sendmes: (Int16(EndpointSpec.streamWindowStart) - packageWindow)
                / Int16(EndpointSpec.streamWindowIncrement),
            isConnectedDue: false)
        switch state {
        case .halfClosed: return
        case .awaitingConnected: remainder.isConnectedDue = true
        case .awaitingResolved: remainder.data = 0
        case .open, .owesConnected, .owesResolved: break
        }
        state = .halfClosed(remainder)
    }
}
