internal import CellPath
internal import Cells
internal import Configuration
internal import Directory
internal import Glibc
internal import Hooks
internal import Logging
internal import NIOCore
package import PluginHost

/// The operator's plugins: read from their folder at the start and on every reload, and what they have counted.
extension NodeRuntime {
    /// Reads and verifies the plugins of the torrc and puts them at the doors of all circuits, also of those that are open.
    package func applyPlugins() async {
        let settings = self.settings.plugins
        let plugins = loadPlugins(settings, keeping: plugins)
        self.plugins = plugins
        for index in loops.indices { try? await onLoop(index) { $0.apply(plugins) } }
    }

    /// Tells plugins in the host's scope of the consensus that is there now.
    func tellPlugins() {
        guard let consensus = store.snapshot.consensus(.microdesc) else { return }
        let (relays, validAfter) = (consensus.routers.count, UInt64(max(0, consensus.validAfter.seconds)))
        for (index, loop) in loops.enumerated() {
            loop.execute { [corridors] in
                corridors.corridor(index)?.consensusChanged(relays: relays, validAfter: validAfter)
            }
        }
    }

    private func loadPlugins(_ settings: PluginSettings, keeping old: PluginSet) -> PluginSet {
        guard !settings.lines.isEmpty else { return .none }
        var files: [(name: String, bytes: [UInt8])] = []
        for path in objects(in: settings.directory) {
            do throws(FileError) {
                guard let bytes = try SecureFiles.read(path, limit: PluginLimits.fileBytes) else { continue }
                files.append((path, bytes))
            } catch {
                logger.warning("a plugin cannot be read: \(error)")
                // There it is, all the same.
                files.append((path, []))
            }
        }
        var budget = PluginBudget()
        budget.instructionsPerCall = UInt64(settings.instructions)
        budget.circuitCPU = UInt64(settings.circuitCPU)
        budget.hostCPU = UInt64(settings.hostCPU)
        budget.memory = settings.memory
        budget.paddingPerSecond = UInt32(clamping: settings.paddingRate)
        budget.paddingPercent = UInt32(clamping: settings.paddingPercent)
        budget.messagesPerSecond = UInt64(settings.messages)
        let (plugins, problems) = PluginSet.make(
            settings.lines.map { PluginSet.Wish(name: $0.name, arguments: Array($0.arguments.utf8)) }, from: files,
            doors: Corridor.askedDoors, grant: Grant(capabilities: Corridor.grantedCapabilities, budget: budget),
            keeping: old)
        for problem in problems { logger.warning("a plugin cannot be used: \(problem)") }
        let known = Set(old.entries.map(\.plugin.file.identity))
        for entry in plugins.entries where !known.contains(entry.plugin.file.identity) {
            logger.notice("plugin \(entry.plugin.metadata.name) \(entry.plugin.metadata.version) is in place")
        }
        return plugins
    }

    /// The object files of a folder, by name; none if it is not there.
    private func objects(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                // Safe: a name in a directory ends with a zero.
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".o") { names.append(folder + "/" + name) }
        }
        return names.sorted()
    }

    /// What plugins have counted, over all loops.
    package func pluginCounters() async -> [PluginCounters] {
        var loops: [[PluginCounters]] = []
        for index in self.loops.indices {
            if let counters = try? await onLoop(index, { $0.pluginCounters }) { loops.append(counters) }
        }
        return PluginCounters.sum(loops)
    }
}
