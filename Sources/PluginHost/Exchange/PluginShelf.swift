package import Cells
package import Hooks
internal import OnionCrypto
internal import Synchronization

/// The plugins that this node runs for peers: those of its folder, and at a relay those that it has accepted before.
///
/// Shared by all loops and workers, behind one lock that is touched per negotiation, never per cell. Keeps accepted code by
/// identity, the least recently used going first; a client keeps none, since a cache that answers is a cookie.
package final class PluginShelf: Sendable {
    /// What holds for all plugins of peers.
    package struct Rules: Sendable {
        /// Whose plugins may run.
        package var trust: any PluginTrust
        /// Whether code that clients brought is kept; what relays brought never is.
        package var keepsCode: Bool
        /// Where the corridor asks.
        package var doors: DoorSet
        /// What peers' plugins may have.
        package var capabilities: Capabilities
        /// How much they may use.
        package var budget: PluginBudget

        /// These rules.
        package init(
            trust: any PluginTrust, keepsCode: Bool, doors: DoorSet, capabilities: Capabilities,
            budget: PluginBudget = PluginBudget()
        ) {
            self.trust = trust
            self.keepsCode = keepsCode
            self.doors = doors
            self.capabilities = capabilities
            var budget = budget
            // Whatever the operator allows his own.
            budget.paddingPerSecond = min(budget.paddingPerSecond, 100)
            budget.paddingPercent = min(budget.paddingPercent, 100)
            budget.messagesPerSecond = min(budget.messagesPerSecond, 32)
            self.budget = budget
        }
    }

    /// What becomes of a plugin that is named.
    package enum Judgement: Sendable {
        /// It is here.
        case ready(Plugin)
        /// It may come.
        case needCode
        /// It may not.
        case refused(PluginRefusal)
    }

    /// What came of a bundle.
    package enum Outcome: Sendable {
        /// It runs from now on.
        case accepted(Plugin)
        /// Not to our liking.
        case refused(PluginRefusal)
        /// Not what was offered: destroy the circuit.
        case violation
    }

    private struct Kept {
        let plugin: Plugin
        var lastUsed: UInt64
    }

    private struct State {
        var rules: Rules
        var installed: [[UInt8]: Plugin] = [:]
        var kept: [[UInt8]: Kept] = [:]
        var keptBytes = 0
        var uses: UInt64 = 0
        var receiving = 0
        var compiling = 0
    }

    private let state: Mutex<State>

    /// A shelf with nothing on it.
    package init(_ rules: Rules) { state = Mutex(State(rules: rules)) }

    /// Puts other rules in force; what was accepted under the old ones is forgotten.
    ///
    /// - Parameter installed: what is in the folder; those that cannot run for peers are left out.
    package func apply(_ rules: Rules, installed files: [PluginFile] = []) {
        var installed: [[UInt8]: Plugin] = [:]
        for file in files {
            for bringer in [PluginRoles.client, .relay] where installed[file.identity] == nil {
                if case .success(let plugin) = Self.compile(file, rules, bringer) { installed[file.identity] = plugin }
            }
        }
        state.withLock { state in
            state.rules = rules
            state.installed = installed
            state.kept = [:]
            state.keptBytes = 0
        }
    }

    // MARK: Before anything travels

    /// What becomes of a plugin that is named by a peer.
    package func judge(_ identity: [UInt8], bringer: PluginRoles) -> Judgement {
        state.withLock { state in
            let installed = state.installed[identity]
            if let reason = state.rules.trust.refusal(
                of: identity, isInstalled: installed != nil, bringer: bringer)
            {
                return .refused(reason)
            }
            if let installed { return Self.place(of: installed.file, bringer) ?? .ready(installed) }
            // What relays brought us is not kept, and what clients brought is no relay's business.
            guard bringer == .client, let kept = state.kept[identity] else { return .needCode }
            state.uses += 1
            state.kept[identity]?.lastUsed = state.uses
            return Self.place(of: kept.plugin.file, bringer) ?? .ready(kept.plugin)
        }
    }

    /// What becomes of a plugin that is named by its place in a recommended set.
    package func judge(set: UInt32, place: UInt8, bringer: PluginRoles) -> Judgement {
        let trust = state.withLock { $0.rules.trust }
        guard let identity = trust.recommended(set: set, place: place) else { return .refused(.unknownSet) }
        return judge(identity, bringer: bringer)
    }

    /// Sets memory aside for a transfer; false if too much is half received.
    package func reserve(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard state.receiving + bytes <= ExchangeLimits.receivingBytes else { return false }
            state.receiving += bytes
            return true
        }
    }

    /// Gives it back.
    package func release(_ bytes: Int) { state.withLock { $0.receiving -= bytes } }

    /// Bytes set aside for transfers.
    package var receivingBytes: Int { state.withLock { $0.receiving } }

    /// Bytes of code that is kept, and how many plugins.
    package var kept: (bytes: Int, count: Int) { state.withLock { ($0.keptBytes, $0.kept.count) } }

    // MARK: What has arrived

    /// Whether one more file may wait to be compiled; if so, `compile` must follow.
    package func beginCompiling() -> Bool {
        state.withLock { state in
            guard state.compiling < ExchangeLimits.compiling else { return false }
            state.compiling += 1
            return true
        }
    }

    /// Checks a bundle: identity, evidence, file, capabilities, budgets, code; takes milliseconds, on a worker.
    package func compile(_ bytes: [UInt8], identity: [UInt8], bringer: PluginRoles) -> Outcome {
        defer { state.withLock { $0.compiling -= 1 } }
        guard let bundle = try? PluginBundle(bytes: bytes.span.bytes), SHA3_256.hash(bundle.file) == identity else {
            return .violation
        }
        let rules = state.withLock { $0.rules }
        let file: PluginFile
        do throws(PluginError) {
            file = try PluginFile(bytes: bundle.file)
        } catch {
            return .refused(.noPlugin)
        }
        let candidate = PluginCandidate(
            identity: identity, file: file, evidence: bundle.evidence, bringer: bringer)
        if let reason = rules.trust.refusal(of: candidate) { return .refused(reason) }
        switch Self.compile(file, rules, bringer) {
        case .failure(let refusal): return .refused(refusal.reason)
        case .success(let plugin):
            if rules.keepsCode, bringer == .client { keep(plugin) }
            return .accepted(plugin)
        }
    }

    private func keep(_ plugin: Plugin) {
        state.withLock { state in
            guard state.kept[plugin.file.identity] == nil else { return }
            state.uses += 1
            state.kept[plugin.file.identity] = Kept(plugin: plugin, lastUsed: state.uses)
            state.keptBytes += plugin.file.size
            while state.keptBytes > ExchangeLimits.cacheBytes,
                let oldest = state.kept.min(by: { $0.value.lastUsed < $1.value.lastUsed })
            {
                state.kept[oldest.key] = nil
                state.keptBytes -= oldest.value.plugin.file.size
            }
        }
    }

    private struct Refused: Error {
        let reason: PluginRefusal
    }

    /// Doors at which a plugin may stand that a hop brings to a client: none of them rules more than what concerns that hop.
    private static let clientDoors: DoorSet = [
        DoorSet(.initialise), DoorSet(.exit), DoorSet(.timer), DoorSet(.circuitOpened), DoorSet(.circuitClosed),
        DoorSet(.cellReceived), DoorSet(.cellSent), DoorSet(.relayMessage),
    ]

    /// Whether a file may run at the end that a bringer brings it to; nil: it may.
    private static func place(of file: PluginFile, _ bringer: PluginRoles) -> Judgement? {
        let role: PluginRoles = bringer == .client ? .relay : .client
        guard file.metadata.scope == .circuit, file.metadata.roles.isSuperset(of: role),
            role == .relay || file.doors.isSubset(of: clientDoors)
        else { return .refused(.place) }
        return nil
    }

    private static func compile(
        _ file: PluginFile, _ rules: Rules, _ bringer: PluginRoles
    ) -> Result<Plugin, Refused> {
        if case .refused(let reason) = place(of: file, bringer) { return .failure(Refused(reason: reason)) }
        guard file.doors.isSubset(of: rules.doors) else { return .failure(Refused(reason: .place)) }
        let grant = Grant(bringer: .peer, capabilities: rules.capabilities, budget: rules.budget)
        do throws(PluginError) {
            return .success(try Plugin(file, grant: grant))
        } catch {
            switch error {
            case .notGranted: return .failure(Refused(reason: .capabilities))
            case .overBudget: return .failure(Refused(reason: .budget))
            default: return .failure(Refused(reason: .code))
            }
        }
    }
}
