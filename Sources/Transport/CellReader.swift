package import Cells

/// The porch: plaintext bytes into cells, fixed ones straight into pool slots.
///
/// One copy per fixed cell, from the decrypted burst into its slot; half a cell waits for the next burst in its slot
/// already. Variable cells become arrays, of bounded length: longer ones end the connection during the link handshake,
/// and are skipped afterwards, when every one of them is ignored anyway. The very first cell has a circuit ID of two
/// bytes (tor-spec §4.1), all others of four. Not for what cells mean: that is `ChannelMachine`'s.
package struct CellReader: ~Copyable {
    /// What a stretch of plaintext gave.
    package enum Output: ~Copyable {
        /// A fixed-length cell.
        case cell(Cell)
        /// A variable-length cell.
        case variable(VariableCell)
        /// The bytes are used up.
        case needsMore
        /// No slot for the next cell: the memory budget is spent. Nothing has been taken for it.
        case outOfMemory
    }

    /// A variable-length cell as it came.
    package struct VariableCell: Sendable, Equatable {
        /// Its circuit ID, which ought to be zero.
        package var circuitID: CircuitID
        /// Its command.
        package var command: CellCommand
        /// Its body; empty if it was longer than what is kept.
        package var body: [UInt8]
        /// Header and body as they came, for the digests of the link handshake.
        package var wire: [UInt8]
    }

    /// The peer sent what no cell can be.
    package enum Failure: Error, Equatable {
        /// The first cell is not VERSIONS.
        case notVersions
        /// A variable cell of the link handshake is too long.
        case tooLong
    }

    /// Whether the channel is open: variable cells are mere noise then.
    package var isOpen = false

    private var hasVersions = false
    /// A header that is not complete, at most seven bytes.
    private var header = InlineArray<7, UInt8>(repeating: 0)
    private var headerCount = 0
    /// A fixed cell that is not complete; its header is in it.
    private var partial: Cell?
    private var partialCount = 0
    /// A variable cell that is not complete.
    private var variable: VariableCell?
    private var variableMissing = 0
    /// Where its body begins.
    private var bodyOffset = 0
    /// What is left to skip of a variable cell that is not kept; its report follows then.
    private var isSkipping = false

    /// A reader for a fresh connection.
    package init() {}

    /// Takes a whole fixed cell off the front of `bytes`, the common case; nil if none lies there or there is no slot, and
    /// then `next` says what does.
    @inline(__always)
    package mutating func nextWhole(_ bytes: inout UnsafeRawBufferPointer, pool: CellPool) -> Cell? {
        guard beginsWithWhole(bytes), let base = bytes.baseAddress, let cell = pool.makeCell() else { return nil }
        // Safe: a slot holds a whole cell, and so much is there.
        cell.wirePointer.copyMemory(from: base, byteCount: TransportSpec.cellLength)
        bytes.drop(TransportSpec.cellLength)
        return cell
    }

    /// Whether a whole fixed cell lies there, and none is under way.
    @inline(__always)
    private func beginsWithWhole(_ bytes: UnsafeRawBufferPointer) -> Bool {
        headerCount == 0 && partialCount == 0 && variable == nil && hasVersions
            && bytes.count >= TransportSpec.cellLength && !CellCommand(rawValue: bytes[4]).isVariableLength
    }

    /// Takes one cell off the front of `bytes`, or as much of one as there is.
    package mutating func next(
        _ bytes: inout UnsafeRawBufferPointer, pool: CellPool
    ) throws(Failure) -> Output {
        if beginsWithWhole(bytes) {
            guard let cell = nextWhole(&bytes, pool: pool) else { return .outOfMemory }
            return .cell(cell)
        }
        return try nextInParts(&bytes, pool: pool)
    }
}

// MARK: - Cells in parts, and variable ones

extension CellReader {
    private mutating func nextInParts(
        _ bytes: inout UnsafeRawBufferPointer, pool: CellPool
    ) throws(Failure) -> Output {
        if partialCount > 0 { return resumeFixed(&bytes) }
        if variable != nil { return resumeVariable(&bytes) }
        if !hasVersions { return try firstCell(&bytes) }
        guard collectHeader(5, &bytes) else { return .needsMore }
        let command = CellCommand(rawValue: header[4])
        if command.isVariableLength {
            guard collectHeader(TransportSpec.variableHeaderLength, &bytes) else { return .needsMore }
            return try startVariable(command, &bytes)
        }
        guard let cell = pool.makeCell() else { return .outOfMemory }
        for index in 0..<5 { cell.wirePointer.storeBytes(of: header[index], toByteOffset: index, as: UInt8.self) }
        partial = consume cell
        partialCount = 5
        headerCount = 0
        return resumeFixed(&bytes)
    }

    private mutating func collectHeader(_ count: Int, _ bytes: inout UnsafeRawBufferPointer) -> Bool {
        while headerCount < count, let byte = bytes.first {
            header[headerCount] = byte
            headerCount += 1
            bytes.drop(1)
        }
        return headerCount >= count
    }

    private mutating func resumeFixed(_ bytes: inout UnsafeRawBufferPointer) -> Output {
        guard let cell = partial.take() else {
            partialCount = 0
            return .needsMore
        }
        let count = min(TransportSpec.cellLength - partialCount, bytes.count)
        if count > 0, let base = bytes.baseAddress {
            // Safe: no more than the slot has left.
            (cell.wirePointer + partialCount).copyMemory(from: base, byteCount: count)
            bytes.drop(count)
            partialCount += count
        }
        if partialCount == TransportSpec.cellLength {
            partialCount = 0
            return .cell(cell)
        }
        partial = consume cell
        return .needsMore
    }

    private mutating func firstCell(_ bytes: inout UnsafeRawBufferPointer) throws(Failure) -> Output {
        guard collectHeader(TransportSpec.versionsHeaderLength, &bytes) else {
            // Whoever starts with something else need not be listened to any longer.
            if headerCount >= 3, CellCommand(rawValue: header[2]) != .versions { throw .notVersions }
            return .needsMore
        }
        guard CellCommand(rawValue: header[2]) == .versions else { throw .notVersions }
        let circuitID = UInt32(header[0]) << 8 | UInt32(header[1])
        let length = Int(header[3]) << 8 | Int(header[4])
        guard length <= TransportLimits.variableCellInHandshake else { throw .tooLong }
        hasVersions = true
        begin(.versions, circuitID: circuitID, length: length, headerLength: 5)
        return resumeVariable(&bytes)
    }

    private mutating func startVariable(
        _ command: CellCommand, _ bytes: inout UnsafeRawBufferPointer
    ) throws(Failure) -> Output {
        var circuitID: UInt32 = 0
        for index in 0..<4 { circuitID = circuitID << 8 | UInt32(header[index]) }
        let length = Int(header[5]) << 8 | Int(header[6])
        if isOpen {
            isSkipping = length > TransportLimits.variableCellWhenOpen
        } else if length > TransportLimits.variableCellInHandshake {
            throw .tooLong
        }
        begin(command, circuitID: circuitID, length: length, headerLength: 7)
        return resumeVariable(&bytes)
    }

    private mutating func begin(_ command: CellCommand, circuitID: UInt32, length: Int, headerLength: Int) {
        var wire: [UInt8] = []
        wire.reserveCapacity(isSkipping ? headerLength : headerLength + length)
        for index in 0..<headerLength { wire.append(header[index]) }
        variable = VariableCell(
            circuitID: CircuitID(rawValue: circuitID), command: command, body: [], wire: wire)
        variableMissing = length
        bodyOffset = headerLength
        headerCount = 0
    }

    private mutating func resumeVariable(_ bytes: inout UnsafeRawBufferPointer) -> Output {
        let count = min(variableMissing, bytes.count)
        if !isSkipping { variable?.wire.append(contentsOf: bytes.prefix(count)) }
        bytes.drop(count)
        variableMissing -= count
        guard variableMissing == 0, var cell = variable.take() else { return .needsMore }
        isSkipping = false
        cell.body = Array(cell.wire.dropFirst(bodyOffset))
        return .variable(cell)
    }
}

extension UnsafeRawBufferPointer {
    /// Takes `count` bytes off the front.
    fileprivate mutating func drop(_ count: Int) {
        self = UnsafeRawBufferPointer(rebasing: self[count...])
    }
}
