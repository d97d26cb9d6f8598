import Configuration
import Foundation
import Logging
import Testing

@testable import fanion

struct LogOutputsTests {
    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "fanion-log-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func settings(_ torrc: String) throws -> NodeSettings {
        try Settings(torrc: TorrcFile(path: "torrc", text: torrc)).node
    }

    @Test func `a line looks like C Tor's`() throws {
        let line = LogOutputs.line(
            "Bootstrapped 100% (done): Done", .notice, at: timespec(tv_sec: 0, tv_nsec: 7_000_000))
        let pattern = #/^[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d\.007 \[notice\] Bootstrapped 100% \(done\): Done\n$/#
        #expect(line.contains(pattern))
    }

    @Test func `each file gets the severities that its line asks for`() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let outputs = LogOutputs()
        let torrc = "Log info-notice file \(folder)/some\nLog warn file \(folder)/loud\n"
        try outputs.open(try settings(torrc), .normal)
        #expect(outputs.level == .info)
        var logger = Logger(label: "x") { TorLogHandler(label: $0, outputs: outputs) }
        logger[metadataKey: "circuit"] = "7"
        logger.debug("quiet")
        logger.info("talkative\nforged line")
        logger.warning("loud")
        let some = try String(contentsOfFile: folder + "/some", encoding: .utf8)
        #expect(some.hasSuffix("[info] talkative forged line circuit=7\n"))
        #expect(some.split(separator: "\n").count == 1)
        #expect(try String(contentsOfFile: folder + "/loud", encoding: .utf8).hasSuffix("[warn] loud circuit=7\n"))
    }

    @Test func `a file that was moved away is made anew`() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let outputs = LogOutputs()
        try outputs.open(try settings("Log notice file \(folder)/log\n"), .normal)
        outputs.write("one", .notice)
        try FileManager.default.moveItem(atPath: folder + "/log", toPath: folder + "/log.1")
        outputs.reopen()
        outputs.write("two", .notice)
        #expect(try String(contentsOfFile: folder + "/log.1", encoding: .utf8).hasSuffix("one\n"))
        #expect(try String(contentsOfFile: folder + "/log", encoding: .utf8).hasSuffix("two\n"))
    }

    @Test func `without Log lines the command line decides`() throws {
        let outputs = LogOutputs()
        try outputs.open(try settings(""), .normal)
        #expect(outputs.level == .notice)
        try outputs.open(try settings(""), .hush)
        #expect(outputs.level == .warning)
        try outputs.open(try settings(""), .quiet)
        #expect(outputs.level == .critical)
    }
}
