/// A moment on the world's clock, in whole seconds since 1970 without leap seconds: what documents and certificates need.
///
/// Not for deadlines, which are `ContinuousClock.Instant`.
package struct WallTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    package var seconds: Int64

    /// Takes seconds since 1970-01-01 00:00:00 UTC.
    package init(seconds: Int64) {
        self.seconds = seconds
    }

    /// Takes whole hours since 1970, as Ed25519 certificates count.
    package init(hours: UInt32) {
        seconds = Int64(hours) * 3600
    }

    /// Parses `YYYY-MM-DD HH:MM:SS`, in UTC; nil if it is anything else or no such moment.
    package init?(text: some StringProtocol) {
        let characters = Array(text.utf8)
        guard characters.count == 19, characters[4] == 45, characters[7] == 45, characters[10] == 32,
            characters[13] == 58, characters[16] == 58,
            let year = Self.number(characters[0..<4]), let month = Self.number(characters[5..<7]),
            let day = Self.number(characters[8..<10]), let hour = Self.number(characters[11..<13]),
            let minute = Self.number(characters[14..<16]), let second = Self.number(characters[17..<19])
        else { return nil }
        self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }

    /// Takes a date and time of day in UTC of the proleptic Gregorian calendar; nil if there is no such moment.
    ///
    /// A leap second (60) is taken as the first second of the next minute.
    package init?(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        guard (1...9999).contains(year), (1...12).contains(month),
            (1...Self.days(inMonth: month, of: year)).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        // Years are counted from March, so that the leap day is the last of its year.
        let shiftedYear = month > 2 ? year : year - 1
        let shiftedMonth = (month + 9) % 12
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + day - 1
        let days = 365 * shiftedYear + shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400 + dayOfYear - 719_468
        seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// `YYYY-MM-DD HH:MM:SS`, in UTC.
    package var description: String {
        let (date, second) = civil
        return "\(Self.digits(date.year, 4))-\(Self.digits(date.month))-\(Self.digits(date.day)) "
            + "\(Self.digits(second / 3600)):\(Self.digits(second / 60 % 60)):\(Self.digits(second % 60))"
    }

    /// The date in UTC, and the second of its day.
    package var civil: (date: (year: Int, month: Int, day: Int), secondOfDay: Int) {
        var days = Int(seconds / 86_400)
        var second = Int(seconds % 86_400)
        if second < 0 {
            second += 86_400
            days -= 1
        }
        // Days since 0000-03-01, cut into the calendar's cycles of 400 years.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return ((year, month, day), second)
    }

    /// The earlier one first.
    package static func < (left: WallTime, right: WallTime) -> Bool {
        left.seconds < right.seconds
    }

    /// `seconds` later.
    package static func + (time: WallTime, seconds: Int64) -> WallTime {
        WallTime(seconds: time.seconds + seconds)
    }

    /// `seconds` earlier.
    package static func - (time: WallTime, seconds: Int64) -> WallTime {
        WallTime(seconds: time.seconds - seconds)
    }

    /// How many seconds lie between two moments.
    package static func - (later: WallTime, earlier: WallTime) -> Int64 {
        later.seconds - earlier.seconds
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard (48...57).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 48)
        }
        return value
    }

    private static func digits(_ value: Int, _ count: Int = 2) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
