package import Cells

/// What the operator wants of paths.
package struct PathRules: Sendable {
    /// `EntryNodes`; empty means any.
    package var entryNodes = RelaySet.none
    /// `MiddleNodes`; empty means any.
    package var middleNodes = RelaySet.none
    /// `ExitNodes`; empty means any.
    package var exitNodes = RelaySet.none
    /// `ExcludeNodes`.
    package var excludedNodes = RelaySet.none
    /// `ExcludeExitNodes` together with `ExcludeNodes`.
    package var excludedExitNodes = RelaySet.none
    /// `StrictNodes`: what is excluded is not even asked for directory documents.
    package var isStrict = false
    /// `EnforceDistinctSubnets`.
    package var distinctSubnets = true
    /// `UseEntryGuards`.
    package var usesGuards = true
    /// `LongLivedPorts`.
    package var longLivedPorts: Set<UInt16> = []
    /// Where only relays that exchange plugins will do, since one is required there.
    package var pluginPositions: Set<PathPosition> = []
    /// Ourselves, if we are a relay too; with whom we are run together follows from the network.
    package var ownIdentity: RSAIdentity?

    /// C Tor's defaults.
    package init() {}
}
