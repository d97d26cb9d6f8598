internal import CellPath
internal import Cells
internal import Configuration
internal import Directory
internal import Glibc
internal import Hooks
internal import Logging
internal import NIOCore
package import PluginHost
internal import Trust

/// The operator's plugins: read from their folder at the start and on every reload, and what they have counted.
extension NodeRuntime {
    /// Reads and verifies the plugins of the torrc and puts them at the doors of all circuits, also of those that are open; and
    /// what this node runs for others, and brings to them.
    package func applyPlugins() async {
        let settings = self.settings
        let files = pluginFiles(settings.plugins)
        let plugins = loadPlugins(settings.plugins, files, keeping: plugins)
        self.plugins = plugins
        let readable = files.compactMap { try? PluginFile(bytes: $0.bytes) }
        environment.plugins?.apply(rules(settings), installed: readable)
        let wishes = loadWishes(settings.plugins, files, isRelay: settings.relay.isRelay)
        for index in loops.indices {
            try? await onLoop(index) { corridor in
                corridor.apply(plugins)
                corridor.apply(wishes)
            }
        }
    }

    /// A log has been read on: what is brought from now on is proved up to its newest checkpoint, and asked for by the set in force.
    func renewWishes() async {
        let settings = self.settings
        guard !settings.plugins.brings.isEmpty else { return }
        let wishes = loadWishes(settings.plugins, pluginFiles(settings.plugins), isRelay: settings.relay.isRelay)
        for index in loops.indices { try? await onLoop(index) { $0.apply(wishes) } }
    }

    /// What holds for plugins that peers bring.
    private func rules(_ settings: Settings) -> PluginShelf.Rules {
        PluginShelf.Rules(
            trust: settings.plugins.takesAny ? SimplePluginTrust.any : JudgedTrust(judge: trust.judge),
            keepsCode: settings.relay.isRelay, doors: Corridor.askedDoors,
            capabilities: Corridor.negotiatedCapabilities, budget: PluginBudget(settings.plugins))
    }

    /// The `PluginBring` lines that can be met: of several versions of a file the highest.
    private func loadWishes(
        _ settings: PluginSettings, _ files: [(name: String, bytes: [UInt8])], isRelay: Bool
    ) -> [PluginWish] {
        var found: [String: (file: PluginFile, bytes: [UInt8], path: String)] = [:]
        for (path, bytes) in files {
            guard let file = try? PluginFile(bytes: bytes) else { continue }
            if let other = found[file.metadata.name], other.file.metadata.version >= file.metadata.version { continue }
            found[file.metadata.name] = (file, bytes, path)
        }
        let grant = Grant(capabilities: Corridor.negotiatedCapabilities, budget: PluginBudget(settings))
        return settings.brings.compactMap { bring in
            guard let (file, bytes, path) = found[bring.name] else {
                logger.warning("a plugin cannot be brought: there is no \(bring.name) in PluginsDirectory")
                return nil
            }
            let (own, other): (PluginRoles, PluginRoles) = isRelay ? (.relay, .client) : (.client, .relay)
            guard file.metadata.scope == .circuit, file.metadata.roles.isSuperset(of: other) else {
                logger.warning("a plugin cannot be brought: \(bring.name) is not for the other end of a circuit")
                return nil
            }
            do throws(PluginError) {
                let half = file.metadata.roles.isSuperset(of: own) ? try Plugin(file, grant: grant) : nil
                let evidence = trust.judge.evidence(for: file.identity, beside: evidence(beside: path)).bytes ?? []
                let sets = trust.judge.recommended
                if var wish = PluginWish(
                    file: file, bundle: PluginBundle(file: bytes, evidence: evidence), half: half, bringer: own,
                    place: PluginWish.Place(rawValue: bring.place) ?? .exit, isRequired: bring.isRequired,
                    arguments: Array(bring.arguments.utf8))
                {
                    wish.recommended = sets.slot(of: file.identity).map { (sets.epoch, $0) }
                    return wish
                }
                logger.warning("a plugin cannot be brought: \(bring.name) is too large to travel")
            } catch {
                logger.warning("a plugin cannot be brought: \(bring.name): \(error)")
            }
            return nil
        }
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

    /// What lies beside a plugin's object: the same name with `.evidence`.
    private func evidence(beside path: String) -> Evidence {
        guard let bytes = try? SecureFiles.read(path.dropLast(2) + ".evidence", limit: TrustLimits.evidenceBytes),
            let evidence = try? Evidence(bytes: bytes)
        else { return Evidence() }
        return evidence
    }

    /// Every object of `PluginsDirectory`.
    private func pluginFiles(_ settings: PluginSettings) -> [(name: String, bytes: [UInt8])] {
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
        return files
    }

    private func loadPlugins(
        _ settings: PluginSettings, _ files: [(name: String, bytes: [UInt8])], keeping old: PluginSet
    ) -> PluginSet {
        guard !settings.lines.isEmpty else { return .none }
        let budget = PluginBudget(settings)
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

    /// What plugins have counted at other ends of circuits to which this node brought them; asks them, and waits a second at most.
    package func peerPluginCounters() async -> [PluginCounters] {
        for index in loops.indices { try? await onLoop(index) { $0.askPeerCounters() } }
        for _ in 0..<50 {
            var open = 0
            for index in loops.indices { open += (try? await onLoop(index) { $0.openQuestions }) ?? 0 }
            if open == 0 { break }
            try? await Task.sleep(for: .milliseconds(20))
        }
        var sums: [[PluginCounters]] = []
        for index in loops.indices {
            if let counters = try? await onLoop(index, { $0.peerCounters }) { sums.append(counters) }
        }
        return PluginCounters.sum(sums)
    }

    /// What other ends of circuits have refused of what this node brings, a line for each plugin, place and reason.
    package func pluginRefusals() async -> [String] {
        var sums: [String: Int] = [:]
        for index in loops.indices {
            guard let refusals = try? await onLoop(index, { $0.pluginRefusals }) else { continue }
            sums.merge(refusals, uniquingKeysWith: +)
        }
        return sums.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
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

extension PluginBudget {
    /// What the torrc allows.
    fileprivate init(_ settings: PluginSettings) {
        self.init()
        instructionsPerCall = UInt64(settings.instructions)
        circuitCPU = UInt64(settings.circuitCPU)
        hostCPU = UInt64(settings.hostCPU)
        memory = settings.memory
        paddingPerSecond = UInt32(clamping: settings.paddingRate)
        paddingPercent = UInt32(clamping: settings.paddingPercent)
        messagesPerSecond = UInt64(settings.messages)
    }
}
