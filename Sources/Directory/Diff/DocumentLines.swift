/// A document as its lines, for comparing: each different line has a number.
///
/// The numbers of two documents can be compared if one `LineNumbers` gave them.
struct DocumentLines {
    /// The document.
    let text: [UInt8]
    /// Where its lines stand, without line ends.
    let ranges: [Range<Int>]

    /// Splits a document; nil if its last line has no end.
    init?(_ text: [UInt8]) {
        var ranges: [Range<Int>] = []
        var start = 0
        for (index, byte) in text.enumerated() where byte == UInt8(ascii: "\n") {
            ranges.append(start..<index)
            start = index + 1
        }
        guard start == text.count else { return nil }
        self.text = text
        self.ranges = ranges
    }

    /// How many lines there are.
    var count: Int { ranges.count }

    /// A line.
    subscript(_ index: Int) -> ArraySlice<UInt8> { text[ranges[index]] }

    /// Where the first line stands that begins with those bytes.
    func firstIndex(startingWith prefix: String) -> Int? {
        ranges.indices.first { self[$0].starts(with: prefix.utf8) }
    }
}

/// Numbers for lines: equal lines have the same.
struct LineNumbers {
    private var numbers: [ArraySlice<UInt8>: Int32] = [:]

    /// The numbers of the first `count` lines of a document.
    mutating func number(_ lines: DocumentLines, first count: Int) -> [Int32] {
        (0..<count).map { index in
            let line = lines[index]
            if let number = numbers[line] { return number }
            let number = Int32(truncatingIfNeeded: numbers.count)
            numbers[line] = number
            return number
        }
    }
}
