/// Which lines of two documents the other does not have, found as C Tor finds them, so that the same difference comes out.
///
/// Hirschberg's algorithm: halve the old stretch, split the new one where the common subsequences of both parts are longest
/// together, and go on with the parts. Quadratic in time, so stretches must be short: see `ConsensusDiff.make`.
struct LineChanges {
    private let old: [Int32]
    private let new: [Int32]
    /// Whether a line of the old document is gone.
    private(set) var isGone: [Bool]
    /// Whether a line of the new document is new.
    private(set) var isNew: [Bool]

    /// No changes yet between these lines, by number.
    init(old: [Int32], new: [Int32]) {
        self.old = old
        self.new = new
        isGone = [Bool](repeating: false, count: old.count)
        isNew = [Bool](repeating: false, count: new.count)
    }

    /// Compares a stretch of each.
    mutating func compare(_ olds: Range<Int>, _ news: Range<Int>) {
        let (olds, news) = trimmed(olds, news)
        if olds.count <= 1 {
            let same = olds.first.flatMap { line in news.first { new[$0] == old[line] } }
            if let line = olds.first, same == nil { isGone[line] = true }
            for line in news where line != same { isNew[line] = true }
        } else if news.count <= 1 {
            let same = news.first.flatMap { line in olds.first { old[$0] == new[line] } }
            if let line = news.first, same == nil { isNew[line] = true }
            for line in olds where line != same { isGone[line] = true }
        } else {
            let middle = olds.lowerBound + olds.count / 2
            let column = news.lowerBound + bestColumn(olds, middle, news)
            compare(olds.lowerBound..<middle, news.lowerBound..<column)
            compare(middle..<olds.upperBound, column..<news.upperBound)
        }
    }

    /// Without the lines that both begin or end with.
    private func trimmed(_ olds: Range<Int>, _ news: Range<Int>) -> (Range<Int>, Range<Int>) {
        var (low, newLow) = (olds.lowerBound, news.lowerBound)
        var (high, newHigh) = (olds.upperBound, news.upperBound)
        while low < high, newLow < newHigh, old[low] == new[newLow] {
            low += 1
            newLow += 1
        }
        while low < high, newLow < newHigh, old[high - 1] == new[newHigh - 1] {
            high -= 1
            newHigh -= 1
        }
        return (low..<high, newLow..<newHigh)
    }

    /// Where to split the new lines if the old ones are split at `middle`: the first of the best places.
    private func bestColumn(_ olds: Range<Int>, _ middle: Int, _ news: Range<Int>) -> Int {
        let top = commonLengths(Array(old[olds.lowerBound..<middle]), Array(new[news]))
        let bottom = commonLengths(Array(old[middle..<olds.upperBound].reversed()), Array(new[news].reversed()))
        var best = (column: 0, sum: -1)
        for column in 0...news.count {
            let sum = Int(top[column] + bottom[news.count - column])
            if sum > best.sum { best = (column, sum) }
        }
        return best.column
    }

    /// How long the longest common subsequence is of all old lines and so many of the new, for each number of new lines.
    private func commonLengths(_ olds: [Int32], _ news: [Int32]) -> [Int32] {
        var lengths = [Int32](repeating: 0, count: news.count + 1)
        var before = lengths
        for line in olds {
            swap(&before, &lengths)
            lengths[0] = 0
            for column in news.indices {
                lengths[column + 1] =
                    news[column] == line ? before[column] + 1 : max(lengths[column], before[column + 1])
            }
        }
        return lengths
    }
}
