import Cells
import Testing

@testable import Trust

@Suite struct FormatTests {
    @Test func `evidence survives the way, and every cut or addition is noticed`() throws {
        var log = try TestLog()
        for number in 0..<5 { log.add(identity(UInt8(number))) }
        let key = try #require(SigningKey.make(name: "k", kind: .note)).key
        let evidence = Evidence(signatures: [key.sign(plugin: identity(1))], logs: [try log.logged(3)])
        let bytes = try #require(evidence.bytes)
        #expect(try Evidence(bytes: bytes) == evidence)
        for count in 1..<bytes.count {
            #expect(throws: TrustError.self) { try Evidence(bytes: Array(bytes.prefix(count))) }
        }
        #expect(throws: TrustError.self) { try Evidence(bytes: bytes + [0]) }
        #expect(throws: TrustError.self) { try Evidence(bytes: [2] + bytes.dropFirst()) }
        #expect(try Evidence(bytes: []) == Evidence())
        #expect(Evidence().bytes == [])
        let twice = Evidence(signatures: [key.sign(plugin: identity(1)), key.sign(plugin: identity(1))])
        #expect(throws: TrustError.self) { try Evidence(bytes: #require(twice.bytes)) }
        let long = Evidence(logs: [
            Evidence.Logged(origin: "a", index: 0, proof: [], checkpoint: [UInt8](repeating: 65, count: 9000))
        ])
        #expect(long.bytes == nil)
    }

    @Test func `bundles hold exactly their entries`() throws {
        let entries: [[UInt8]] = [[], [1], [UInt8](repeating: 7, count: 300)]
        let bytes = try #require(EntryBundle.write(entries))
        #expect(try EntryBundle.read(bytes, count: 3) == entries)
        #expect(throws: TrustError.self) { try EntryBundle.read(bytes, count: 2) }
        #expect(throws: TrustError.self) { try EntryBundle.read(bytes.dropLast(), count: 3) }
        #expect(throws: TrustError.self) { try EntryBundle.read(bytes + [0], count: 3) }
        #expect(EntryBundle.write([[UInt8](repeating: 0, count: 65536)]) == nil)
    }

    @Test func `rules say what they mean`() throws {
        func holds(_ rule: String, _ names: Set<String>) throws -> Bool {
            try TrustRule(rule).isSatisfied { names.contains($0) }
        }
        #expect(try holds("a", ["a"]) && !holds("a", ["b"]))
        #expect(try holds("2 of (a, b, c)", ["a", "c"]) && !holds("2 of (a, b, c)", ["a"]))
        #expect(try holds("a and (b or c)", ["a", "c"]) && !holds("a and (b or c)", ["b", "c"]))
        #expect(try holds("(a and b) or c", ["c"]))
        #expect(try holds("1 of (a, 2 of (b, c, d), e and f)", ["e", "f"]))
        #expect(try !holds("1 of (a, 2 of (b, c, d), e and f)", ["b", "f"]))
        #expect(try TrustRule("2 OF(a,b AND c)").description == "2 of (a, 2 of (b, c))")
        for bad in [
            "", "a b", "a and", "and a", "a and b or c", "2 of a", "2 of (a)", "0 of (a)", "-1 of (a, b)", "(a", "a)",
            "2 of (a, a)", "a and a", "2 of (a,, b)", "2 (a, b)", "of", "a/b", "9 of (a, b)",
            String(repeating: "(", count: 9) + "a" + String(repeating: ")", count: 9),
        ] {
            #expect(throws: TrustError.self, "\(bad)") { try TrustRule(bad) }
        }
    }

    @Test func `a set or list for another log, or out of order, is none`() throws {
        let log = try TestLog()
        let origin = log.key.verifier.name
        func entry(_ text: String) throws -> LogEntry {
            let note = try #require(
                SignedNote(text: Array(text.utf8), signatures: [log.key.sign(Array(text.utf8), at: TestLog.now)]))
            return LogEntry(note.bytes, log: log.key.verifier)
        }
        let (one, two) = (String(repeating: "01", count: 32), String(repeating: "02", count: 32))
        #expect(
            try entry("fanion plugin set v1\n\(origin)\n4\n0 \(one)\n255 \(two)\n")
                == .set(RecommendedSet(origin: origin, number: 4, slots: [0: identity(1), 255: identity(2)])))
        #expect(
            try entry("fanion plugin revocations v1\n\(origin)\n12\n\(one)\n")
                == .revocations(
                    RevocationList(origin: origin, time: WallTime(seconds: 12), identities: [identity(1)])))
        for bad in [
            "fanion plugin set v1\nother\n4\n0 \(one)\n", "fanion plugin set v2\n\(origin)\n4\n0 \(one)\n",
            "fanion plugin set v1\n\(origin)\n0\n0 \(one)\n", "fanion plugin set v1\n\(origin)\n4294967296\n0 \(one)\n",
            "fanion plugin set v1\n\(origin)\n4\n1 \(one)\n0 \(two)\n",
            "fanion plugin set v1\n\(origin)\n4\n0 \(one)\n0 \(two)\n",
            "fanion plugin set v1\n\(origin)\n4\n0 \(one)\n1 \(one)\n",
            "fanion plugin set v1\n\(origin)\n4\n256 \(one)\n",
            "fanion plugin set v1\n\(origin)\n4\n0  \(one)\n",
            "fanion plugin set v1\n\(origin)\n4\n0 \(one.dropLast())\n",
            "fanion plugin revocations v1\n\(origin)\n12\n\(one.replacing("1", with: "A"))\n",
            "fanion plugin revocations v1\n\(origin)\n\(one)\n", "fanion plugin revocations v1\n\(origin)\n",
        ] {
            #expect(try entry(bad) == .unknown, "\(bad)")
        }
    }

    @Test func `damaged bytes of every format are refused or read, never more`() throws {
        var log = try TestLog()
        for number in 0..<5 { log.add(identity(UInt8(number))) }
        try log.add(set: 3, [1: identity(1)])
        try log.revoke([identity(2)])
        let evidence = try #require(Evidence(logs: [log.logged(3)]).bytes)
        let seeds = [
            evidence, try log.checkpoint(), log.entries[5], log.entries[6],
            try #require(EntryBundle.write(log.entries)),
        ]
        var random = SystemRandomNumberGenerator()
        for round in 0..<3000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(.random(in: 0...255, using: &random), at: place)
                }
            }
            if let evidence = try? Evidence(bytes: bytes) { #expect(evidence.bytes == bytes) }
            if let note = try? SignedNote(bytes: bytes) { #expect(note.bytes == bytes) }
            _ = try? Checkpoint(bytes: bytes)
            _ = LogEntry(bytes, log: log.key.verifier)
            if let entries = try? EntryBundle.read(bytes) { #expect(EntryBundle.write(entries) == bytes) }
        }
    }
}
