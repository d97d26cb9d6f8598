internal import CPlatform

/// A function of the host that programs may call, with the signature that the machine checks before each call.
///
/// ```swift
/// let checksum = Helper(
///     number: 7, name: "checksum",
///     parameters: [.memory(.input, length: .argument(2)), .scalar]
/// ) { call in
///     var sum: UInt64 = 0
///     let bytes = call.bytes(1)
///     bytes.withUnsafeBytes { for byte in $0 { sum &+= UInt64(byte) } }
///     return sum
/// }
/// ```
///
/// Arguments count from 1, as registers do. Memory is checked once, without wrap-around and without masking: a call
/// with memory outside the arena never reaches the body. After the call r0 holds the result and r1 to r5 are zero.
public struct Helper: Sendable {
    /// What a helper does; throwing ends the program's call with ``Fault/Kind/helperRefused(code:)``.
    public typealias Body = @Sendable (inout HelperCall) throws(HelperRefusal) -> UInt64

    /// The number that programs call it by, 0 or more.
    public var number: Int32
    /// For people.
    public var name: String
    /// Up to five, one per argument register in order.
    public var parameters: [Parameter]
    /// Fuel for a call, on top of the one for the instruction and of what its memory costs.
    public var fuel: UInt32
    /// Bytes of its memory arguments for each unit of fuel.
    public var bytesPerFuel: UInt32
    /// What it does.
    public var body: Body
    /// What it does, where that is a plain C function of numbers, which compiled code calls directly.
    let function: Function?

    /// What a helper of numbers alone gets: its arguments and the host's pointer.
    public typealias Function =
        @convention(c) (UInt64, UInt64, UInt64, UInt64, UInt64, UnsafeMutableRawPointer?) -> UInt64

    /// One argument.
    public enum Parameter: Sendable, Hashable {
        /// A number.
        case scalar
        /// The address of memory inside the arena.
        case memory(Access, length: Length)
    }

    /// What a helper does with memory.
    public enum Access: Sendable, Hashable {
        /// Reads it.
        case input
        /// Writes it; it may not overlap another memory argument.
        case output
        /// Reads and writes it; it may not overlap another memory argument.
        case inputOutput
    }

    /// Where the length of memory comes from.
    public enum Length: Sendable, Hashable {
        /// From the program, in this argument (from 1). Zero is allowed.
        case argument(Int)
        /// Always this many bytes.
        case fixed(Int)
    }

    /// A helper. `bytesPerFuel` is how many bytes of memory arguments one unit of fuel pays for.
    ///
    /// - Precondition: at most five parameters, lengths from arguments 1 to 5, a number of at least 0.
    public init(
        number: Int32, name: String, parameters: [Parameter], fuel: UInt32 = 0, bytesPerFuel: UInt32 = 1,
        body: @escaping Body
    ) {
        precondition(parameters.count <= 5 && number >= 0 && bytesPerFuel > 0, "no such signature")
        for case .memory(_, let length) in parameters {
            switch length {
            case .argument(let argument): precondition((1...5).contains(argument), "no such argument")
            case .fixed(let count): precondition(count >= 0, "no such length")
            }
        }
        self.number = number
        self.name = name
        self.parameters = parameters
        self.fuel = fuel
        self.bytesPerFuel = bytesPerFuel
        self.body = body
        function = nil
    }

    /// A helper of numbers alone, for what is called often: a clock, a counter. Compiled code calls it in about two
    /// nanoseconds.
    ///
    /// - Precondition: at most five parameters, a number of at least 0.
    public init(number: Int32, name: String, scalars count: Int, function: @escaping Function) {
        precondition((0...5).contains(count) && number >= 0, "no such signature")
        self.number = number
        self.name = name
        parameters = [Parameter](repeating: .scalar, count: count)
        fuel = 0
        bytesPerFuel = 1
        body = { call in function(call[1], call[2], call[3], call[4], call[5], call.host) }
        self.function = function
    }
}

/// Thrown by a helper's body to end the program's call.
public struct HelperRefusal: Error, Equatable, Sendable {
    /// What the fault will carry; its meaning is the embedder's.
    public var code: UInt64

    /// A refusal.
    public init(code: UInt64) { self.code = code }
}

/// One call of a helper, as its body sees it: arguments, memory and the embedder's own pointer.
///
/// Spans end with the call. The arena's address never shows.
public struct HelperCall: ~Copyable {
    // Safe: the state, which begins with the registers, and its arena outlive the call, which an instance's `call` runs;
    // the subscript checks its index.
    @usableFromInline let registers: UnsafeMutablePointer<UInt64>

    /// Whether the signature has memory, so that the lengths in the state are this call's.
    private let hasMemory: Bool

    init(state: UnsafeMutablePointer<fanion_ebpf_state>, hasMemory: Bool) {
        registers = state.registers
        self.hasMemory = hasMemory
    }

    /// An argument as a number, counted from 1.
    @inlinable
    public subscript(argument: Int) -> UInt64 {
        precondition((1...5).contains(argument), "arguments count from 1 to 5")
        return registers[argument]
    }

    private var state: UnsafeMutablePointer<fanion_ebpf_state> {
        UnsafeMutableRawPointer(registers).assumingMemoryBound(to: fanion_ebpf_state.self)
    }

    /// What the embedder passed to ``Instance/call(_:_:_:_:_:_:fuel:host:)``.
    public var host: UnsafeMutableRawPointer? { state.pointee.host }

    /// The bytes of a memory argument.
    ///
    /// - Precondition: the signature says that the argument is memory.
    @_lifetime(borrow self)
    public func bytes(_ argument: Int) -> RawSpan {
        let span = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(memory(argument)))
        return _overrideLifetime(span, borrowing: self)
    }

    /// The bytes of a memory argument, to be written.
    ///
    /// - Precondition: the signature says that the argument is memory.
    @_lifetime(&self)
    public mutating func mutableBytes(_ argument: Int) -> MutableRawSpan {
        let span = MutableRawSpan(_unsafeBytes: memory(argument))
        return _overrideLifetime(span, mutating: &self)
    }

    private func memory(_ argument: Int) -> UnsafeMutableRawBufferPointer {
        precondition((1...5).contains(argument), "arguments count from 1 to 5")
        let length = state.length(argument)
        precondition(hasMemory && length != .max, "the argument is not memory")
        // Safe: `HelperEntry.admit` has found address and length inside the arena. They are cut to it once more, which
        // changes nothing, so that a processor that guesses the outcome of that check cannot read elsewhere.
        let size = state.pointee.arena_size
        let address = state.register(argument) & (size - 1)
        let count = min(length, size - address)
        return UnsafeMutableRawBufferPointer(start: state.arena + Int(address), count: Int(count))
    }
}
