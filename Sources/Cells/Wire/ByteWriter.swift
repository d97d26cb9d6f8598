/// Writes big-endian numbers and bytes to the end of an array.
///
/// What is written is kept in `bytes`; encoders that append to an array given to them use the extension below instead.
package struct ByteWriter: Sendable {
    /// What has been written.
    package var bytes: [UInt8] = []

    /// Starts empty, with room for `capacity` bytes.
    package init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Writes a number, most significant byte first.
    package mutating func write(_ value: some FixedWidthInteger) {
        bytes.append(bigEndian: value)
    }

    /// Writes bytes as they are.
    package mutating func write(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }
}

extension Array where Element == UInt8 {
    /// Writes a number to the end, most significant byte first.
    package mutating func append<Number: FixedWidthInteger>(bigEndian value: Number) {
        var shift = Number.bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> Number(shift)))
        }
    }
}
