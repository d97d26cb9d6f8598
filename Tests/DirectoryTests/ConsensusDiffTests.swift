import Directory
import Foundation
import OnionCrypto
import ProtocolTestKit
import Testing

/// Differences between consensuses. The fixtures are what a C Tor authority served.
@Suite struct ConsensusDiffTests {
    private static func fixture(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/diffs")
        return [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    private static func digest(_ text: [UInt8]) throws -> [UInt8] {
        try Consensus(parsing: text).signedSHA3
    }

    @Test(arguments: ["ns", "microdesc", "longer"])
    func `what C Tor serves is what we make, and leads where it should`(name: String) throws {
        let (old, new) = (try Self.fixture("\(name).old"), try Self.fixture("\(name).new"))
        let served = try Self.fixture("\(name).diff")
        let digest = try Self.digest(old)
        #expect(ConsensusDiff.isDiff(served) && !ConsensusDiff.isDiff(old))
        let made = try #require(ConsensusDiff.make(from: old, baseDigest: digest, to: new))
        #expect(String(decoding: made, as: UTF8.self) == String(decoding: served, as: UTF8.self))
        #expect(try ConsensusDiff.apply(served, to: old, baseDigest: digest, limit: new.count) == new)
        // What the old one was signed by does not matter: only the digest of what is signed names it.
        let signatures = try #require(
            String(decoding: old, as: UTF8.self).range(of: "\ndirectory-signature ")
        )
        let cut = String(decoding: old, as: UTF8.self)[..<signatures.lowerBound]
        let bare = Array((cut + "\ndirectory-signature anything\nof any kind\n").utf8)
        #expect(try ConsensusDiff.apply(served, to: bare, baseDigest: digest, limit: new.count) == new)
    }

    @Test func `a difference is only taken from its base to its result`() throws {
        let (old, new) = (try Self.fixture("ns.old"), try Self.fixture("ns.new"))
        let served = try Self.fixture("ns.diff")
        let digest = try Self.digest(old)
        #expect(throws: ConsensusDiff.Failure.otherBase) {
            try ConsensusDiff.apply(served, to: new, baseDigest: try Self.digest(new), limit: 1 << 20)
        }
        #expect(throws: ConsensusDiff.Failure.tooLong) {
            try ConsensusDiff.apply(served, to: old, baseDigest: digest, limit: new.count - 1)
        }
        let changed = Array(
            String(decoding: served, as: UTF8.self).replacing("vote-digest ", with: "vote-digest A").utf8)
        #expect(throws: ConsensusDiff.Failure.otherResult) {
            try ConsensusDiff.apply(changed, to: old, baseDigest: digest, limit: 1 << 20)
        }
        #expect(throws: ConsensusDiff.Failure.malformed) {
            try ConsensusDiff.apply(Array(served.dropLast()), to: old, baseDigest: digest, limit: 1 << 20)
        }
    }

    @Test(arguments: [
        "1", "a", "0c\nx\n.", "0d", "2,1d", "2,2d", "1,$c\nx\n.", "1,2a\nx\n.", "9a\nx\n.", "1a\n.", "1a\nx", "1dd",
        "1d\n2d", "-1d", "1 d", "1,d", "99999999999999999999d", "1x", "$d", "1d ", "",
    ])
    func `commands that make no sense are refused`(commands: String) {
        let old = Array("one\ntwo\nthree\n".utf8)
        let digest = [UInt8](repeating: 7, count: 32)
        let hash = String(repeating: "07", count: 32)
        let script = Array("network-status-diff-version 1\nhash \(hash) \(hash)\n\(commands)\n".utf8)
        #expect(throws: ConsensusDiff.Failure.malformed) {
            try ConsensusDiff.apply(script, to: old, baseDigest: digest, limit: 1 << 20)
        }
    }

    @Test func `any two lists of routers in order have a difference that leads from one to the other`() throws {
        var random = SeededRandom(seed: 20)
        for _ in 0..<60 {
            let (old, new) = (Self.document(&random), Self.document(&random))
            let digest = SHA3_256.hash(old)
            let made = try #require(ConsensusDiff.make(from: old, baseDigest: digest, to: new))
            #expect(try ConsensusDiff.apply(made, to: old, baseDigest: digest, limit: new.count) == new)
        }
        let wrong = Array("x\nr b BBBB\nr a AAAA\n".utf8)
        #expect(ConsensusDiff.make(from: wrong, baseDigest: SHA3_256.hash(wrong), to: wrong) == nil)
        let dot = Array("x\n.\n".utf8)
        #expect(ConsensusDiff.make(from: Array("x\n".utf8), baseDigest: [], to: dot) == nil)
    }

    /// A head, some routers out of forty, a tail.
    private static func document(_ random: inout SeededRandom) -> [UInt8] {
        var text = (0..<Int.random(in: 0...12, using: &random)).map { "head \($0 % 5)\n" }.joined()
        for name in 10..<50 where Int.random(in: 0..<3, using: &random) > 0 {
            text += "r name A\(name)AA \(Int.random(in: 0..<2, using: &random))\n"
            for line in 0..<Int.random(in: 0..<4, using: &random) {
                text += "line \(Int.random(in: 0...line, using: &random))\n"
            }
        }
        text += "foot\ndirectory-signature \(UInt64.random(in: 0...9, using: &random))\nsignature\n"
        return Array(text.utf8)
    }
}
