import Testing

@testable import Configuration

@Suite struct UnitReaderTests {
    @Test(arguments: [
        ("75 KB", 76800), ("1 GB", 1 << 30), ("2MBytes", 2 << 20), ("8 mbits", 1 << 20), ("1.5 KB", 1536), ("7", 7),
        ("3 kilobits", 384), ("1 m", 1 << 20), ("1 TeraByte", 1 << 40), ("0 bytes", 0),
    ])
    func `memory has its units`(text: String, bytes: Int) throws {
        #expect(try UnitReader.read(text, as: .bytes).get() == bytes)
    }

    @Test(arguments: [("10 minutes", 600), ("1 month", 2_629_728), ("0.5 hours", 1800), ("2weeks", 1_209_600)])
    func `intervals have theirs`(text: String, seconds: Int) throws {
        #expect(try UnitReader.read(text, as: .seconds).get() == seconds)
    }

    @Test(arguments: [("100 msec", 100), ("2 seconds", 2000), ("5", 5), ("1 day", 86_400_000)])
    func `so have milliseconds`(text: String, milliseconds: Int) throws {
        #expect(try UnitReader.read(text, as: .milliseconds).get() == milliseconds)
    }

    @Test(arguments: ["", "x", "-1 KB", "5 parsecs", "99999999999999999999", "9999999999 TB", "1.2.3 KB", "1 month KB"])
    func `anything else is an error`(text: String) {
        #expect(throws: UnitError.self) { try UnitReader.read(text, as: .bytes).get() }
    }

    @Test func `there are no months of milliseconds`() {
        #expect(throws: UnitError.self) { try UnitReader.read("1 month", as: .milliseconds).get() }
    }
}
