import Cells
import NIOCore
import Testing

@testable import Transport

extension SocketTests {
    /// The two copies of a cell's life, at either end of a connection.
    @Suite struct CellWriterTests {
        @Test func `cells go from slot to slot, 31 to a record, and every slot goes home`() async throws {
            let count = 10_000
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key)
            ) { end in
                let ear = CellEar()
                end.onPlaintext = { end, bytes in
                    ear.hear(bytes)
                    if ear.heard == count { end.handler.close() }
                }
            }
            let loop = try await TestLoop()
            let client = try await dial(try TLSContext(), to: server.listener.endpoint.port, on: loop)
            try await client.secured.futureResult.get()
            let slots = try await client.run { end in
                let pool = testPool()
                var sent = 0
                end.handler.append([0, 0, 7, 0, 2, 0, 5])
                end.handler.flush()
                func send() {
                    while sent < count, end.handler.canTakeCells {
                        while sent < count, end.handler.canTakeCells {
                            guard
                                var cell = pool.makeCell(circuitID: CircuitID(rawValue: UInt32(sent)), command: .relay)
                            else { return }
                            cell.setBody([UInt8(truncatingIfNeeded: sent), 1, 2, 3])
                            end.handler.append(cell)
                            sent += 1
                        }
                        end.handler.flush()
                    }
                }
                end.onWritable = { _ in send() }
                send()
                // Whatever was appended is a record by now.
                return pool.liveCount
            }
            #expect(slots == 0)
            #expect(try await server.accepted().closed.futureResult.get() == .closedLocally)
            // A connection that is gone drops what it is given, and the slot still goes home.
            _ = try await client.closed.futureResult.get()
            let left = try await client.run { end in
                let pool = testPool()
                if let cell = pool.makeCell(circuitID: CircuitID(rawValue: 1), command: .relay) {
                    end.handler.append(cell)
                }
                return pool.liveCount
            }
            #expect(left == 0)
            try await server.stop()
            try await loop.stop()
        }

        @Test func `a record is full at 31 cells`() {
            let pool = TLSBufferPool()
            let cells = testPool()
            var writer = CellWriter()
            #expect(writer.freeBytes == 0)
            writer.begin(pool)
            for index in 0..<31 {
                #expect(writer.count == index * 514)
                if let cell = cells.makeCell(circuitID: CircuitID(rawValue: UInt32(index)), command: .relay) {
                    writer.append(cell)
                }
            }
            #expect(writer.freeBytes == 0)
            #expect(writer.filled.count == 15_934)
            #expect(writer.filled[514 * 30 + 3] == 30)
            #expect(cells.liveCount == 0)
            writer.release(to: pool)
            #expect(writer.count == 0)
        }
    }
}

/// Reads cells that are numbered by their circuit ID.
final class CellEar: @unchecked Sendable {
    var heard = 0
    private var reader = CellReader()
    private let pool = testPool()

    func hear(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while true {
            guard let output = try? reader.next(&rest, pool: pool) else {
                Issue.record("not a cell")
                return
            }
            switch consume output {
            case .cell(let cell):
                #expect(cell.circuitID.rawValue == UInt32(heard))
                #expect(wire(cell)[5...8] == [UInt8(truncatingIfNeeded: heard), 1, 2, 3])
                heard += 1
            case .variable(let cell): #expect(cell.command == .versions)
            case .needsMore: return
            case .outOfMemory:
                Issue.record("no slots")
                return
            }
        }
    }
}
