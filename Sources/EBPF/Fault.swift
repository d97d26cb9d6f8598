/// Why a call ended before its program did, and where.
///
/// A fault is the program's doing, never the host's: the arena is as the program left it, the host is unharmed, and the
/// instance may be called again.
public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
    /// What happened.
    public enum Kind: Equatable, Sendable {
        /// The next block costs more fuel than is left.
        case outOfFuel
        /// A seventeenth function would have been entered.
        case callTooDeep
        /// A call through a register to something that is neither a function whose address was taken nor a granted
        /// helper.
        case badCallTarget(UInt64)
        /// Strict mode only: an access outside the arena, or below address 16.
        case badAddress(UInt64)
        /// Memory offered to a helper is not inside the arena; the argument counts from 1.
        case badHelperMemory(argument: Int)
        /// Memory that a helper writes overlaps another of its arguments; the argument counts from 1.
        case overlappingHelperMemory(argument: Int)
        /// The helper refused, for a reason of its own.
        case helperRefused(code: UInt64)
    }

    /// What happened.
    public var kind: Kind
    /// The function that it happened in.
    public var program: String
    /// The instruction's slot, counted from the function's beginning.
    public var instruction: Int
    /// The instruction as text.
    public var text: String
    /// Registers r0 to r10 when it happened.
    public var registers: [UInt64]

    /// Program, instruction and reason in one line.
    public var description: String {
        "\(program)+\(instruction) (\(text)): \(kind.description)"
    }
}

extension Fault.Kind: CustomStringConvertible {
    /// The reason in words.
    public var description: String {
        switch self {
        case .outOfFuel: "out of fuel"
        case .callTooDeep: "calls nested too deep"
        case .badCallTarget(let handle): "call to 0x\(String(handle, radix: 16)), which is no function or helper"
        case .badAddress(let address): "access to 0x\(String(address, radix: 16)), outside the arena"
        case .badHelperMemory(let argument): "memory argument \(argument) of the helper is outside the arena"
        case .overlappingHelperMemory(let argument): "memory argument \(argument) of the helper overlaps another"
        case .helperRefused(let code): "the helper refused (\(code))"
        }
    }
}

/// The kinds of fault as both engines write them into the state; zero is none.
enum FaultCode: UInt64 {
    case outOfFuel = 1
    case callTooDeep, badCallTarget, badAddress, badHelperMemory, overlappingHelperMemory, helperRefused
    /// Compiled code ran out of fuel with a block's charge already taken off, which the host puts back.
    case outOfFuelInBlock

    func kind(detail: UInt64) -> Fault.Kind {
        switch self {
        case .outOfFuel, .outOfFuelInBlock: .outOfFuel
        case .callTooDeep: .callTooDeep
        case .badCallTarget: .badCallTarget(detail)
        case .badAddress: .badAddress(detail)
        case .badHelperMemory: .badHelperMemory(argument: Int(truncatingIfNeeded: detail))
        case .overlappingHelperMemory: .overlappingHelperMemory(argument: Int(truncatingIfNeeded: detail))
        case .helperRefused: .helperRefused(code: detail)
        }
    }
}
