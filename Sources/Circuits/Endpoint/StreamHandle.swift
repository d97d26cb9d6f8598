/// A stream of one circuit, as its endpoint knows it: a place in the table, and which of the streams that have had it.
///
/// A handle of a stream that is gone, or that we ended, means nothing, and every call with it does nothing.
package struct StreamHandle: Hashable, Sendable {
    /// The place in the table; drivers keep their own part of a stream in an array by this.
    package let slot: Int32
    /// Which stream of those that have had the place.
    package let generation: UInt32

    /// A handle that a table has given out.
    package init(slot: Int32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}
