package import Cells
package import OnionCrypto

/// The layers of a circuit that starts here: two per hop, in place, the first hop first.
///
/// Seals forward cells and peels backward ones, in place on 509 bytes, without allocating.
package struct OriginLayers: ~Copyable, Sendable {
    private enum Place: ~Copyable, Sendable {
        case empty
        case hop(forward: OnionLayer, backward: OnionLayer)

        /// Authenticates and encrypts for the hop; nil if there is none.
        mutating func originate(_ command: CellCommand, _ body: inout MutableRawSpan) -> OnionTag? {
            switch consume self {
            case .empty:
                self = .empty
                return nil
            case .hop(var forward, let backward):
                let tag = forward.originate(command: command.rawValue, &body)
                self = .hop(forward: forward, backward: backward)
                return tag
            }
        }

        /// Adds the hop's forward layer.
        mutating func crypt(_ command: CellCommand, _ body: inout MutableRawSpan) {
            switch consume self {
            case .empty: self = .empty
            case .hop(var forward, let backward):
                forward.crypt(command: command.rawValue, &body)
                self = .hop(forward: forward, backward: backward)
            }
        }

        /// Takes the hop's backward layer off.
        mutating func receive(_ command: CellCommand, _ body: inout MutableRawSpan) -> OnionTag? {
            switch consume self {
            case .empty:
                self = .empty
                return nil
            case .hop(let forward, var backward):
                let tag = backward.receive(command: command.rawValue, &body)
                self = .hop(forward: forward, backward: backward)
                return tag
            }
        }
    }

    private var places: InlineArray<8, Place>
    /// How many hops there are. Never above 8.
    package private(set) var count = 0

    /// No hops.
    package init() {
        places = InlineArray { _ in .empty }
    }

    /// Adds a hop; there must be room.
    package mutating func append(_ keys: borrowing CircuitKeys) {
        append(forward: keys.makeForwardLayer(), backward: keys.makeBackwardLayer())
    }

    /// Adds a hop by its layers; there must be room.
    package mutating func append(forward: consuming OnionLayer, backward: consuming OnionLayer) {
        precondition(count < OriginLimits.hops)
        places[count] = .hop(forward: forward, backward: backward)
        count += 1
    }

    /// Finishes a relay message for one hop and wraps it for those before (tor-spec §5.5.2.1).
    ///
    /// - Parameters:
    ///   - hop: the message's hop; nil comes back if there is none such.
    ///   - command: the command of its cell.
    ///   - body: the cell's 509 bytes.
    /// - Returns: the message's tag.
    package mutating func seal(forHop hop: Int, command: CellCommand, body: inout MutableRawSpan) -> OnionTag? {
        guard hop >= 0, hop < count, let tag = places[hop].originate(command, &body) else { return nil }
        var before = hop
        while before > 0 {
            before -= 1
            places[before].crypt(command, &body)
        }
        return tag
    }

    /// Peels a backward cell until some hop's message comes out (tor-spec §5.5.4).
    ///
    /// - Returns: whose it is, and its tag; nil if it is nobody's.
    package mutating func open(command: CellCommand, body: inout MutableRawSpan) -> (hop: Int, tag: OnionTag)? {
        var hop = 0
        while hop < count {
            if let tag = places[hop].receive(command, &body) { return (hop, tag) }
            hop += 1
        }
        return nil
    }
}
