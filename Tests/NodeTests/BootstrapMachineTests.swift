import Testing

@testable import Node

@Suite struct BootstrapMachineTests {
    @Test func `the messages of a start are C Tor's`() {
        var machine = BootstrapMachine()
        var lines: [String] = []
        func note(_ report: BootstrapReport?) {
            if let report { lines.append("\(report.level == .notice ? "" : "(info) ")\(report.logText)") }
        }
        note(machine.reach(.starting))
        note(machine.reach(.connecting))
        note(machine.reach(.connecting))
        note(machine.reachDirectory(.creatingDirectoryCircuit))
        note(machine.reach(.handshakeDone))
        note(machine.channelOpened())
        note(machine.reachDirectory(.requestingConsensus))
        note(machine.reachDirectory(.loadingDescriptors, progress: 52))
        note(machine.reachDirectory(.loadingDescriptors, progress: 54))
        note(machine.reachDirectory(.loadingDescriptors, progress: 58))
        note(machine.reachDirectory(.enoughDirectoryInformation))
        note(machine.reach(.done))
        note(machine.reach(.done))
        note(machine.meet("gone", reason: "MISC"))
        #expect(
            lines == [
                "Bootstrapped 0% (starting): Starting",
                "Bootstrapped 5% (conn): Connecting to a relay",
                "Bootstrapped 15% (handshake_done): Handshake with a relay done",
                "Bootstrapped 20% (onehop_create): Establishing an encrypted directory connection",
                "Bootstrapped 25% (requesting_status): Asking for networkstatus consensus",
                "Bootstrapped 52% (loading_descriptors): Loading relay descriptors",
                "(info) Bootstrapped 54% (loading_descriptors): Loading relay descriptors",
                "Bootstrapped 58% (loading_descriptors): Loading relay descriptors",
                "Bootstrapped 75% (enough_dirinfo): Loaded enough directory info to build circuits",
                "Bootstrapped 100% (done): Done",
            ])
        let isDone = machine.isDone
        #expect(isDone)
        let last = machine.last
        #expect(last?.controlText == "NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY=\"Done\"")
    }

    @Test func `documents from the disk are reported once a channel is open`() {
        var machine = BootstrapMachine()
        #expect(machine.reachDirectory(.enoughDirectoryInformation) == nil)
        _ = machine.reach(.connecting)
        #expect(machine.channelOpened()?.percent == 75)
        #expect(machine.channelOpened() == nil)
    }

    @Test func `the tenth problem of a step is worth a warning`() {
        var machine = BootstrapMachine()
        #expect(machine.meet("too early", reason: "MISC") == nil)
        _ = machine.reach(.connecting)
        for _ in 1..<10 { #expect(machine.meet("no", reason: "TIMEOUT")?.level == .info) }
        let tenth = machine.meet("no", reason: "TIMEOUT")
        #expect(tenth?.level == .warning)
        #expect(
            tenth?.logText
                == "Problem bootstrapping. Stuck at 5% (conn): Connecting to a relay. (no; TIMEOUT; count 10; recommendation warn)"
        )
        #expect(machine.meet("no route", reason: "NOROUTE", isSerious: true)?.problem?.isSerious == true)
    }
}
