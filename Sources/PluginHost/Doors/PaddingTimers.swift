internal import Hooks

/// The timers that `padding` plans with: four per direction, each a moment and how the padding stands to cells that wait.
struct PaddingTimers {
    private var deadlines = InlineArray<8, UInt64>(repeating: .max)
    private var flags = InlineArray<8, UInt8>(repeating: 0)
    /// The earliest.
    private(set) var next = UInt64.max

    mutating func set(_ timer: UInt8, _ direction: UInt32, to deadline: UInt64, _ flags: PaddingFlags) {
        let place = Int(direction & 1) * Int(HooksLimits.paddingTimers) + Int(timer)
        deadlines[place] = deadline
        self.flags[place] = flags.rawValue
        next = .max
        for index in deadlines.indices { next = min(next, deadlines[index]) }
    }

    /// Takes a timer that has run out.
    mutating func take(now: UInt64) -> DuePadding? {
        guard next <= now else { return nil }
        for place in deadlines.indices where deadlines[place] == next {
            let timer = UInt8(place % Int(HooksLimits.paddingTimers))
            let direction = UInt32(place / Int(HooksLimits.paddingTimers))
            let flags = PaddingFlags(rawValue: flags[place])
            set(timer, direction, to: .max, [])
            return DuePadding(
                direction: direction == 0 ? .forward : .backward, timer: timer,
                isBypassing: flags.contains(.bypassing), isReplacing: flags.contains(.replacing))
        }
        return nil
    }
}
