/// What a door tells: a fixed layout of 32- and 64-bit fields without gaps, shared with C (`plugins/include/fanion.h`).
///
/// The Swift structs are the source; a test compiles the header and compares. Fields are in the order of declaration, and
/// `cellsInFlight` is `cells_in_flight` in C, `state0` is `state[0]`. Whatever is written into an arena is one of these, so no
/// pointer, key or address of a peer can get there.
@usableFromInline
package protocol HookContext: BitwiseCopyable, Sendable {
    /// The door.
    static var hook: Hook { get }
    /// In C: `struct <name>_ctx`.
    static var structName: String { get }
    /// Fields, by Swift name, that the program may change and the host reads back.
    static var outputs: Set<String> { get }
    /// Whether there are any.
    static var hasOutputs: Bool { get }

    /// Bytes of the layout; what a program may rely on.
    var size: UInt32 { get set }
    /// The door's number.
    var hookNumber: UInt32 { get set }
    /// The value of the door's parameter.
    var parameter: UInt32 { get set }
    /// The hop that it is about, at a client; else 0.
    var hop: UInt32 { get set }

    /// All zeros but for `size` and `hookNumber`.
    init()

    /// Takes over what the program may change, and nothing else.
    mutating func takeOutputs(of program: Self)

    /// Says where the payload is, if the door has one.
    mutating func setPayload(address: UInt32, length: UInt32)
}

extension HookContext {
    /// By default the door's own name.
    @inlinable package static var structName: String { hook.name }
    /// By default none.
    @inlinable package static var outputs: Set<String> { [] }
    /// By default not.
    @inlinable package static var hasOutputs: Bool { false }

    /// By default nothing.
    @inlinable
    package mutating func takeOutputs(of program: Self) {}

    /// By default there is none.
    @inlinable
    package mutating func setPayload(address: UInt32, length: UInt32) {}

    /// The layout, for those who show, check or fill in contexts by name.
    package static var layout: ContextLayout {
        var offset = 0
        let outputs = outputs
        let fields = Mirror(reflecting: Self()).children.map { child in
            let width = child.value is UInt64 ? 8 : 4
            defer { offset += width }
            let name = child.label ?? ""
            return ContextField(
                name: ContextField.cName(of: name), offset: offset, width: width, isOutput: outputs.contains(name))
        }
        return ContextLayout(
            hook: hook, structName: structName + "_ctx", size: MemoryLayout<Self>.size, fields: fields)
    }
}

/// One field of a context.
package struct ContextField: Hashable, Sendable {
    /// As C spells it.
    package let name: String
    /// Bytes before it.
    package let offset: Int
    /// 4 or 8.
    package let width: Int
    /// Whether the host reads it back.
    package let isOutput: Bool

    /// `cellsInFlight` to `cells_in_flight`, `state0` to `state[0]`, `hookNumber` to `hook`.
    static func cName(of name: String) -> String {
        if name == "hookNumber" { return "hook" }
        var result = ""
        for character in name {
            if character.isUppercase {
                result += "_" + character.lowercased()
            } else {
                result.append(character)
            }
        }
        guard let last = result.last, last.isNumber else { return result }
        return "\(result.dropLast())[\(last)]"
    }
}

/// A context's fields by name.
package struct ContextLayout: Hashable, Sendable {
    /// The door.
    package let hook: Hook
    /// As C spells it, without `struct`.
    package let structName: String
    /// Bytes.
    package let size: Int
    /// In order.
    package let fields: [ContextField]

    /// Every layout there is, by door.
    package static let all: [ContextLayout] = [
        InitContext.layout, ExitContext.layout, TimerContext.layout, CircuitOpenedContext.layout,
        CircuitClosedContext.layout, CellReceivedContext.layout, CellSentContext.layout, RelayMessageContext.layout,
        MessagePackagingContext.layout, MaySendContext.layout, AckDueContext.layout, OnAckContext.layout,
        DepartureContext.layout, PaddingContext.layout, RankContext.layout, StreamContext.layout,
        ChoosePathContext.layout, ConsensusChangedContext.layout,
    ]

    /// A door's; nil where the feature does not exist.
    package static func of(_ hook: Hook) -> ContextLayout? { all.first { $0.hook == hook } }

    /// A field by its C name.
    package func field(_ name: String) -> ContextField? { fields.first { $0.name == name } }

    /// A context as bytes, all zeros but for size and door.
    package func emptyBytes() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        set("size", to: UInt64(size), in: &bytes)
        set("hook", to: UInt64(hook.rawValue), in: &bytes)
        return bytes
    }

    /// Writes a field that is there.
    package func set(_ name: String, to value: UInt64, in bytes: inout [UInt8]) {
        guard let field = field(name) else { return }
        for index in 0..<field.width {
            bytes[field.offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
    }

    /// Reads a field.
    package func value(_ field: ContextField, in bytes: [UInt8]) -> UInt64 {
        (0..<field.width).reduce(0) { $0 | UInt64(bytes[field.offset + $1]) << UInt64(8 * $1) }
    }
}
