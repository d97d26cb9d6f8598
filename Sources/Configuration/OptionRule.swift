/// What kind of value an option takes; decides how its text is read and whether several lines add up.
package enum OptionKind: String, CaseIterable, Sendable {
    /// `0` or `1`.
    case flag
    /// `0`, `1` or `auto`.
    case autoFlag
    /// A whole number.
    case integer
    /// A whole number that is not negative.
    case count
    /// A number with a decimal point.
    case number
    /// Bytes, with a unit: `75 KB`, `1 GByte`, `8 MBits`.
    case memory
    /// Seconds, with a unit: `10 minutes`.
    case interval
    /// Milliseconds, with a unit: `100 msec`.
    case milliseconds
    /// Only the first of a comma list of intervals counts (C Tor's old download schedules).
    case firstInterval
    /// Text as it stands.
    case text
    /// A path; `~/` is the home folder.
    case path
    /// Items between commas.
    case commaList
    /// Several lines add up.
    case lines

    /// Whether another line adds to the value instead of replacing it.
    var accumulates: Bool { self == .lines }
}

/// What we do with an option that C Tor 0.4.9.11 knows, or that is our own.
package struct OptionRule: Hashable, Sendable {
    /// Our answer to the option.
    package enum Standing: Hashable, Sendable {
        /// It works.
        case supported(OptionKind, default: String)
        /// It does nothing here, with one warning; that harms nobody.
        case ignored(because: String)
        /// It is an error, unless its value is one of `harmless`, which ask for what we do anyway.
        case refused(because: String, harmless: [String])
        /// C Tor skips it with a warning, and so do we.
        case obsolete
    }

    /// The canonical spelling.
    package let name: String
    /// What becomes of it.
    package let standing: Standing

    /// A rule.
    package init(name: String, standing: Standing) {
        self.name = name
        self.standing = standing
    }
}
