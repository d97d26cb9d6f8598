/// One eBPF instruction as it stands in an object file: eight bytes (RFC 9669 §3.1).
///
/// This is only the layout. What an instruction means, and whether it is allowed, is ``Operation``'s matter.
public struct Instruction: Hashable, Sendable {
    /// The operation: class in the low three bits, the rest depends on the class.
    public var opcode: UInt8
    /// The destination register, 0 to 10 (the field holds up to 15).
    public var destination: UInt8
    /// The source register, or a sub-operation.
    public var source: UInt8
    /// Added to an address, or to the instruction counter.
    public var offset: Int16
    /// A constant.
    public var immediate: Int32

    /// An instruction from its fields.
    public init(opcode: UInt8, destination: UInt8 = 0, source: UInt8 = 0, offset: Int16 = 0, immediate: Int32 = 0) {
        self.opcode = opcode
        self.destination = destination
        self.source = source
        self.offset = offset
        self.immediate = immediate
    }

    /// An instruction from its eight bytes, read as one little-endian word.
    public init(word: UInt64) {
        opcode = UInt8(truncatingIfNeeded: word)
        destination = UInt8(truncatingIfNeeded: word >> 8) & 15
        source = UInt8(truncatingIfNeeded: word >> 12) & 15
        offset = Int16(truncatingIfNeeded: word >> 16)
        immediate = Int32(truncatingIfNeeded: word >> 32)
    }

    /// The eight bytes as one little-endian word.
    public var word: UInt64 {
        UInt64(opcode) | UInt64(destination & 15) << 8 | UInt64(source & 15) << 12
            | UInt64(UInt16(bitPattern: offset)) << 16 | UInt64(UInt32(bitPattern: immediate)) << 32
    }

    /// Whether this is the first half of the one instruction that takes two slots.
    package var isWide: Bool { opcode == OpCode.loadImmediate64.rawValue }

    /// Reads instructions from bytes; nil when the length is no multiple of eight.
    public static func decode(_ bytes: some Collection<UInt8>) -> [Instruction]? {
        guard bytes.count % 8 == 0 else { return nil }
        var result: [Instruction] = []
        result.reserveCapacity(bytes.count / 8)
        var word: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            word |= UInt64(byte) << shift
            shift += 8
            if shift == 64 {
                result.append(Instruction(word: word))
                word = 0
                shift = 0
            }
        }
        return result
    }

    /// The instruction's eight bytes.
    public var bytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
}
