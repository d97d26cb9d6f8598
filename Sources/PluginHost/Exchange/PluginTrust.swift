package import Cells

/// Whose plugins may run here: what a policy is asked about a plugin that the other end of a circuit brings.
///
/// Asked on event loops and on workers alike; must not wait for anything.
package protocol PluginTrust: Sendable {
    /// Before a byte of it travels: may this plugin come, if its evidence is good? Also asked of what was accepted before.
    ///
    /// - Parameters:
    ///   - isInstalled: whether this node's operator or user has it in `PluginsDirectory`.
    ///   - bringer: who brings it: a client, or a relay.
    /// - Returns: why not; nil: it may.
    func refusal(of identity: [UInt8], isInstalled: Bool, bringer: PluginRoles) -> PluginRefusal?
    /// It is here, and hashes to its identity: does the evidence satisfy? Asked before anything of it is compiled.
    ///
    /// - Returns: why not; nil: it does.
    func refusal(of candidate: PluginCandidate) -> PluginRefusal?
    /// The plugin in a place of a recommended set; nil if the set or the place is not known.
    func recommended(set: UInt32, place: UInt8) -> [UInt8]?
}

/// A plugin that has arrived.
package struct PluginCandidate: Sendable {
    /// SHA3-256 of the file.
    package let identity: [UInt8]
    /// The file, read but not compiled.
    package let file: PluginFile
    /// What came with it.
    package let evidence: [UInt8]
    /// Who brings it.
    package let bringer: PluginRoles
}

/// The policies that need no keys.
package enum SimplePluginTrust: PluginTrust {
    /// `PluginPolicy refuse`: no plugins of peers.
    case refuse
    /// `PluginPolicy installed`: those that are in this node's folder.
    case installed
    /// `TestingFanionAnyPlugin 1`: every plugin; for private networks.
    case any

    package func refusal(of identity: [UInt8], isInstalled: Bool, bringer: PluginRoles) -> PluginRefusal? {
        switch self {
        case .refuse: .policy
        case .installed: isInstalled ? nil : .untrusted
        case .any: nil
        }
    }

    package func refusal(of candidate: PluginCandidate) -> PluginRefusal? {
        switch self {
        case .refuse: .policy
        case .installed: .untrusted
        case .any: nil
        }
    }

    package func recommended(set: UInt32, place: UInt8) -> [UInt8]? { nil }
}
