/// Bytes that are not what they should be: what was being read, and where.
@usableFromInline
package struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being read and what is wrong with it. A literal, so that throwing allocates nothing.
    package let what: String
    /// Where in the bytes given to the parser.
    package let offset: Int

    /// Says what is wrong, and where.
    @usableFromInline
    package init(_ what: String, at offset: Int) {
        self.what = what
        self.offset = offset
    }

    /// For the debug log.
    public var description: String { "\(what) at byte \(offset)" }
}
