internal import Cells
internal import Circuits
internal import OnionCrypto
internal import PluginHost

/// Our end of a circuit as its corridor keeps it: the machine that judges messages, and the stream objects by its slots.
///
/// At a relay it is made when the first message for us comes, since most circuits only pass. Lives at a fixed address.
struct CircuitEndpoint: ~Copyable {
    var machine: EndpointMachine
    /// Whether streams wait because the circuit's queue is long.
    var isQueueFull = false
    // Safe: each entry is retained when it is put in, and released when it is taken out.
    private var streams: [Unmanaged<CircuitStream>?] = []

    init(machine: consuming EndpointMachine) {
        self.machine = machine
    }

    deinit {
        for stream in streams { stream?.release() }
    }

    /// Keeps a stream under its handle.
    mutating func put(_ stream: CircuitStream, at handle: StreamHandle) {
        let slot = Int(handle.slot)
        while streams.count <= slot { streams.append(nil) }
        streams[slot]?.release()
        streams[slot] = Unmanaged.passRetained(stream)
    }

    /// The stream of a handle that the machine has just given.
    @inline(__always)
    func stream(at handle: StreamHandle) -> Unmanaged<CircuitStream>? {
        let slot = Int(handle.slot)
        return slot < streams.count ? streams[slot] : nil
    }

    /// Takes a stream out that has ended.
    mutating func take(_ handle: StreamHandle) -> CircuitStream? {
        let slot = Int(handle.slot)
        guard slot < streams.count, let stream = streams[slot] else { return nil }
        streams[slot] = nil
        return stream.takeRetainedValue()
    }

    /// Takes all streams out.
    mutating func takeAll() -> [CircuitStream] {
        defer { streams.removeAll() }
        return streams.compactMap { $0?.takeRetainedValue() }
    }

    /// Takes over what a circuit's plugins have set.
    mutating func follow(_ doors: UnsafeMutablePointer<CircuitDoors>) {
        machine.dataLimit = Int(doors.pointee.doors.flow.dataLimit)
    }

    /// A DATA cell has been sealed for a hop, in sending order.
    @inline(__always)
    mutating func dataSealed(_ tag: OnionTag, hop: Int = 0) {
        machine.dataSealed(tag, hop: hop)
    }
}
