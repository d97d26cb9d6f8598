/// What lies where in an arena, in the addresses that programs see.
///
/// From the bottom: sixteen bytes that never hold data, the object's data, the heap, the embedder's windows, and the
/// stack at the top, which grows down. An arena is a power of two from 16 KiB to 1 MiB.
public struct ArenaLayout: Sendable, Hashable {
    /// The arena's size.
    public let size: Int
    /// The object's data: initialised first, zeros after.
    public let data: Range<Int>
    /// What nobody has claimed; a host may offer it to programs through helpers.
    public let heap: Range<Int>
    /// Places that the embedder asked for, in its order: a context, a payload.
    public let windows: [Range<Int>]
    /// Sixteen frames of 512 bytes.
    public let stack: Range<Int>

    /// Lays out an arena, each window aligned to 16.
    init(size: Int, dataSize: Int, windows sizes: [Int]) throws(VerifyError.Reason) {
        guard size >= Limits.smallestArena, size <= Limits.largestArena, size & (size - 1) == 0 else {
            throw .badArenaSize
        }
        let dataEnd = Limits.firstAddress + dataSize
        var needed = (dataEnd + 15) / 16 * 16 + Limits.stackSize
        for window in sizes {
            guard window >= 0, window <= Limits.largestArena else { throw .arenaTooSmall(needed: .max) }
            needed += (window + 15) / 16 * 16
        }
        guard needed <= size else { throw .arenaTooSmall(needed: needed) }
        self.size = size
        data = Limits.firstAddress..<dataEnd
        stack = size - Limits.stackSize..<size
        var top = stack.lowerBound
        var windows: [Range<Int>] = []
        for window in sizes.reversed() {
            top -= (window + 15) / 16 * 16
            windows.append(top..<top + window)
        }
        self.windows = windows.reversed()
        heap = (dataEnd + 15) / 16 * 16..<top
    }
}
