package import Hooks

/// What has gone and come of one circuit and hop, or of one stream, and what was answered last.
///
/// The counts are the host's, whoever decides: so a plugin can take the built-in's place, or leave it, between two cells. An
/// answer holds for many cells, and per cell there is only a number to count down:
/// - how many DATA cells may be packaged is asked again after an acknowledgement, and when they are used up;
/// - whether to acknowledge is asked again once as many cells have come as the answer said.
package struct FlowCounts: Equatable, Sendable {
    /// DATA cells packaged.
    package private(set) var packaged: UInt64 = 0
    /// SENDMEs that came for them.
    package private(set) var acknowledged: UInt64 = 0
    /// DATA cells that came.
    package private(set) var received: UInt64 = 0
    /// SENDMEs that we have sent for them.
    package private(set) var acknowledging: UInt64 = 0
    /// Whether a plugin has decided anything here: then what the built-in allows is no bound.
    package private(set) var isGoverned = false
    /// The deciding plugin's scratch.
    private var state0: UInt64 = 0
    private var state1: UInt64 = 0
    /// DATA cells that may be packaged before the next question; below zero: ask.
    private var allowance: Int32 = -1
    /// DATA cells that may come before the next question.
    private var quiet: UInt32 = 0
    /// The same, for the question whether to acknowledge what an owner has taken.
    private var quietForTaken: UInt32 = 0
    /// Acknowledgements that are due when the owner has taken what came.
    private var owed: UInt32 = 0

    /// Nothing has gone or come.
    package init() {}

    // MARK: Sending

    /// How many DATA cells may be packaged now.
    package mutating func sendable(
        _ subject: FlowSubject, builtIn: inout some FlowControlPolicy & ~Copyable,
        by decider: inout some FlowDecider & ~Copyable
    ) -> Int {
        if allowance < 0 { askMaySend(subject, &builtIn, &decider) }
        return Int(max(0, allowance))
    }

    /// One is packaged; `sendable` must have been above zero.
    package mutating func notePackaged() {
        precondition(allowance > 0)
        packaged += 1
        allowance -= 1
        // All used: who decides may have more to give.
        if allowance == 0 { allowance = -1 }
    }

    /// Time has passed, or something else than an acknowledgement has happened that may change the answer.
    package mutating func askAgain() { allowance = -1 }

    private mutating func askMaySend(
        _ subject: FlowSubject, _ builtIn: inout some FlowControlPolicy & ~Copyable,
        _ decider: inout some FlowDecider & ~Copyable
    ) {
        var context = MaySendContext()
        context.parameter = subject.scope.rawValue
        context.hop = subject.hop
        context.stream = subject.stream
        context.queue = decider.queue
        context.isBlocked = decider.isBlocked ? 1 : 0
        context.packaged = packaged
        context.acknowledgements = acknowledged
        context.state0 = state0
        context.state1 = state1
        var answer = decider.maySend(&context)
        if case .builtIn = answer { answer = builtIn.maySend(&context) } else { isGoverned = true }
        (state0, state1) = (context.state0, context.state1)
        // Who failed allows nothing; the circuit is about to end.
        guard case .verdict(let verdict) = answer else { return allowance = 0 }
        allowance = Int32(verdict.cells)
    }

    /// A valid SENDME has come.
    ///
    /// - Returns: false if it acknowledges more than was sent.
    package mutating func noteAcknowledged(
        _ subject: FlowSubject, roundTrip: UInt64, builtIn: inout some FlowControlPolicy & ~Copyable,
        by decider: inout some FlowDecider & ~Copyable
    ) -> Bool {
        var context = OnAckContext()
        context.parameter = subject.scope.rawValue
        context.hop = subject.hop
        context.stream = subject.stream
        context.queue = decider.queue
        context.isBlocked = decider.isBlocked ? 1 : 0
        context.packaged = packaged
        context.acknowledgements = acknowledged
        context.roundTrip = roundTrip
        context.state0 = state0
        context.state1 = state1
        var answer = decider.onAck(&context)
        if case .builtIn = answer { answer = builtIn.onAck(&context) } else { isGoverned = true }
        (state0, state1) = (context.state0, context.state1)
        guard answer == .verdict(.accepted) else { return false }
        acknowledged += 1
        allowance = -1
        return true
    }

    // MARK: Receiving

    /// A DATA cell has come in.
    package mutating func noteReceived(
        _ subject: FlowSubject, builtIn: inout some FlowControlPolicy & ~Copyable,
        by decider: inout some FlowDecider & ~Copyable
    ) -> FlowControl.ReceiveDataAction {
        received += 1
        if quietForTaken > 0 { quietForTaken -= 1 }
        guard quiet == 0 else {
            quiet -= 1
            return .none
        }
        switch askAckDue(subject, isTaken: false, &builtIn, &decider) {
        case .no(let cells):
            quiet = cells
            return .none
        case .yes:
            acknowledging += 1
            if subject.scope == .stream { owed += 1 }
            return .sendSendme
        case .destroyCircuit:
            return .destroyCircuit
        }
    }

    /// A stream's owner has taken what came.
    ///
    /// - Returns: how many SENDMEs to send, which count as sent; nil if the circuit cannot go on.
    package mutating func noteTaken(
        _ subject: FlowSubject, builtIn: inout some FlowControlPolicy & ~Copyable,
        by decider: inout some FlowDecider & ~Copyable
    ) -> Int? {
        var count = Int(owed)
        owed = 0
        while quietForTaken == 0 {
            switch askAckDue(subject, isTaken: true, &builtIn, &decider) {
            case .no(let cells):
                // At least until more has come: nothing changes before. (Far below an overflow: `cells` has 31 bits.)
                quietForTaken = cells + 1
                return count
            case .yes:
                // No more than there were cells, whoever decides.
                guard acknowledging < received else { return nil }
                acknowledging += 1
                count += 1
            case .destroyCircuit:
                return nil
            }
        }
        return count
    }

    private mutating func askAckDue(
        _ subject: FlowSubject, isTaken: Bool, _ builtIn: inout some FlowControlPolicy & ~Copyable,
        _ decider: inout some FlowDecider & ~Copyable
    ) -> AckVerdict {
        var context = AckDueContext()
        context.parameter = subject.scope.rawValue
        context.hop = subject.hop
        context.stream = subject.stream
        context.event = isTaken ? 1 : 0
        context.received = received
        context.acknowledgements = acknowledging
        context.state0 = state0
        context.state1 = state1
        var answer = decider.ackDue(&context)
        if case .builtIn = answer { answer = builtIn.ackDue(&context) } else { isGoverned = true }
        (state0, state1) = (context.state0, context.state1)
        guard case .verdict(let verdict) = answer else { return .destroyCircuit }
        return verdict
    }
}
