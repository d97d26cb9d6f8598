internal import CPlatform

/// What the compiler works from.
package struct CompilerInput {
    /// Verified code.
    package var code: VerifiedCode
    /// The arena's size, which masks and limits are made of.
    package var arenaSize: Int
    /// Whether accesses outside the arena fault.
    package var isStrict: Bool
}

/// Machine code in executable memory.
final class CompiledCode: @unchecked Sendable {
    let trampoline: UnsafeRawPointer
    let functionAddresses: UnsafePointer<UInt64>?
    let size: Int

    init(trampoline: UnsafeRawPointer, functionAddresses: UnsafePointer<UInt64>?, size: Int) {
        self.trampoline = trampoline
        self.functionAddresses = functionAddresses
        self.size = size
    }

    func address(of slot: Int) -> UInt? { nil }
}

/// Turns verified code into machine code, where it knows the processor.
enum Compiler {
    static func compile(_ input: CompilerInput) -> CompiledCode? { nil }
}
