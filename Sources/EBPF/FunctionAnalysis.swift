/// Finds which of the preserved registers a function writes, so that its callers save only those.
enum FunctionAnalysis {
    /// For each target of a local call, r6 to r9 as bits 0 to 3. Calls inside a function restore what they save, so
    /// only the function's own writes count. Functions left out (there is a bound on the work) may write all four.
    static func writtenRegisters(_ code: VerifiedCode) -> [Int: UInt8] {
        var result: [Int: UInt8] = [:]
        var seen = [Int32](repeating: -1, count: code.operations.count)
        var budget = code.operations.count * 4
        for operation in code.operations where operation.code == .callLocal {
            let start = Int(operation.offset)
            guard result[start] == nil else { continue }
            guard let written = walk(code, start, &seen, &budget) else { return result }
            result[start] = written
        }
        return result
    }

    private static func walk(
        _ code: VerifiedCode, _ start: Int, _ seen: inout [Int32], _ budget: inout Int
    ) -> UInt8? {
        var written: UInt8 = 0
        var pending = [start]
        while var slot = pending.popLast() {
            while seen[slot] != Int32(start) {
                seen[slot] = Int32(start)
                budget -= 1
                guard budget > 0 else { return nil }
                let operation = code.operations[slot]
                if let register = operation.written, (6...9).contains(register) {
                    written |= 1 << (register - 6)
                }
                if operation.code == .exit { break }
                if operation.code.isConditional { pending.append(Int(operation.offset)) }
                slot = operation.code == .jump ? Int(operation.offset) : slot + 1
            }
        }
        return written
    }
}
