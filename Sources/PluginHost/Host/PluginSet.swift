internal import EBPF
package import Hooks

/// The plugins that an operator has installed: verified, in the order of the torrc, each with its arguments. Immutable, shared by
/// all loops, replaced whole on a reload.
package final class PluginSet: Sendable {
    /// One `Plugin` line.
    package struct Entry: Sendable {
        /// The plugin.
        package let plugin: Plugin
        /// What its `init` gets.
        package let arguments: [UInt8]
        /// The file that it came from.
        package let path: String
    }

    /// A wish of the torrc.
    package struct Wish: Hashable, Sendable {
        /// The plugin's name.
        package let name: String
        /// Its arguments.
        package let arguments: [UInt8]

        /// `Plugin NAME [args]`.
        package init(name: String, arguments: [UInt8]) {
            self.name = name
            self.arguments = arguments
        }
    }

    /// In the order of the torrc.
    package let entries: [Entry]
    /// What they may use.
    package let budget: PluginBudget

    /// No plugins.
    package static let none = PluginSet(entries: [], budget: PluginBudget())

    private init(entries: [Entry], budget: PluginBudget) {
        self.entries = entries
        self.budget = budget
    }

    /// Finds and verifies what is wished for.
    ///
    /// - Parameters:
    ///   - wishes: the `Plugin` lines, in order.
    ///   - files: every object of `PluginsDirectory`, by file name.
    ///   - doors: where this node asks: a plugin elsewhere would wait for ever.
    ///   - grant: what policy allows.
    ///   - old: what is in place. It stays where its file is still there and can no longer be used, so that a mistake in a
    ///     new version takes nothing away.
    /// - Returns: what can run, and a line for each wish that cannot be met. Of several versions the highest is taken.
    package static func make(
        _ wishes: [Wish], from files: [(name: String, bytes: [UInt8])], doors: DoorSet, grant: Grant,
        keeping old: PluginSet = .none
    ) -> (set: PluginSet, problems: [String]) {
        var problems: [String] = []
        var found: [String: (file: PluginFile, path: String)] = [:]
        for (path, bytes) in files {
            do throws(PluginError) {
                let file = try PluginFile(bytes: bytes)
                if let other = found[file.metadata.name], other.file.metadata.version >= file.metadata.version {
                    continue
                }
                found[file.metadata.name] = (file, path)
            } catch {
                problems.append("\(path): \(error)")
            }
        }
        var entries: [Entry] = []
        for wish in wishes {
            let before = old.entries.first { $0.plugin.metadata.name == wish.name }
            func keep() {
                guard let before, files.contains(where: { $0.name == before.path }) else { return }
                let metadata = before.plugin.metadata
                problems.append("\(before.path): version \(metadata.version) of \(metadata.name) stays in place")
                entries.append(Entry(plugin: before.plugin, arguments: wish.arguments, path: before.path))
            }
            guard let (file, path) = found[wish.name] else {
                if before == nil || !files.contains(where: { $0.name == before?.path }) {
                    problems.append("there is no plugin \(wish.name) in PluginsDirectory")
                }
                keep()
                continue
            }
            if let placing = file.placings.first(where: { !doors.contains($0.point.hook) }) {
                problems.append("\(path): nothing asks at \(placing.point.hook.name) yet")
                keep()
                continue
            }
            do throws(PluginError) {
                let plugin = try Plugin(file, grant: grant)
                entries.append(Entry(plugin: plugin, arguments: wish.arguments, path: path))
            } catch {
                problems.append("\(path): \(error)")
                keep()
            }
        }
        return (PluginSet(entries: entries, budget: grant.budget), problems)
    }

    /// Those of which something is true.
    package func filtered(_ isIncluded: (Plugin) -> Bool) -> PluginSet {
        PluginSet(entries: entries.filter { isIncluded($0.plugin) }, budget: budget)
    }

    /// Whether any entry is for this scope and role.
    package func isWanted(_ scope: PluginScope, _ role: PluginRoles) -> Bool {
        entries.contains { $0.plugin.metadata.scope == scope && !$0.plugin.metadata.roles.isDisjoint(with: role) }
    }
}

extension Doors {
    /// Makes these doors attended as a set says: who is not in it goes, a higher version takes over, who is new comes.
    ///
    /// One that must fail closed and cannot be attached dooms the circuit (`mustDestroy`); any other is done without, and
    /// counted.
    package mutating func follow(_ set: PluginSet) {
        apply(set.budget)
        for plugin in installed {
            guard let entry = set.entries.first(where: { $0.plugin.metadata.name == plugin.metadata.name }) else {
                detach(plugin.file.identity)
                continue
            }
            if entry.plugin.file.identity == plugin.file.identity { continue }
            if entry.plugin.canReplace(plugin) {
                // If that fails the old one stays.
                _ = try? upgrade(to: entry.plugin, arguments: entry.arguments)
            } else {
                detach(plugin.file.identity)
            }
        }
        for entry in set.entries {
            let metadata = entry.plugin.metadata
            guard metadata.scope == scope, !metadata.roles.isDisjoint(with: role),
                !installed.contains(where: { $0.metadata.name == metadata.name })
            else { continue }
            do throws(PluginFailure) {
                try attach(entry.plugin, arguments: entry.arguments)
            } catch {
                if metadata.failure == .closed { mustDestroy = true }
            }
        }
    }
}
