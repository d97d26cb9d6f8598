internal import Cells
internal import Circuits
internal import Hooks
internal import PluginHost

/// The side door's door: streams that open, connect, carry bytes and close, in either direction.
extension Corridor {
    /// What becomes of a stream's bytes that are about to leave.
    enum BytesOutcome {
        /// So many of them go into a DATA.
        case package(Int)
        /// A plugin has taken so many.
        case taken(Int)
        /// Nothing: the circuit is gone.
        case gone
    }

    /// Asks at `stream` about a message that came.
    ///
    /// - Returns: whether the built-in goes on.
    @inline(never)
    func askStream(
        of action: ReceiveMessageAction, _ id: StreamID, _ data: RawSpan, _ reference: CircuitReference, hop: Int = 0,
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) -> Bool {
        let event: StreamEvent
        var reason: UInt32 = 0
        switch action {
        case .openStream: event = .opened
        case .streamConnected: event = .connected
        case .deliverData: event = .data
        case .streamResolved: event = .closed
        case .streamEnded(_, let message), .failStream(_, _, _, let message):
            event = .closed
            reason = UInt32(message.reason.rawValue)
        case .none, .streamMaySend, .streamPaced, .circuitMaySend, .refuseStream, .extend, .extended, .truncate,
            .truncated, .drop, .plugin,
            .ignore, .destroyCircuit:
            return true
        }
        switch askStream(event, id, data, reference, hop: hop, reason: reason, isOutward: false) {
        case .goOn: return true
        case .gone: return false
        case .handled: break
        }
        switch action {
        case .openStream(let handle, _, _):
            // It is the plugin's: it counts as connected, and nobody else hears of it.
            _ = endpoint.pointee.machine.sendConnected(handle)
            return false
        case .deliverData(let handle):
            acknowledgeHandled(handle, reference, hop, endpoint)
            return false
        case .streamConnected: return false
        default:
            // That a stream has ended its owner hears in any case.
            return true
        }
    }

    /// Asks at `stream` about a message of ours.
    ///
    /// - Returns: whether it is to be sent.
    @inline(never)
    func askStream(
        _ event: StreamEvent, _ message: some RelayMessage, _ id: StreamID, _ reference: CircuitReference,
        hop: Int = 0, reason: UInt32 = 0
    ) -> Bool {
        var bytes: [UInt8] = []
        message.encode(into: &bytes)
        return askStream(event, id, bytes.span.bytes, reference, hop: hop, reason: reason, isOutward: true) == .goOn
    }

    /// Asks at `stream` about a stream that is opened here.
    ///
    /// - Returns: whether the relay is to hear of it.
    @inline(never)
    func askOpening(_ request: StreamRequest, _ id: StreamID, _ reference: CircuitReference, hop: Int) -> Bool {
        switch request {
        case .begin(let message): askStream(.opened, message, id, reference, hop: hop)
        case .beginDirectory: askStream(.opened, BeginDirectoryMessage(), id, reference, hop: hop)
        case .resolve(let message): askStream(.opened, message, id, reference, hop: hop)
        }
    }

    /// Asks about a stream's bytes that are about to be packaged: at `stream`, then at `message_packaging`.
    ///
    /// What is taken spends no window.
    @inline(never)
    func askBytes(
        _ bytes: UnsafeRawBufferPointer, of handle: StreamHandle, _ reference: CircuitReference,
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) -> BytesOutcome {
        guard let doors = doors(of: reference), let id = endpoint.pointee.machine.streamID(of: handle) else {
            return .package(bytes.count)
        }
        let hop = endpoint.pointee.machine.hop(of: handle) ?? 0
        let limit = Int(doors.pointee.doors.flow.dataLimit)
        let length = endpoint.pointee.machine.nextLength(available: min(bytes.count, limit))
        let attended = doors.pointee.doors.attended
        // Safe: no more than there are, and good during the call.
        let data = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
        if attended.contains(.stream) {
            switch askStream(.data, id, data, reference, hop: hop, reason: 0, isOutward: true) {
            case .goOn: break
            case .handled: return .taken(length)
            case .gone: return .gone
            }
        }
        guard attended.contains(.messagePackaging) else { return .package(length) }
        switch askPackaging(.data, id, data, reference, hop: hop) {
        case .goOn: return .package(length)
        case .handled: return .taken(length)
        case .gone: return .gone
        }
    }

    private func askStream(
        _ event: StreamEvent, _ id: StreamID, _ data: RawSpan, _ reference: CircuitReference, hop: Int,
        reason: UInt32, isOutward: Bool
    ) -> DoorOutcome {
        guard let doors = doors(of: reference) else { return .goOn }
        var context = StreamContext()
        context.parameter = event.rawValue
        context.hop = UInt32(hop)
        context.stream = UInt32(id.rawValue)
        context.isOutward = isOutward ? 1 : 0
        context.payloadLength = UInt32(data.byteCount)
        context.reason = reason
        let answer = doors.pointee.doors.stream(&context, data: data)
        guard finishAsking(reference, doors) else { return .gone }
        switch answer {
        case .builtIn, .verdict(.byDefault): return .goOn
        case .verdict(.handled): return .handled
        case .verdict(.destroyCircuit):
            destroyAttended(reference)
            return .gone
        case .destroyCircuit: return .gone
        }
    }
}
