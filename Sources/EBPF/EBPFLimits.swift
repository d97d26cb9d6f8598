/// Sizes that we chose.
enum Limits {
    /// The smallest arena: half of it is stack, and a plugin's data still fits.
    static let smallestArena = 16 << 10
    /// The largest arena, so that a masked address always fits an immediate operand.
    static let largestArena = 1 << 20
    /// Addresses below never hold data, so that a null pointer never points at something.
    static let firstAddress = 16
    /// Masking can leave an access hanging over the end by all but one byte of eight.
    static let spareBytes = 8
    /// Functions on the stack at once.
    static let callDepth = 16
    /// All of the stack.
    static let stackSize = callDepth * SpecConstants.frameSize
    /// More than any plugin of 256 KiB can hold; keeps every branch of compiled code within 32 bits.
    static let instructions = 1 << 18
    /// An object file larger than this is not worth parsing.
    static let objectBytes = 16 << 20
    /// What tables of an object may hold: many times what compilers write, and nothing that takes long to read. Headers
    /// may claim the same bytes of a file over and over, so the file's size alone bounds nothing.
    static let objectSections = 4096
    static let objectSymbols = 1 << 16
    static let objectRelocations = 1 << 16
    /// Bytes of a name in an object, its end included.
    static let nameBytes = 512
    /// Bytes of a section that only describes the object.
    static let metadataBytes = 64 << 10
    /// A block no dearer than this is paid for by the block that leads to it.
    static let foldedCost: UInt32 = 12
    /// Handles of functions begin here; below are helpers' numbers.
    static let firstFunctionHandle: UInt64 = 1 << 32
    /// Slots of a pool come in mappings of about this many bytes.
    static let slabBytes = 1 << 20
    /// Above this an arena is cleaned by giving its pages back instead of by writing zeros.
    static let zeroingBytes = 128 << 10
}
