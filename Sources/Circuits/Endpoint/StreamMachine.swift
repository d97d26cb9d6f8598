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
        package var data: Int32
        /// SENDMEs: one for each 50 of our DATA that it has not acknowledged.
        package var sendmes: Int32
        /// Whether CONNECTED is under way.
        package var isConnectedDue: Bool

        /// So much.
        package init(data: Int32, sendmes: Int32, isConnectedDue: Bool) {
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
    /// Whether it has windows and SENDMEs; if not, it stops and goes by XOFF and XON.
    package let hasWindows: Bool
    /// What went and came, if it has windows.
    package private(set) var counts = FlowCounts()
    /// Whether XOFF has come, and no XON since.
    package private(set) var isStopped = false
    /// DATA cells that went, where there are no windows; and XOFF and XON that came. Neither overflows in a life.
    private var sent: UInt64 = 0
    private var xoffs: UInt64 = 0
    private var xons: UInt64 = 0

    /// A stream in its first state.
    package init(id: StreamID, hop: UInt8, state: State, hasWindows: Bool = true) {
        self.hasWindows = hasWindows
        self.id = id
        self.hop = hop
        self.state = state
    }

    /// Whether our owner has ended it.
    package var isHalfClosed: Bool {
        if case .halfClosed = state { true } else { false }
    }

    private var subject: FlowSubject { FlowSubject(hop: Int(hop), stream: id.rawValue) }

    /// DATA cells that it would send if the circuit let it.
    package mutating func sendableCells(by decider: inout some FlowDecider & ~Copyable) -> Int {
        guard state == .open else { return 0 }
        guard hasWindows else { return isStopped ? 0 : Int(Int32.max) }
        var windows = FlowWindows.stream
        return counts.sendable(subject, builtIn: &windows, by: &decider)
    }

    /// A DATA has come in.
    package mutating func receiveData(by decider: inout some FlowDecider & ~Copyable) -> Verdict {
        switch state {
        case .open, .owesConnected:
            // A client may send bytes before CONNECTED ("optimistic data", proposal 181).
            guard hasWindows else { return .accept }
            var windows = FlowWindows.stream
            let action = counts.noteReceived(subject, builtIn: &windows, by: &decider)
            return action == .destroyCircuit ? .violation : .accept
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
    package mutating func receiveSendme(by decider: inout some FlowDecider & ~Copyable) -> Verdict {
        switch state {
        case .open:
            // Proposal 324 §9: there are none with congestion control; C Tor closes the circuit.
            guard hasWindows else { return .violation }
            var windows = FlowWindows.stream
            let isAllowed = counts.noteAcknowledged(subject, roundTrip: 0, builtIn: &windows, by: &decider)
            return isAllowed ? .accept : .violation
        case .halfClosed(var remainder):
            guard remainder.sendmes > 0 else { return .unexpected }
            remainder.sendmes -= 1
            state = .halfClosed(remainder)
            return .late
        case .awaitingConnected, .awaitingResolved, .owesConnected, .owesResolved:
            return .unexpected
        }
    }

    /// XOFF has come in.
    package mutating func receiveXoff() -> Verdict {
        switch state {
        case .open, .owesConnected:
            guard !hasWindows, !isStopped else { return .unexpected }
            isStopped = true
            xoffs += 1
            return .accept
        case .halfClosed: return hasWindows ? .unexpected : .late
        case .awaitingConnected, .awaitingResolved, .owesResolved: return .unexpected
        }
    }

    /// XON has come in.
    package mutating func receiveXon() -> Verdict {
        switch state {
        case .open, .owesConnected:
            guard !hasWindows else { return .unexpected }
            isStopped = false
            xons += 1
            return .accept
        case .halfClosed: return hasWindows ? .unexpected : .late
        case .awaitingConnected, .awaitingResolved, .owesResolved: return .unexpected
        }
    }

    /// Whether more XOFF or XON have come than what we sent can have called for: somebody may be marking the circuit with
    /// them (C Tor's check at clients).
    package func isExcessive(_ parameters: CongestionParameters) -> Bool {
        let xoffLimit = UInt64(parameters.xoffExit)
        return sent < xoffLimit * xoffs || sent < min(xoffLimit, UInt64(parameters.xonRate)) * xons
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

    /// We package a DATA cell; `sendableCells` must have been above zero.
    package mutating func sendData() {
        if hasWindows { counts.notePackaged() } else { sent += 1 }
    }

    /// Something has happened that may change how much may go.
    package mutating func askAgain() { counts.askAgain() }

    /// We have passed on what came, or can: how many SENDMEs to send.
    ///
    /// None before CONNECTED, which they must not overtake.
    ///
    /// - Returns: nil if the circuit cannot go on.
    package mutating func acknowledge(by decider: inout some FlowDecider & ~Copyable) -> Int? {
        guard state == .open, hasWindows else { return 0 }
        var windows = FlowWindows.stream
        return counts.noteTaken(subject, builtIn: &windows, by: &decider)
    }

    /// What its windows let the other end send yet; as much as it likes, if there are none or a plugin decides.
    private var remainder: Remainder {
        guard hasWindows, !counts.isGoverned else { return Remainder(data: .max, sendmes: .max, isConnectedDue: false) }
        let windows = FlowWindows.stream
        let data = UInt64(EndpointSpec.streamWindowStart) + counts.acknowledging * UInt64(windows.ackInterval)
        let sent = counts.packaged - min(counts.packaged, counts.acknowledged * UInt64(windows.ackInterval))
        return Remainder(
            data: Int32(clamping: data - min(data, counts.received)),
            sendmes: Int32(clamping: sent / UInt64(windows.ackInterval)), isConnectedDue: false)
    }

    /// A client sends END.
    package mutating func sendEnd() {
        var remainder = remainder
        switch state {
        case .halfClosed: return
        case .awaitingConnected: remainder.isConnectedDue = true
        case .awaitingResolved: remainder.data = 0
        case .open, .owesConnected, .owesResolved: break
        }
        state = .halfClosed(remainder)
    }
}
