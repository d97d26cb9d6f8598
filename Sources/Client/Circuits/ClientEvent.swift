/// What happens to circuits, streams and guards, in the control port's words (control-spec §4.1), without `650 `.
package enum ClientEvent: Hashable, Sendable {
    /// `CIRC ID STATUS …`
    case circuit(String)
    /// `STREAM ID STATUS CIRCUIT TARGET …`
    case stream(String)
    /// `GUARD ENTRY NAME STATUS`
    case guardChanged(String)
    /// A circuit is open for the first time: the client works.
    case firstCircuitOpened
}
