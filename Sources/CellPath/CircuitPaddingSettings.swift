/// What the network and the operator say of padding on circuits (padding-spec §3.5): C Tor's `circpad_` parameters.
package struct CircuitPaddingSettings: Hashable, Sendable {
    /// `CircuitPadding`, and not `circpad_padding_disabled`: machines pad.
    package var isAllowed = true
    /// `circpad_max_circ_queued_cells`: padding is not sent while more cells of the circuit wait.
    package var queueLimit: UInt32 = 1_000
    /// `circpad_global_allowed_cells`: so much padding may be sent before the percentage matters.
    package var freeCells = 0
    /// `circpad_global_max_padding_pct`: of all cells at most this part may be padding; 0 sets no limit.
    package var percentLimit = 0

    /// C Tor's defaults.
    package init() {}

    /// Whether so much padding among so many cells leaves room for more.
    func admits(padding: Int, of all: Int) -> Bool {
        guard percentLimit > 0, padding >= freeCells, all > 0 else { return true }
        return 100 * padding / all <= percentLimit
    }
}
