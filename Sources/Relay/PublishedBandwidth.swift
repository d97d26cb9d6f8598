/// What a relay's descriptor says that it carries, and whether that has changed so much that another must be published.
///
/// C Tor's rule: in a relay's first day, when what it says is zero, or off by more than a factor of two; then again after
/// three hours at the earliest, unless what it said was zero or the network is one for testing. Authorities give no Fast flag
/// to a relay that says zero.
package struct PublishedBandwidth: Sendable {
    private static let factor = 2
    private static let firstDay: Int64 = 86_400
    private static let pause: Int64 = 3 * 3_600

    private var published: Int?
    private var lastChange: Int64?

    /// Nothing has been published.
    package init() {}

    /// A descriptor says this.
    package mutating func publish(_ bytesPerSecond: Int) { published = bytesPerSecond }

    /// Whether it must say something else now; asking notes that it will.
    ///
    /// - Parameter second: Since the relay's start.
    package mutating func isOutdated(by current: Int, second: Int64, isTesting: Bool) -> Bool {
        guard let published, second <= Self.firstDay else { return false }
        let isOther =
            (published != current && (published == 0 || current == 0)) || current / Self.factor > published
            || current < published / Self.factor
        let mayChange = isTesting || published == 0 || lastChange.map { second > $0 + Self.pause } ?? true
        guard isOther, mayChange else { return false }
        lastChange = second
        return true
    }
}
