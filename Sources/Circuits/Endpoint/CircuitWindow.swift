/// Tor's first flow control: fixed windows for DATA between us and one hop (tor-spec §7.3).
///
/// Counts only. Which tags a SENDME must quote is kept beside it (``ExpectedTags``), since later flow control needs that
/// too.
package struct CircuitWindow: Equatable, Sendable {
    /// DATA cells that we may still package. Never above 1000.
    package private(set) var packageWindow: Int32
    /// DATA cells that the other end may still send before we acknowledge.
    package private(set) var deliverWindow: Int32 = Int32(EndpointSpec.circuitWindowStart)
    /// DATA cells sealed since the last one that a SENDME will acknowledge. Never above 99.
    private var sealed: Int32 = 0

    /// Full windows.
    ///
    /// - Parameter start: the consensus parameter `circwindow`; forced into 100...1000.
    package init(start: Int = EndpointSpec.circuitWindowStart) {
        let lowest = max(start, EndpointSpec.circuitWindowMinimum)
        packageWindow = Int32(min(lowest, EndpointSpec.circuitWindowStart))
    }

    /// A DATA cell is packaged; there must have been room for it.
    mutating func notePackaged() {
        precondition(packageWindow > 0)
        packageWindow -= 1
    }

    /// A DATA cell is sealed, in the order of the queue.
    ///
    /// - Returns: whether the other end will quote this cell's tag.
    mutating func noteSealed() -> Bool {
        sealed += 1
        guard sealed == EndpointSpec.circuitWindowIncrement else { return false }
        sealed = 0
        return true
    }

    /// A DATA cell has come in.
    mutating func noteReceived() -> FlowControl.ReceiveDataAction {
        deliverWindow -= 1
        guard deliverWindow >= 0 else { return .destroyCircuit }
        guard deliverWindow <= EndpointSpec.circuitWindowStart - EndpointSpec.circuitWindowIncrement else {
            return .none
        }
        deliverWindow += Int32(EndpointSpec.circuitWindowIncrement)
        return .sendSendme
    }

    /// A valid SENDME has come in.
    ///
    /// - Returns: false if the window would be above its start: too many of them.
    mutating func noteAcknowledged() -> Bool {
        guard Int(packageWindow) + EndpointSpec.circuitWindowIncrement <= EndpointSpec.circuitWindowStart else {
            return false
        }
        packageWindow += Int32(EndpointSpec.circuitWindowIncrement)
        return true
    }
}
