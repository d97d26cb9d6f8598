/// Reads big-endian numbers and stretches of bytes off the front of bytes that somebody else owns.
///
/// Every read either succeeds whole or throws and says what was wanted and where. A parser that must take everything ends
/// with `finish`.
package struct ByteParser: ~Escapable {
    private let bytes: RawSpan
    /// How much has been read.
    package private(set) var offset = 0

    /// Starts at the front.
    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan) {
        self.bytes = bytes
    }

    /// How much is left.
    package var remaining: Int { bytes.byteCount - offset }

    /// True if nothing is left.
    package var isAtEnd: Bool { remaining == 0 }

    /// Reads one byte.
    package mutating func readUInt8(_ what: String = "byte") throws(WireError) -> UInt8 {
        let start = try advance(1, what)
        // Safe: `advance` has seen that the byte is there; any bits are an integer. The same holds below.
        return bytes.unsafeLoad(fromByteOffset: start, as: UInt8.self)
    }

    /// Reads two bytes.
    package mutating func readUInt16(_ what: String = "number") throws(WireError) -> UInt16 {
        let start = try advance(2, what)
        return UInt16(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt16.self))
    }

    /// Reads four bytes.
    package mutating func readUInt32(_ what: String = "number") throws(WireError) -> UInt32 {
        let start = try advance(4, what)
        return UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self))
    }

    /// Reads eight bytes.
    package mutating func readUInt64(_ what: String = "number") throws(WireError) -> UInt64 {
        let start = try advance(8, what)
        return UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self))
    }

    /// Reads `count` bytes into an array of their own.
    package mutating func readBytes(_ count: Int, _ what: String = "bytes") throws(WireError) -> [UInt8] {
        let start = try advance(count, what)
        return Array(copying: bytes.extracting(start..<(start + count)))
    }

    /// Reads `count` bytes where they lie.
    @_lifetime(copy self)
    package mutating func readSpan(_ count: Int, _ what: String = "bytes") throws(WireError) -> RawSpan {
        let start = try advance(count, what)
        return bytes.extracting(start..<(start + count))
    }

    /// Reads all that is left.
    package mutating func readRest() -> [UInt8] {
        let start = offset
        offset = bytes.byteCount
        return Array(copying: bytes.extracting(start..<offset))
    }

    /// Reads up to the next byte `delimiter`, which is taken but not part of the result.
    package mutating func readBytes(until delimiter: UInt8, _ what: String) throws(WireError) -> [UInt8] {
        var end = offset
        while end < bytes.byteCount {
            if bytes.unsafeLoad(fromByteOffset: end, as: UInt8.self) == delimiter {
                let result = Array(copying: bytes.extracting(offset..<end))
                offset = end + 1
                return result
            }
            end += 1
        }
        throw WireError(what, at: offset)
    }

    /// Passes over `count` bytes.
    package mutating func skip(_ count: Int, _ what: String = "bytes") throws(WireError) {
        _ = try advance(count, what)
    }

    /// Throws if anything is left.
    package func finish(_ what: String = "trailing bytes") throws(WireError) {
        guard isAtEnd else { throw WireError(what, at: offset) }
    }

    private mutating func advance(_ count: Int, _ what: String) throws(WireError) -> Int {
        guard count >= 0, count <= remaining else { throw WireError(what, at: offset) }
        let start = offset
        offset += count
        return start
    }
}

extension Array where Element == UInt8 {
    /// Copies borrowed bytes into an array.
    @inlinable
    package init(copying bytes: RawSpan) {
        self = unsafe bytes.withUnsafeBytes { Array($0) }
    }

    /// Copies borrowed bytes to the end.
    @inlinable
    package mutating func append(copying bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { append(contentsOf: $0) }
    }
}
