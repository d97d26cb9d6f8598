import Cells
import Testing

@testable import Trust

@Suite struct LogMirrorTests {
    @Test func `a mirror reads plugins, sets and revocations, and skips what is neither`() throws {
        var log = try TestLog()
        log.add(identity(1))
        try log.add(set: 1, [0: identity(1), 7: identity(2)])
        try log.revoke([identity(3)], at: WallTime(seconds: 100))
        log.entries.append(Array("something of the future".utf8))
        log.entries.append([])
        // Signed by somebody else; and a second set of a number.
        let stranger = try #require(SigningKey.make(name: log.key.verifier.name, kind: .note)).key
        try log.add(
            list: RevocationList(origin: log.key.verifier.name, time: WallTime(seconds: 999), identities: [identity(1)])
                .text,
            signer: stranger)
        try log.add(set: 1, [0: identity(9)])
        try log.revoke([identity(4)], at: WallTime(seconds: 90))
        let mirror = try log.mirror()
        #expect(mirror.size == 8)
        #expect(mirror.places == [identity(1): 0])
        #expect(mirror.sets.keys.sorted() == [1] && mirror.sets[1]?.slots == [0: identity(1), 7: identity(2)])
        #expect(mirror.revoked == [identity(3), identity(4)])
        #expect(mirror.newestRevocations == WallTime(seconds: 100))
    }

    @Test func `a mirror advances in steps and knows every older checkpoint`() throws {
        var log = try TestLog()
        for number in 0..<10 { log.add(identity(UInt8(number))) }
        var mirror = try log.mirror(size: 4)
        #expect(try mirror.take(log.checkpoint(size: 4), entries: []) == .unchanged)
        #expect(try mirror.take(log.checkpoint(size: 2), entries: []) == .older)
        #expect(try mirror.take(log.checkpoint(), entries: Array(log.entries[4..<9])) == .mismatch)
        #expect(try mirror.take(log.checkpoint(), entries: Array(log.entries[3..<9])) == .mismatch)
        #expect(mirror.size == 4)
        #expect(try mirror.take(log.checkpoint(), entries: Array(log.entries[4...])) == .advanced)
        #expect(mirror.size == 10)
        for size in 0...10 {
            #expect(mirror.judge(try Checkpoint(bytes: log.checkpoint(size: size))) == .known)
        }
        log.add(identity(77))
        #expect(mirror.judge(try Checkpoint(bytes: log.checkpoint())) == .ahead)
    }

    @Test func `a checkpoint of another key is refused`() throws {
        var log = try TestLog()
        log.add(identity(1))
        let stranger = try #require(SigningKey.make(name: log.key.verifier.name, kind: .note)).key
        var mirror = LogMirror(log.log)
        #expect(try mirror.take(log.checkpoint(signer: stranger), entries: log.entries) == .refused)
        #expect(mirror.take([], entries: []) == .refused)
    }

    @Test func `two histories are kept and end all trust`() throws {
        var log = try TestLog()
        for number in 0..<6 { log.add(identity(UInt8(number))) }
        var other = log
        other.entries[2] = PluginSignature.message(identity(99))
        // As long, shorter, and longer than what is known.
        for size in [5, 4, 6] {
            var mirror = try log.mirror(size: 5)
            let known = mirror.checkpoint?.note.bytes
            let bytes = try other.checkpoint(size: size)
            if size == 6 {
                #expect(mirror.take(bytes, entries: Array(other.entries[5...])) == .mismatch)
                #expect(mirror.fork == nil)
                #expect(mirror.takeWhole(bytes, entries: other.entries) == .forked)
            } else {
                #expect(mirror.take(bytes, entries: []) == .forked)
            }
            #expect(mirror.fork == LogMirror.Fork(known: try #require(known), other: bytes))
            #expect(try mirror.take(log.checkpoint(), entries: Array(log.entries[5...])) == .forked)
            #expect(mirror.judge(try Checkpoint(bytes: log.checkpoint(size: 5))) == .forked)
            #expect(mirror.evidence(for: identity(1)) == nil)
        }
    }

    @Test func `entries that were damaged on the way prove nothing`() throws {
        var log = try TestLog()
        for number in 0..<6 { log.add(identity(UInt8(number))) }
        var mirror = try log.mirror(size: 5)
        var damaged = log.entries
        damaged[1][20] ^= 1
        #expect(try mirror.takeWhole(log.checkpoint(), entries: damaged) == .mismatch)
        #expect(mirror.fork == nil)
        #expect(try mirror.takeWhole(log.checkpoint(), entries: log.entries) == .mismatch)
        #expect(try mirror.take(log.checkpoint(), entries: Array(log.entries[5...])) == .advanced)
    }
}
