package import EBPF
internal import Hooks

/// A plugin ready to be attached: verified against what was granted, compiled, its programs sorted by door.
///
/// Immutable and shared by all loops; each attachment has an instance with memory of its own. Once made it never goes into an
/// arena, and nothing an instance does changes it.
package final class Plugin: @unchecked Sendable {
    // Safe to share: everything is written in `init`, and freed with the last reference.

    /// A program at its door.
    struct Stand {
        let parameter: UInt32
        // Safe: retained when it is made, released with the plugin. A reference that is not counted, since a copy of the
        // program itself would count those of its names.
        let program: Unmanaged<StandingProgram>

        static let any = UInt32.max
    }

    /// A program in a place where it can be lent.
    final class StandingProgram {
        let program: Program

        init(_ program: Program) { self.program = program }
    }

    /// The file.
    package let file: PluginFile
    /// What it was granted.
    package let grant: Grant
    /// The code.
    package let module: Module
    /// Its programs, by door.
    let stands: UnsafeMutablePointer<Stand>
    private let standCount: Int
    /// For each door the place of its first program; one more at the end.
    let firstStand: InlineArray<21, UInt8>

    /// Its author's description.
    package var metadata: PluginMetadata { file.metadata }

    /// Checks and compiles.
    ///
    /// - Parameter isStrict: whether what the mask of addresses would hide is a fault: for development.
    package init(
        _ file: PluginFile, grant: Grant = Grant(), engine: Module.Engine = .automatic, isStrict: Bool = false
    ) throws(PluginError) {
        self.file = file
        self.grant = grant
        let missing = file.metadata.capabilities.subtracting(grant.capabilities)
        guard missing.isEmpty else { throw .notGranted(missing) }
        guard file.metadata.memory <= grant.budget.memory else {
            throw .overBudget(
                ".memory", asked: UInt64(file.metadata.memory), allowed: UInt64(grant.budget.memory))
        }
        if file.metadata.capabilities.contains(.padding) {
            guard file.metadata.paddingPerSecond <= grant.budget.paddingPerSecond else {
                throw .overBudget(
                    ".padding_per_second", asked: UInt64(file.metadata.paddingPerSecond),
                    allowed: UInt64(grant.budget.paddingPerSecond))
            }
            guard file.metadata.paddingPercent <= grant.budget.paddingPercent else {
                throw .overBudget(
                    ".padding_percent", asked: UInt64(file.metadata.paddingPercent),
                    allowed: UInt64(grant.budget.paddingPercent))
            }
        }
        let options = Module.Options(
            arenaSize: file.metadata.memory,
            windows: [PluginLimits.contextBytes, PluginLimits.payloadBytes, HooksLimits.answerBytes],
            isStrict: isStrict, engine: engine)
        do throws(VerifyError) {
            module = try Module(
                file.object, helpers: HelperTable.granted(file.metadata.capabilities), options: options)
        } catch {
            throw .code(error)
        }
        let programs = module.programs
        stands = .allocate(capacity: file.placings.count)
        standCount = file.placings.count
        for (place, placing) in file.placings.enumerated() {
            let parameter = placing.point.parameter ?? Stand.any
            let program = StandingProgram(programs[placing.place])
            (stands + place).initialize(to: Stand(parameter: parameter, program: .passRetained(program)))
        }
        var first = InlineArray<21, UInt8>(repeating: 0)
        for hook in Hook.allCases {
            let next = file.placings.count { $0.point.hook.rawValue <= hook.rawValue }
            first[Int(hook.rawValue) + 1] = UInt8(next)
        }
        firstStand = first
    }

    deinit {
        for place in 0..<standCount { stands[place].program.release() }
        stands.deinitialize(count: standCount)
        stands.deallocate()
    }

    /// Whether it may take an older one's place at a circuit while that runs.
    package func canReplace(_ other: Plugin) -> Bool {
        metadata.name == other.metadata.name && metadata.version > other.metadata.version
            && metadata.scope == other.metadata.scope && grant.bringer == other.grant.bringer
    }
}
