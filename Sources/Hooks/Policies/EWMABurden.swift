/// How many cells a circuit has sent, the recent ones counting more: 32 bits of exponent, 32 of mantissa after the leading
/// one. Two of them compare like the numbers that they are.
///
/// Instead of making every sum decay, a cell's weight grows: it doubles each half-life, which orders circuits alike. The
/// exponent outlasts any relay, so nothing is ever scaled down. All in integers, since eBPF has no others, and so that
/// the same policy as a plugin comes to the same bits (`plugins/ewma`).
@frozen
@usableFromInline
package struct EWMABurden: Comparable, Sendable {
    /// The number's bits.
    @usableFromInline package var bits: UInt64

    /// Of bits.
    @inlinable
    package init(bits: UInt64) { self.bits = bits }

    /// Of a circuit that has sent nothing: too small to be seen beside any weight.
    @inlinable
    package static var none: EWMABurden { EWMABurden(bits: 0) }
    /// More than any sum.
    @inlinable
    package static var infinite: EWMABurden { EWMABurden(bits: .max) }

    @inlinable
    package static func < (left: EWMABurden, right: EWMABurden) -> Bool { left.bits < right.bits }

    /// What a cell weighs at a time.
    ///
    /// - Parameters:
    ///   - milliseconds: since a moment that the loop chose once.
    ///   - halfLife: in milliseconds; at least 1.
    package static func weight(at milliseconds: UInt64, halfLife: UInt64 = HooksLimits.halfLifeMilliseconds)
        -> EWMABurden
    {
        let (whole, rest) = milliseconds.quotientAndRemainder(dividingBy: max(halfLife, 1))
        let fraction = min(rest, 0xFFFF_FFFF) << 32 / max(halfLife, 1)
        // A parabola through 2^0, 2^0.5 and 2^1, less 1: x * (0.656854 + 0.343146 x). Safe: both factors are below 2^32.
        let slope = 2_821_166_650 + (1_473_800_646 &* (fraction & 0xFFFF_FFFF)) >> 32
        let mantissa = min((slope &* (fraction & 0xFFFF_FFFF)) >> 32, 0xFFFF_FFFF)
        return EWMABurden(bits: (min(whole, 0xFFFF_FFFF - firstExponent) + firstExponent) << 32 | mantissa)
    }

    /// The weight's exponent at first: far above a circuit that has sent nothing.
    private static let firstExponent: UInt64 = 64

    /// This and so many cells of this weight.
    @inlinable
    package func adding(_ weight: EWMABurden, cells: UInt32) -> EWMABurden {
        guard cells > 0 else { return self }
        var sum = bits
        // Cells one after the other: a sum of rounded parts, the same however they are told.
        for _ in 0..<cells { sum = Self.sum(sum, weight.bits) }
        return EWMABurden(bits: sum)
    }

    /// The sum of two numbers, cut off below the mantissa.
    @inlinable
    @inline(__always)
    static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let large = max(first, second)
        let small = min(first, second)
        let distance = large >> 32 &- small >> 32
        guard distance < 33 else { return large }
        // Safe: below 2^33 each, so their sum is below 2^34.
        let mantissa = (large & 0xFFFF_FFFF | 1 << 32) &+ (small & 0xFFFF_FFFF | 1 << 32) >> distance
        let carry = mantissa >> 33
        // The leading one is taken off by the subtraction; a carry goes into the exponent, which wraps after 2^32 half-lives.
        return (large >> 32 &+ carry) << 32 | (mantissa >> carry) & 0xFFFF_FFFF
    }
}

/// A sum that cells are added to one after the other, as `EWMABurden.adding` does: while the exponent stays, a cell is the same
/// whole number, so that it costs one addition and one test.
@frozen
@usableFromInline
package struct EWMASum {
    /// The sum.
    @usableFromInline package var burden: EWMABurden
    @usableFromInline let weight: EWMABurden
    /// What a cell adds to the bits, if that leaves the exponent alone.
    @usableFromInline var step: UInt64

    /// Begins with a burden, for cells of this weight.
    @inlinable
    package init(_ burden: EWMABurden, weight: EWMABurden) {
        self.burden = burden
        self.weight = weight
        step = Self.step(burden.bits, weight.bits)
    }

    /// Adds a cell.
    @inlinable
    @inline(__always)
    package mutating func addCell() {
        // Wraps only for a step that the test below refuses.
        let next = burden.bits &+ step
        if (next ^ burden.bits) >> 32 == 0 {
            burden.bits = next
        } else {
            carry()
        }
    }

    @usableFromInline
    mutating func carry() {
        burden.bits = EWMABurden.sum(burden.bits, weight.bits)
        step = Self.step(burden.bits, weight.bits)
    }

    /// The weight's mantissa moved to the sum's exponent; something that changes the exponent where the weight is the larger.
    @inlinable
    static func step(_ sum: UInt64, _ weight: UInt64) -> UInt64 {
        guard sum >= weight else { return 1 << 33 }
        let distance = sum >> 32 &- weight >> 32
        return distance < 33 ? (weight & 0xFFFF_FFFF | 1 << 32) >> distance : 0
    }
}

/// The built-in at `rank`: the circuit that has sent least of late comes first ("An Improved Algorithm for Tor Circuit
/// Scheduling").
///
/// Knows the time as a weight, which is computed once a batch.
package struct EWMAPolicy: SchedulingPolicy {
    private let halfLife: UInt64
    private var milliseconds: UInt64 = .max
    /// What a cell weighs now.
    package private(set) var weight = EWMABurden.weight(at: 0)
    /// Cells of a circuit that leave before another is looked at.
    package static let quantum: UInt32 = 8

    /// With a half-life in milliseconds.
    package init(halfLife: UInt64 = HooksLimits.halfLifeMilliseconds) {
        self.halfLife = max(halfLife, 1)
        advance(to: 0)
    }

    /// Reads the time, once per batch: milliseconds since a moment that the loop chose once.
    package mutating func advance(to now: UInt64) {
        guard now != milliseconds else { return }
        milliseconds = now
        weight = EWMABurden.weight(at: now, halfLife: halfLife)
    }

    package mutating func rank(_ context: inout RankContext) -> Answer<RankVerdict> {
        if context.parameter == RankEvent.sent.rawValue {
            context.state0 = EWMABurden(bits: context.state0).adding(weight, cells: context.sent).bits
        }
        context.key = context.state0
        return .verdict(RankVerdict(quantum: Self.quantum))
    }
}
