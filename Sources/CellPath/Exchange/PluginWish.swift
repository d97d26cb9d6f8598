package import Cells
package import PluginHost

/// A plugin that this node brings to the other ends of circuits: a `PluginBring` line.
package struct PluginWish: Sendable {
    /// To which hops of a circuit; at a relay: as which hop.
    package enum Place: String, CaseIterable, Sendable {
        /// The first.
        case entry = "guard"
        /// Those between.
        case middle
        /// The last; at a relay: once a stream is opened here.
        case exit
        /// Every one.
        case all
    }

    /// The file, read.
    package let file: PluginFile
    /// The bundle that travels, padded.
    package internal(set) var bundle: [UInt8]
    /// Our own half; nil if the plugin has none for this end.
    package let half: Plugin?
    /// Which end of circuits brings it: this node's own circuits, or those that others make here.
    package let bringer: PluginRoles
    /// Where it goes.
    package let place: Place
    /// Whether a circuit is of no use without it.
    package internal(set) var isRequired: Bool
    /// What its `init` gets, at both ends.
    package let arguments: [UInt8]
    /// Its place in the recommended set in force, by which everybody asks alike; nil if it has none.
    package var recommended: (set: UInt32, place: UInt8)?

    /// A wish; nil if the bundle is too large to travel.
    package init?(
        file: PluginFile, bundle: PluginBundle, half: Plugin?, bringer: PluginRoles, place: Place, isRequired: Bool,
        arguments: [UInt8]
    ) {
        guard bundle.size != nil, arguments.count <= PluginWire.argumentLength else { return nil }
        self.file = file
        self.bundle = bundle.bytes
        self.half = half
        self.bringer = bringer
        self.place = place
        self.isRequired = isRequired
        self.arguments = arguments
    }

    /// Whether it goes to a hop of a path; never to that of a path of one hop, which is no circuit of a user's.
    package func concerns(hop: Int, of count: Int) -> Bool {
        guard bringer == .client, count > 1 else { return false }
        switch place {
        case .entry: return hop == 0
        case .middle: return hop > 0 && hop < count - 1
        case .exit: return hop == count - 1
        case .all: return true
        }
    }

    /// How a handshake asks for it.
    var request: PluginRequestExtension.Name {
        recommended.map { .recommended(set: $0.set, place: $0.place) } ?? .identity(identity)
    }

    /// The size of its transfer.
    var size: UInt32 { UInt32(bundle.count) }
    /// Its identity.
    var identity: [UInt8] { file.identity }
}
