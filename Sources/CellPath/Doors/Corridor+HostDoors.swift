package import Hooks
internal import PluginHost

/// Doors of the loop itself that no cell passes: whoever stands there is a plugin of the host's scope.
extension Corridor {
    /// Begins to choose a relay; call on its loop.
    ///
    /// - Returns: whether a plugin weighs relays.
    package func beginChoice() -> Bool {
        guard hostDoors.attended.contains(.choosePath) else { return false }
        readClock()
        return true
    }

    /// Asks a plugin to weigh a relay; call on its loop, after `beginChoice`.
    package func choosePath(_ context: inout ChoosePathContext) -> Answer<PathVerdict> {
        hostDoors.choosePath(&context)
    }

    /// Tells plugins of a new consensus; call on its loop.
    package func consensusChanged(relays: Int, validAfter: UInt64) {
        guard hostDoors.attended.contains(.consensusChanged) else { return }
        readClock()
        var context = ConsensusChangedContext()
        context.relays = UInt32(clamping: relays)
        context.validAfter = validAfter
        _ = hostDoors.consensusChanged(&context)
    }
}
