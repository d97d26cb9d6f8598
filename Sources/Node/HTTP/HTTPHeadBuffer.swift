/// Collects bytes until a head is whole: its lines, up to the empty one.
struct HTTPHeadBuffer {
    private var bytes: [UInt8] = []
    /// No empty line begins before this place.
    private var searched = 0

    /// Adds bytes.
    ///
    /// - Returns: the head's lines without their ends, and the bytes that follow the head; nil if it is not whole yet.
    mutating func receive(
        _ more: RawSpan
    ) throws(HTTPError) -> (lines: [ArraySlice<UInt8>], rest: ArraySlice<UInt8>)? {
        more.withUnsafeBytes { bytes.append(contentsOf: $0) }
        guard let end = endOfHead() else {
            guard bytes.count <= HTTPLimits.headLength else { throw .headTooLong }
            return nil
        }
        guard end + 4 <= HTTPLimits.headLength else { throw .headTooLong }
        let head = bytes[..<end]
        guard !head.contains(0) else { throw .malformedHeader }
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        for index in head.indices where head[index] == 0x0A {
            guard index > start, head[index - 1] == 0x0D else { throw .malformedHeader }
            lines.append(head[start..<(index - 1)])
            start = index + 1
        }
        lines.append(head[start..<end])
        guard lines.allSatisfy({ !$0.contains(0x0D) }) else { throw .malformedHeader }
        return (lines, bytes[(end + 4)...])
    }

    private mutating func endOfHead() -> Int? {
        while searched + 4 <= bytes.count {
            if bytes[searched] == 0x0D, bytes[searched + 1] == 0x0A, bytes[searched + 2] == 0x0D,
                bytes[searched + 3] == 0x0A
            {
                return searched
            }
            searched += 1
        }
        return nil
    }
}
