package import NIOCore

/// What the connections of one event loop share: buffers and the admission gate. Confined to its loop.
package final class TransportLoop {
    /// The loop.
    package let eventLoop: any EventLoop
    /// Its buffers.
    package let pool = TLSBufferPool()
    /// Its bandwidth.
    package let gate: AdmissionGate

    /// What `eventLoop`'s connections share; call on that loop.
    package init(eventLoop: any EventLoop, bandwidth: SharedBandwidth) {
        self.eventLoop = eventLoop
        gate = AdmissionGate(shared: bandwidth, eventLoop: eventLoop)
    }
}
