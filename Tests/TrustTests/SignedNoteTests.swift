import Cells
import OnionCrypto
import Testing
import Trust

@Suite struct SignedNoteTests {
    /// From the tests of golang.org/x/mod/sumdb/note.
    static let peter = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let enoch = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
    static let text = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        """
    static let peterLine =
        "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    static let enochLine =
        "\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

    @Test func `a note of the Go tests is verified by its two keys`() throws {
        let bytes = Array((Self.text + "\n" + Self.peterLine + Self.enochLine).utf8)
        let note = try SignedNote(bytes: bytes)
        #expect(note.text == Array(Self.text.utf8))
        #expect(note.bytes == bytes)
        for vkey in [Self.peter, Self.enoch] {
            let key = try VerifierKey(vkey: vkey)
            #expect(key.text == vkey)
            #expect(note.verification(by: key) == .valid(nil))
        }
        let stranger = try VerifierKey(vkey: "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
        #expect(note.verification(by: stranger) == .absent)
    }

    @Test func `the example of C2SP's signed-note is verified`() throws {
        let key = try VerifierKey(vkey: "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
        let note = try SignedNote(
            bytes: Array(
                """
                This is an example message.

                \u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=

                """.utf8))
        #expect(note.verification(by: key) == .valid(nil))
    }

    @Test func `a damaged signature of a known key spoils the note`() throws {
        let damaged = Self.peterLine.replacing("x08go/ZJ", with: "x08go/ZK")
        let note = try SignedNote(bytes: Array((Self.text + "\n" + Self.peterLine + damaged).utf8))
        #expect(try note.verification(by: VerifierKey(vkey: Self.peter)) == .invalid)
        let changed = Self.text.replacing("answer", with: "Answer")
        let other = try SignedNote(bytes: Array((changed + "\n" + Self.peterLine).utf8))
        #expect(try other.verification(by: VerifierKey(vkey: Self.peter)) == .invalid)
    }

    @Test func `what is not exactly a note is refused`() {
        let good = Self.text + "\n" + Self.peterLine
        #expect(throws: Never.self) { try SignedNote(bytes: Array(good.utf8)) }
        let bad = [
            "", "\n", "\n\n", Self.text, Self.text + "\n", good + "x", String(good.dropLast()), good + "\n",
            Self.text + Self.peterLine, "\n" + Self.peterLine, good.replacing("\u{2014}", with: "-"),
            good.replacing(" x08", with: "  x08"), good.replacing("nAM=", with: "nAM"),
            good.replacing("you ", with: "you\t"),
            good.replacing("PeterNeumann", with: "Peter+Neumann"),
            good.replacing("PeterNeumann", with: "Peter\u{2003}N"),
            Self.text + "\n" + String(repeating: Self.peterLine, count: 65),
            Self.text + "\n\u{2014} PeterNeumann x08goA==\n",
        ]
        for text in bad.dropLast() {
            #expect(throws: TrustError.self, "\(text)") { try SignedNote(bytes: Array(text.utf8)) }
        }
        // Four bytes of ID and nothing behind it.
        #expect(throws: TrustError.self) {
            try SignedNote(bytes: Array((Self.text + "\n\u{2014} PeterNeumann x08gow==\n").utf8))
        }
        #expect(throws: TrustError.self) { try SignedNote(bytes: Array(good.utf8) + [0xFF, 0x0A]) }
        var binary = Array(good.utf8)
        binary[3] = 0xFF
        #expect(throws: TrustError.self) { try SignedNote(bytes: binary) }
    }

    @Test func `every cut and every changed letter of a key is noticed`() throws {
        let key = Self.peter
        #expect(throws: Never.self) { try VerifierKey(vkey: key) }
        for start in key.indices {
            #expect(throws: TrustError.self) { try VerifierKey(vkey: key[..<start]) }
            if start > key.startIndex { #expect(throws: TrustError.self) { try VerifierKey(vkey: key[start...]) } }
            var changed = Array(key.utf8)
            changed[key.utf8.distance(from: key.startIndex, to: start)] += 1
            #expect(throws: TrustError.self) { try VerifierKey(vkey: String(decoding: changed, as: UTF8.self)) }
        }
        // Wrong length and unknown algorithm, each with an ID that fits.
        for bad in [
            "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
            "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            #expect(throws: TrustError.self) { try VerifierKey(vkey: bad) }
        }
    }

    @Test func `a secret key of the Go tests signs as theirs does`() throws {
        let line = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
        let key = try SigningKey(line: Array((line + "\n").utf8))
        #expect(key.verifier.text == Self.peter)
        var note = try #require(SignedNote(text: Array(Self.text.utf8)))
        note.signatures = [key.sign(note.text, at: WallTime(seconds: 0))]
        #expect(note.bytes == Array((Self.text + "\n" + Self.peterLine).utf8))
        for index in line.indices {
            #expect(throws: TrustError.self) { try SigningKey(line: Array(line[..<index].utf8)) }
        }
        let made = try #require(SigningKey.make(name: "a.example/k", kind: .cosignature))
        #expect(try SigningKey(line: made.line).verifier == made.key.verifier)
    }
}

@Suite struct CheckpointTests {
    static let log = "log.example/plugins+1521d5eb+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    static let witness = "witness.example/w1+468d99bb+BHm1Vi6P5lT5QHixEuipi6eQH4U65pW+1+DjkQutBJZk"
    /// Made with another implementation of Ed25519.
    static let text = """
        log.example/plugins
        13
        SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=

        \u{2014} log.example/plugins FSHV6/X/mmzpRpmqiPC1ioAqiADIgT/NjWtb7F5V2mIVc226eFUTJHdl6gzacnVB/jxpKnlT3TqyafsLzejJFLTWrQQ=
        \u{2014} witness.example/w1 Ro2ZuwAAAABkGFDL7bC+egQXv/OAgeLMq89ab/3Qh5ScNPyNROytrvR6VlsnymcSNpudOIpinQ5GQ8RDk3hUxn3H8ftjD7ubZgASDg==

        """

    @Test func `a checkpoint and its cosignature are read and verified`() throws {
        let checkpoint = try Checkpoint(bytes: Array(Self.text.utf8))
        #expect(checkpoint.origin == "log.example/plugins" && checkpoint.size == 13)
        #expect(checkpoint.root.bytes == SHA256.hash(Array("root".utf8)))
        #expect(try checkpoint.isSigned(by: VerifierKey(vkey: Self.log)))
        let witness = try VerifierKey(vkey: Self.witness)
        #expect(witness.kind == .cosignature)
        #expect(checkpoint.note.verification(by: witness) == .valid(WallTime(seconds: 1_679_315_147)))
        #expect(
            try checkpoint.cosignatures(by: [witness, VerifierKey(vkey: Self.log)]) == [
                WallTime(seconds: 1_679_315_147)
            ])
        // The same with another origin is not the log's.
        let other = try #require(Checkpoint(origin: "other.example", size: 13, root: checkpoint.root))
        #expect(try !other.isSigned(by: VerifierKey(vkey: Self.log)))
    }

    @Test func `a cosignature counts for so long and so many`() throws {
        let checkpoint = try Checkpoint(bytes: Array(Self.text.utf8))
        let witness = try VerifierKey(vkey: Self.witness)
        let seen = WallTime(seconds: 1_679_315_147)
        var rule = FreshnessRule(witnesses: [witness], witnessesNeeded: 1, checkpointAge: 100)
        #expect(checkpoint.isFresh(rule, now: seen + 100) == .fresh)
        #expect(checkpoint.isFresh(rule, now: seen + 101) == .stale)
        #expect(checkpoint.isFresh(rule, now: seen - TrustLimits.clockSkew) == .fresh)
        #expect(checkpoint.isFresh(rule, now: seen - TrustLimits.clockSkew - 1) == .stale)
        rule.witnessesNeeded = 2
        #expect(checkpoint.isFresh(rule, now: seen) == .tooFew)
        rule.witnessesNeeded = 0
        #expect(checkpoint.isFresh(rule, now: seen + 1_000_000) == .fresh)
        // Another time in the same signature.
        let damaged = try Checkpoint(bytes: Array(Self.text.replacing("BkGFDL", with: "BkGFDM").utf8))
        rule.witnessesNeeded = 1
        #expect(damaged.isFresh(rule, now: seen) == .badCosignature)
    }

    @Test func `the three lines are taken exactly`() throws {
        let good = "log.example/plugins\n13\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
        let rest =
            "\n\u{2014} log.example/plugins FSHV6/X/mmzpRpmqiPC1ioAqiADIgT/NjWtb7F5V2mIVc226eFUTJHdl6gzacnVB/jxpKnlT3TqyafsLzejJFLTWrQQ=\n"
        #expect(throws: Never.self) { try Checkpoint(bytes: Array((good + rest).utf8)) }
        #expect(throws: Never.self) { try Checkpoint(bytes: Array((good + "more\n" + rest).utf8)) }
        for (old, new) in [
            ("13", "013"), ("13", "+13"), ("13", "0x13"), ("13", "9223372036854775808"), ("13", ""), ("13\n", ""),
            ("13", "0"), ("2d7I=", "2d7I"), ("2d7I=", "2d7J="), ("SBNJ", ""), ("13", " 13"),
            ("13", "99999999999999999999"),
        ] {
            #expect(throws: TrustError.self, "\(new)") {
                try Checkpoint(bytes: Array((good.replacing(old, with: new) + rest).utf8))
            }
        }
        #expect(throws: Never.self) {
            try Checkpoint(bytes: Array((good.replacing("13", with: "9223372036854775807") + rest).utf8))
        }
    }
}
