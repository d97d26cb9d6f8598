import ArgumentParser
import EBPF

/// `fanion ebpf verify`: whether the machine would take an object.
struct EBPFVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Say whether the machine takes an object, and if not, why.")

    @OptionGroup var file: EBPFObjectFile

    func run() throws {
        let object = try file.load()
        let module = try EBPFInput.module(object, helpers: file.helpers, window: 0, engine: .interpreter)
        print("accepted: \(object.instructions.count) instructions, \(module.programs.count) programs")
    }
}
