import ArgumentParser

/// `fanion ebpf`: the eBPF machine by itself, for those who write programs for it or measure it.
struct EBPFCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ebpf", abstract: "Load, check, run and time eBPF programs.",
        subcommands: [
            EBPFRun.self, EBPFVerify.self, EBPFDisassemble.self, EBPFBench.self, EBPFInfo.self, EBPFConformance.self,
        ])
}
