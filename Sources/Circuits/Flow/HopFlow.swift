internal import Cells
package import OnionCrypto

/// DATA between us and one hop, in both directions: how much may go, and which cells acknowledge which.
///
/// tor-spec §7.3: each 100th DATA cell has to be acknowledged by a circuit-level SENDME that quotes the tag of that very
/// cell, which proves that its sender has received what it claims. A tag exists once the cell is sealed, and that may be
/// later than packaging; so packaging counts the cell, and sealing notes the tag. Whoever decides how much may go, tags are
/// kept and checked here.
package struct HopFlow: Sendable {
    /// The built-in, which answers where no plugin does.
    package private(set) var control: FlowControl
    /// What went and came.
    package private(set) var counts = FlowCounts()
    private var awaited = AwaitedAcknowledgements()
    /// Cells for one acknowledgement; in force from the first DATA on, since both ends count.
    private var interval: UInt32
    /// Cells packaged, and sealed, since the last one that will be acknowledged. Always below the interval.
    private var packaged: UInt32 = 0
    private var sealed: UInt32 = 0

    /// What a SENDME of the circuit brings about.
    package enum ReceiveSendmeAction: Equatable, Sendable {
        /// More DATA may be packaged.
        case open
        /// Not what we may be sent: TORPROTOCOL.
        case destroyCircuit
    }

    /// Nothing under way.
    package init(_ control: FlowControl) {
        self.control = control
        interval = control.ackInterval
    }

    /// How many SENDMEs are still to come for cells that are sealed.
    package var expectedSendmes: Int { awaited.count }

    /// How many DATA cells may be packaged now.
    package mutating func sendableCells(hop: Int, by decider: inout some FlowDecider & ~Copyable) -> Int {
        guard !awaited.isFull else { return 0 }
        return counts.sendable(FlowSubject(hop: hop), builtIn: &control, by: &decider)
    }

    /// A DATA cell is packaged; `sendableCells` must have been above zero.
    package mutating func notePackaged(by decider: inout some FlowDecider & ~Copyable) {
        if counts.packaged == 0, let other = decider.ackInterval { interval = max(1, other) }
        counts.notePackaged()
        packaged += 1
        guard packaged == interval else { return }
        packaged = 0
        awaited.notePackaged(at: decider.now)
    }

    /// A DATA cell is sealed, in sending order.
    package mutating func noteSealed(_ tag: OnionTag) {
        sealed += 1
        guard sealed == interval else { return }
        sealed = 0
        awaited.noteSealed(tag)
    }

    /// Something has happened that may change how much may go.
    package mutating func askAgain() { counts.askAgain() }

    /// A DATA cell has come in.
    package mutating func receiveData(
        hop: Int, by decider: inout some FlowDecider & ~Copyable
    ) -> FlowControl.ReceiveDataAction {
        counts.noteReceived(FlowSubject(hop: hop), builtIn: &control, by: &decider)
    }

    /// A SENDME without a stream has come in.
    ///
    /// - Parameters:
    ///   - data: the message's own bytes.
    ///   - minimumVersion: the oldest version that will do.
    package mutating func receiveSendme(
        _ data: RawSpan, minimumVersion: UInt8, hop: Int, by decider: inout some FlowDecider & ~Copyable
    ) -> ReceiveSendmeAction {
        // The oldest tag goes, whatever the version, as in C Tor; without one, there is nothing to acknowledge.
        guard let (tag, packagedAt) = awaited.popFirst(), Self.acknowledges(data, tag, minimumVersion) else {
            return .destroyCircuit
        }
        let now = decider.now
        let roundTrip = now > packagedAt ? now - packagedAt : 0
        let isAllowed = counts.noteAcknowledged(
            FlowSubject(hop: hop), roundTrip: roundTrip, builtIn: &control, by: &decider)
        return isAllowed ? .open : .destroyCircuit
    }

    /// Whether a SENDME is well formed, new enough, and quotes `tag`. Reads in place: `SendmeMessage` would allocate.
    private static func acknowledges(_ data: RawSpan, _ tag: OnionTag, _ minimumVersion: UInt8) -> Bool {
        var parser = ByteParser(data)
        do {
            // tor-spec §7.3: an empty message is one of version 0, and what version 0 carries is ignored.
            let version = parser.isAtEnd ? 0 : try parser.readUInt8("version")
            guard version >= minimumVersion, version <= EndpointSpec.sendmeVersion else { return false }
            guard version == 1 else { return true }
            let length = Int(try parser.readUInt16("tag length"))
            let quoted = try parser.readSpan(length, "tag")
            return parser.isAtEnd && tag.matches(quoted)
        } catch {
            return false
        }
    }
}
