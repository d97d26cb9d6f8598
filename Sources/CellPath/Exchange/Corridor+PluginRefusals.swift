internal import Cells
internal import Logging
internal import PluginHost

/// What other ends have refused.
extension Corridor {
    /// Notes why a plugin that we brought was not taken: nil in the answer of a handshake, which gives no reason.
    func noteRefusal(_ wish: PluginWish, _ reason: PluginRefusal?) {
        let words = (reason?.text ?? "at the handshake").replacing(" ", with: "-")
        environment.logger.debug("a plugin of ours was refused: \(wish.file.metadata.name): \(words)")
        let key = "\(wish.file.metadata.name)@\(wish.place.rawValue) \(words)"
        // Numbers that mean nothing to us could make it long.
        guard pluginRefusals.count < 256 || pluginRefusals[key] != nil else { return }
        pluginRefusals[key, default: 0] += 1
    }
}
