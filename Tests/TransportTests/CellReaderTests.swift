import Cells
import Testing

@testable import Transport

@Suite struct CellReaderTests {
    /// VERSIONS 4 and 5, CERTS of three bytes, RELAY on circuit 0x80000001, empty VPADDING, DESTROY.
    private static let stream: [UInt8] =
        [0, 0, 7, 0, 4, 0, 4, 0, 5]
        + [0, 0, 0, 0, 129, 0, 3, 1, 2, 3]
        + fixed(0x8000_0001, 3, seed: 5)
        + [0, 0, 0, 0, 128, 0, 0]
        + fixed(7, 4, seed: 9)
        + fixed(8, 3, seed: 11)

    private static func fixed(_ circuit: UInt32, _ command: UInt8, seed: UInt8) -> [UInt8] {
        let header = [
            UInt8(circuit >> 24), UInt8(circuit >> 16 & 255), UInt8(circuit >> 8 & 255), UInt8(circuit & 255),
        ]
        return header + [command] + (0..<509).map { UInt8(truncatingIfNeeded: $0) &* 3 &+ seed }
    }

    /// What the reader made of some bytes.
    private enum Seen: Equatable {
        case cell([UInt8])
        case variable(UInt32, UInt8, [UInt8], wire: [UInt8])
    }

    private static let expected: [Seen] = [
        .variable(0, 7, [0, 4, 0, 5], wire: Array(stream[0..<9])),
        .variable(0, 129, [1, 2, 3], wire: Array(stream[9..<19])),
        .cell(fixed(0x8000_0001, 3, seed: 5)),
        .variable(0, 128, [], wire: [0, 0, 0, 0, 128, 0, 0]),
        .cell(fixed(7, 4, seed: 9)),
        .cell(fixed(8, 3, seed: 11)),
    ]

    private func feed(
        _ reader: inout CellReader, _ pool: CellPool, _ bytes: [UInt8]
    ) throws(CellReader.Failure) -> [Seen] {
        var seen: [Seen] = []
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        var rest = UnsafeRawBufferPointer(copy)
        while true {
            switch try reader.next(&rest, pool: pool) {
            case .cell(let cell):
                seen.append(.cell(wire(cell)))
            case .variable(let cell):
                seen.append(.variable(cell.circuitID.rawValue, cell.command.rawValue, cell.body, wire: cell.wire))
            case .needsMore:
                #expect(rest.isEmpty)
                return seen
            case .outOfMemory:
                Issue.record("no slots")
                return seen
            }
        }
    }

    @Test func `all at once`() throws {
        var reader = CellReader()
        #expect(try feed(&reader, testPool(), Self.stream) == Self.expected)
    }

    @Test func `one byte at a time`() throws {
        var reader = CellReader()
        let pool = testPool()
        var seen: [Seen] = []
        for byte in Self.stream { seen += try feed(&reader, pool, [byte]) }
        #expect(seen == Self.expected)
    }

    @Test func `cut in two anywhere`() throws {
        let pool = testPool()
        for cut in 0...Self.stream.count {
            var reader = CellReader()
            var seen = try feed(&reader, pool, Array(Self.stream[..<cut]))
            seen += try feed(&reader, pool, Array(Self.stream[cut...]))
            #expect(seen == Self.expected, "cut at \(cut)")
        }
    }

    @Test(arguments: [2, 3, 5, 7, 11, 509, 513, 514, 515, 1_028])
    func `in equal pieces`(length: Int) throws {
        var reader = CellReader()
        let pool = testPool()
        var seen: [Seen] = []
        for start in stride(from: 0, to: Self.stream.count, by: length) {
            seen += try feed(&reader, pool, Array(Self.stream[start..<min(start + length, Self.stream.count)]))
        }
        #expect(seen == Self.expected)
    }

    @Test func `half a cell costs one slot and gives it back with the reader`() throws {
        let pool = testPool()
        let before = slotsInUse(pool)
        do {
            var reader = CellReader()
            _ = try feed(&reader, pool, Self.stream + [0, 0, 0, 9, 3, 1, 2, 3])
            #expect(slotsInUse(pool) == before + 1)
        }
        #expect(slotsInUse(pool) == before)
    }

    @Test func `whoever does not begin with VERSIONS is not heard`() {
        for bytes in [[0, 0, 129], [0, 0, 129, 0, 0], [0, 0, 0, 0, 129, 0, 0], Array("GET / HTTP".utf8)] as [[UInt8]] {
            var reader = CellReader()
            #expect(throws: CellReader.Failure.notVersions) { try feed(&reader, testPool(), bytes) }
        }
    }

    @Test func `long variable cells end a handshake and are skipped later`() throws {
        let pool = testPool()
        let long: [UInt8] = [0, 0, 0, 0, 129, 0x40, 1]
        var reader = CellReader()
        _ = try feed(&reader, pool, Array(Self.stream[..<9]))
        #expect(throws: CellReader.Failure.tooLong) { try feed(&reader, pool, long) }

        var versions = CellReader()
        #expect(throws: CellReader.Failure.tooLong) { try feed(&versions, pool, [0, 0, 7, 0x40, 1]) }

        var open = CellReader()
        _ = try feed(&open, pool, Array(Self.stream[..<9]))
        open.isOpen = true
        let body = [UInt8](repeating: 1, count: 0x4001)
        let cell = Self.fixed(3, 3, seed: 1)
        let seen = try feed(&open, pool, long + body + cell)
        #expect(seen == [.variable(0, 129, [], wire: long), .cell(cell)])
    }

    @Test func `a spent budget takes nothing`() throws {
        let pool = emptyPool()
        var reader = CellReader()
        try Self.stream.withUnsafeBytes { bytes in
            var rest = UnsafeRawBufferPointer(rebasing: bytes[..<9])
            _ = try reader.next(&rest, pool: pool)
            rest = UnsafeRawBufferPointer(rebasing: bytes[19...])
            let before = rest.count
            switch try reader.next(&rest, pool: pool) {
            case .outOfMemory: #expect(rest.count == before)
            case .cell: Issue.record("a slot from nowhere")
            case .variable: Issue.record("a slot from nowhere")
            case .needsMore: Issue.record("the cell is gone")
            }
        }
    }
}
