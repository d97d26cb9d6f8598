package import EBPF
package import Hooks
internal import OnionCrypto

/// A plugin as it came: an ELF object with a description, its programs at doors; read, not yet checked against any policy.
///
/// Its identity is the SHA3-256 of the file; name and version are for people.
package struct PluginFile: Sendable {
    /// A program and where it stands.
    package struct Placing: Hashable, Sendable {
        /// The door.
        package let point: HookPoint
        /// The function.
        package let function: String
        /// Its place among the object's global functions.
        package let place: Int
    }

    /// SHA3-256 of the file.
    package let identity: [UInt8]
    /// Bytes of the file.
    package let size: Int
    /// What its author says.
    package let metadata: PluginMetadata
    /// The linked object.
    package let object: Object
    /// Its programs, in the order of doors and then of the file.
    package let placings: [Placing]
    /// Where its `FANION_STATE` is in the arena; empty if it has none.
    package let state: Range<Int>

    /// The doors that it stands at.
    package var doors: DoorSet { DoorSet(placings.map { DoorSet($0.point.hook) }) }

    /// The identity in hex, or its beginning.
    package func identityText(bytes: Int = 32) -> String {
        identity.prefix(bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Reads a file. Everything about it that needs no policy is checked.
    package init(bytes: [UInt8]) throws(PluginError) {
        guard bytes.count <= PluginLimits.fileBytes else {
            throw .overBudget("a file", asked: UInt64(bytes.count), allowed: UInt64(PluginLimits.fileBytes))
        }
        identity = SHA3_256.hash(bytes)
        size = bytes.count
        do throws(LoadError) {
            object = try Object(elf: bytes)
        } catch {
            throw .object(error)
        }
        guard let section = object.metadata[".plugin"] else { throw .noMetadata }
        metadata = try PluginMetadata(section: section)
        placings = try Self.placings(object)
        state = object.dataSections.first { $0.name == ".fanion_state" }?.addresses ?? 0..<0
        guard state.count <= PluginLimits.stateBytes else { throw .stateTooLong(state.count) }
        try check()
    }

    private static func placings(_ object: Object) throws(PluginError) -> [Placing] {
        var found: [Placing] = []
        for section in object.sections where section.name != ".text" {
            guard HookPoint(section: section.name) != nil else { throw .noSuchDoor(section: section.name) }
        }
        for (place, function) in object.functions.filter(\.isGlobal).enumerated() {
            guard let point = HookPoint(section: function.section) else { continue }
            found.append(Placing(point: point, function: function.name, place: place))
        }
        found.sort { ($0.point.hook.rawValue, $0.place) < ($1.point.hook.rawValue, $1.place) }
        guard !found.isEmpty else { throw .noPrograms }
        guard found.count <= PluginLimits.programs else {
            throw .overBudget("programs", asked: UInt64(found.count), allowed: UInt64(PluginLimits.programs))
        }
        return found
    }

    /// What doors, scope and capabilities say of each other.
    private func check() throws(PluginError) {
        let asked = metadata.capabilities
        for (index, placing) in placings.enumerated() {
            let hook = placing.point.hook
            guard hook.isOpen else { throw .closedDoor(hook) }
            guard hook.isOffered(to: metadata.scope) else {
                throw .wrongScope(hook, metadata.scope == .host ? .host : .circuit)
            }
            if !hook.isObserving,
                let other = placings[..<index].first(where: { $0.point.overlaps(placing.point) })
            {
                throw .doorTwice(placing.point, first: other.function, second: placing.function)
            }
            if hook.changesProtocol, metadata.failure == .open { throw .mustFailClosed(because: hook.name) }
            if let needed = Self.needs(hook), !asked.isSuperset(of: needed) { throw .doorNeeds(hook, needed) }
        }
        let changing = asked.intersection(.changingProtocol)
        if !changing.isEmpty, metadata.failure == .open {
            throw .mustFailClosed(because: "the capability " + changing.list[0])
        }
        if metadata.scope == .host {
            let wrong = asked.intersection(.ofCircuits)
            guard wrong.isEmpty else { throw .neverForHost(wrong) }
        }
    }

    private static func needs(_ hook: Hook) -> Capabilities? {
        switch hook {
        case .choosePath, .consensusChanged: .path
        case .timer: .timers
        case .initialise, .exit, .circuitOpened, .circuitClosed, .cellReceived, .cellSent, .relayMessage,
            .messagePackaging,
            .maySend, .ackDue, .onAck, .departure, .padding, .rank, .chooseLeg, .stream, .packet:
            nil
        }
    }
}
