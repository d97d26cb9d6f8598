import Cells
import ProtocolTestKit
import Testing

@testable import CellPath

@Suite struct CircuitTableTests {
    @Test func `it agrees with a dictionary through a hundred thousand changes`() {
        var table = CircuitTable()
        var model: [CircuitID: CircuitReference] = [:]
        var random = SeededRandom(seed: 11)
        for step in 0..<100_000 {
            // Few enough IDs that chains and wrap-around occur.
            let circuitID = CircuitID(rawValue: UInt32.random(in: 1...700, using: &random) &* 0x0100_0193)
            if model[circuitID] == nil {
                let reference = CircuitReference(step % 3 == 0 ? .leg : .relay, UInt32(step))
                table.insert(circuitID, reference)
                model[circuitID] = reference
            } else if step % 5 != 0 {
                table.remove(circuitID)
                model[circuitID] = nil
            }
            if step % 1_000 == 0 {
                let count = table.count
                #expect(count == model.count)
                var isSame = true
                for (circuitID, reference) in model where table[circuitID] != reference { isSame = false }
                #expect(isSame)
            }
        }
        let all = Set(table.all.map(\.circuitID))
        #expect(all == Set(model.keys))
    }

    @Test func `an empty table finds nothing`() {
        var table = CircuitTable()
        let found = [table[CircuitID(rawValue: 5)], table[.zero]]
        #expect(found == [nil, nil])
        table.remove(CircuitID(rawValue: 5))
        let count = table.count
        #expect(count == 0)
    }

    @Test func `zero is nobody's, with others there`() {
        var table = CircuitTable()
        for number in 1...100 { table.insert(CircuitID(rawValue: UInt32(number)), CircuitReference(.origin, 3)) }
        let found = [table[.zero], table[CircuitID(rawValue: 101)], table[CircuitID(rawValue: 100)]]
        #expect(found == [nil, nil, CircuitReference(.origin, 3)])
    }

    @Test func `a reference keeps its kind and place`() {
        for kind in [CircuitReference.Kind.relay, .leg, .origin] {
            let reference = CircuitReference(kind, 0x3FFF_FFFF)
            #expect(reference.kind == kind)
            #expect(reference.slot == 0x3FFF_FFFF)
        }
    }
}
