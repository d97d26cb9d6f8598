package import EBPF

/// Kinds of error that compilers of eBPF have had, planted into what ours works from.
package struct PlantedError: Sendable {
    /// What is wrong.
    package let name: String
    /// Makes it so.
    package let plant: @Sendable (inout CompilerInput) -> Void

    private init(_ name: String, _ plant: @escaping @Sendable (inout CompilerInput) -> Void) {
        self.name = name
        self.plant = plant
    }

    private static func replace(_ name: String, _ codes: [OpCode: OpCode]) -> PlantedError {
        PlantedError(name) { input in
            for slot in input.code.operations.indices {
                if let code = codes[input.code.operations[slot].code] { input.code.operations[slot].code = code }
            }
        }
    }

    private static func change(
        _ name: String, _ body: @escaping @Sendable (inout Operation) -> Void
    ) -> PlantedError {
        PlantedError(name) { input in
            for slot in input.code.operations.indices { body(&input.code.operations[slot]) }
        }
    }

    /// All of them.
    package static let all: [PlantedError] = [
        replace("32-bit addition in 64 bits", [.add32Reg: .add64Reg, .add32Imm: .add64Imm]),
        replace("32-bit move without zero-extension", [.move32Reg: .move64Reg]),
        replace("load too wide", [.load32: .load64]),
        replace("store too narrow", [.store32Reg: .store16Reg, .store32Imm: .store16Imm]),
        replace("signed load without sign", [.loadSigned8: .load8, .loadSigned16: .load16]),
        replace("sign extension to the wrong width", [.extend16To64: .extend16To32, .extend8To64: .extend8To32]),
        replace("arithmetic shift without sign", [.shiftArithmetic64Imm: .shiftRight64Imm]),
        replace("32-bit shift in 64 bits", [.shiftRight32Reg: .shiftRight64Reg]),
        replace("signed comparison without sign", [.jumpSignedLess64Reg: .jumpLess64Reg]),
        replace("32-bit comparison in 64 bits", [.jumpEqual32Imm: .jumpEqual64Imm, .jumpLess32Reg: .jumpLess64Reg]),
        replace(
            "comparison off by one",
            [.jumpGreaterOrEqual64Imm: .jumpGreater64Imm, .jumpGreaterOrEqual64Reg: .jumpGreater64Reg]),
        replace("bit test taken for inequality", [.jumpSet64Reg: .jumpNotEqual64Reg]),
        replace("signed division without sign", [.divideSigned64Reg: .divide64Reg]),
        replace("signed modulo without sign", [.moduloSigned32Imm: .modulo32Imm]),
        replace("byte swap forgotten", [.swap16: .truncate16]),
        replace("negation too wide", [.negate32: .negate64]),
        change("shift count off by one") { operation in
            guard operation.code == .shiftLeft64Imm else { return }
            operation.immediate = operation.immediate &+ 1
        },
        change("high half of a constant lost") { operation in
            if operation.code == .secondHalf { operation.immediate = 0 }
        },
        change("frame pointer mistaken for r9") { operation in
            if operation.code == .move64Reg, operation.source == 10 { operation.source = 9 }
        },
        change("old value of an atomic not fetched") { operation in
            guard operation.code == .atomic64, operation.atomic == .fetchAdd else { return }
            operation.immediate = AtomicOperation.add.rawValue
        },
        change("compare-and-exchange always exchanges") { operation in
            guard operation.atomic == .compareExchange, operation.code == .atomic32 else { return }
            operation.immediate = AtomicOperation.exchange.rawValue
        },
        change("wrong helper") { operation in
            if operation.code == .callHelper, operation.immediate == 0 { operation.immediate = 3 }
        },
        change("fuel skipped") { operation in if operation.charge > 1 { operation.charge -= 1 } },
        PlantedError("preserved registers not saved") { input in
            for function in input.writtenRegisters.keys { input.writtenRegisters[function] = 0 }
        },
        PlantedError("check skipped in strict mode") { input in input.isStrict = false },
        PlantedError("wrong proof of an address") { input in
            for slot in input.facts.indices where input.facts[slot] == .unproved { input.facts[slot] = .constant(64) }
        },
        PlantedError("mask for twice the size") { input in input.addressMask = 2 * input.addressMask + 1 },
        PlantedError("mask for half the size") { input in input.addressMask /= 2 },
        PlantedError("mask forgotten on bytes that are read") { input in
            for slot in input.facts.indices
            where input.facts[slot] == .unproved && input.code.operations[slot].code == .load8 {
                input.facts[slot] = .inside
            }
        },
        PlantedError("mask forgotten on words that are written") { input in
            for slot in input.facts.indices
            where input.facts[slot] == .unproved && input.code.operations[slot].code == .store32Reg {
                input.facts[slot] = .inside
            }
        },
        PlantedError("depth of calls not checked") { input in input.callDepth = 31 },
        PlantedError("fuel charged for loops only once") { input in
            for slot in input.code.operations.indices
            where input.code.isLeader[slot] && !input.code.isFunction[slot] { input.code.operations[slot].charge = 0 }
        },
        PlantedError("function table reversed") { input in input.code.functionTable.reverse() },
    ]
}
