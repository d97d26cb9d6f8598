internal import Cells
package import OnionCrypto

/// DATA between us and one hop, in both directions: how much may go, and which cells acknowledge which.
///
/// tor-spec §7.3: each 100th DATA cell has to be acknowledged by a circuit-level SENDME that quotes the tag of that very
/// cell, which proves that its sender has received what it claims. A tag exists once the cell is sealed, and that may be
/// later than packaging; so packaging narrows the window, and sealing notes the tag.
package struct HopFlow: Sendable {
    /// How much may go.
    package private(set) var control: FlowControl
    private var expected = ExpectedTags()

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
    }

    /// How many SENDMEs are still to come for cells that are sealed.
    package var expectedSendmes: Int { expected.count }

    /// A DATA cell is packaged; `control.sendableCells` must have been above zero.
    package mutating func notePackaged() {
        control.notePackaged()
    }

    /// A DATA cell is sealed, in sending order.
    package mutating func noteSealed(_ tag: OnionTag) {
        if control.noteSealed() { expected.append(tag) }
    }

    /// A DATA cell has come in.
    package mutating func receiveData() -> FlowControl.ReceiveDataAction {
        control.noteReceived()
    }

    /// A SENDME without a stream has come in.
    ///
    /// - Parameters:
    ///   - data: the message's own bytes.
    ///   - minimumVersion: the oldest version that will do.
    package mutating func receiveSendme(_ data: RawSpan, minimumVersion: UInt8) -> ReceiveSendmeAction {
        // The oldest tag goes, whatever the version, as in C Tor; without one, there is nothing to acknowledge.
        guard let tag = expected.popFirst(), Self.acknowledges(data, tag, minimumVersion),
            control.noteAcknowledged()
        else { return .destroyCircuit }
        return .open
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
