/// Numbers with units, as C Tor reads them: a number, blanks, and a unit without regard to case.
enum UnitReader {
    /// Which units a value may have.
    enum Quantity {
        case bytes, seconds, milliseconds
    }

    /// The value of `text` in bytes, seconds or milliseconds, or why it has none.
    static func read(_ text: String, as quantity: Quantity) -> Result<Int, UnitError> {
        let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        guard !digits.isEmpty else { return .failure(.init("\"\(text)\" does not begin with a number")) }
        let unit = trimmed(text[digits.endIndex...]).lowercased()
        guard let factor = factor(of: unit, quantity) else {
            return .failure(.init("unknown unit \"\(unit)\" in \"\(text)\""))
        }
        if digits.contains(".") {
            guard let number = Double(digits) else { return .failure(.init("\"\(digits)\" is not a number")) }
            let product = number * Double(factor)
            guard product < Double(Int.max) else { return .failure(.init("\"\(text)\" is too large")) }
            return .success(Int(product))
        }
        guard let number = Int(digits) else { return .failure(.init("\"\(text)\" is too large")) }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return .failure(.init("\"\(text)\" is too large")) }
        return .success(product)
    }

    private static func factor(of unit: String, _ quantity: Quantity) -> Int? {
        switch quantity {
        case .bytes: bytes[unit]
        case .seconds: seconds[unit]
        case .milliseconds: milliseconds[unit]
        }
    }

    private static let bytes: [String: Int] = {
        var units = ["": 1, "b": 1, "byte": 1, "bytes": 1, "m": 1 << 20]
        for (short, long, shift) in [("k", "kilo", 10), ("m", "mega", 20), ("g", "giga", 30), ("t", "tera", 40)] {
            for name in ["\(short)b", "\(short)byte", "\(short)bytes", "\(long)byte", "\(long)bytes"] {
                units[name] = 1 << shift
            }
            for name in ["\(short)bit", "\(short)bits", "\(long)bit", "\(long)bits"] { units[name] = 1 << (shift - 3) }
        }
        return units
    }()

    private static let seconds: [String: Int] = [
        "": 1, "second": 1, "seconds": 1, "minute": 60, "minutes": 60, "hour": 3600, "hours": 3600,
        "day": 86400, "days": 86400, "week": 604_800, "weeks": 604_800,
        // About 30.437 days; C Tor's number.
        "month": 2_629_728, "months": 2_629_728,
    ]

    private static let milliseconds: [String: Int] = {
        var units = ["": 1, "msec": 1, "millisecond": 1, "milliseconds": 1]
        for (name, factor) in seconds where !name.isEmpty && !name.hasPrefix("month") { units[name] = factor * 1000 }
        return units
    }()
}

/// Why a number with a unit cannot be read.
struct UnitError: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
