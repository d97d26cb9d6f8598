import Authority
import Cells
import Directory
import Testing

struct AuthorityFilesTests {
    @Test func `C Tor's router-stability is read, and written again`() throws {
        let bytes = try fixture("router-stability")
        let saved = time("2026-11-24 23:12:03")
        let file = try #require(StabilityFile(bytes, now: saved))
        #expect(file.histories.count == 8)
        #expect(file.trackingSince == time("2026-11-24 22:51:14"))
        #expect(file.lastDiscounted == time("2026-11-24 22:51:15"))
        let again = try #require(StabilityFile(file.encode(now: saved), now: saved))
        #expect(again.histories == file.histories)
        // The time between saving and loading counts neither way.
        let later = try #require(StabilityFile(bytes, now: saved + 600))
        for (identity, history) in later.histories {
            #expect(history.uptime(at: saved + 600) == file.histories[identity]?.uptime(at: saved))
        }
        #expect(StabilityFile(Array("format 1\n".utf8), now: saved) == nil)
    }

    @Test func `a bandwidth file gives headers, digest and measurements`() {
        let now = time("2026-11-24 12:00:00")
        let identity = String(repeating: "AB", count: 20)
        let text = """
            \(now.seconds - 100)
            version=1.4.0
            software=sbws
            with space=1
            =====
            node_id=$\(identity) bw=1234 nick=x
            node_id=\(String(repeating: "CD", count: 20)) bw=77 vote=0
            node_id=$\(String(repeating: "EF", count: 20)) bw=9

            """
        let file = BandwidthFile(Array(text.utf8), now: now)
        #expect(file.headers == ["timestamp=\(now.seconds - 100)", "version=1.4.0", "software=sbws"])
        #expect(file.measurements.values.sorted() == [9, 1234])
        #expect(RSAIdentity(hex: identity).flatMap { file.measurements[$0] } == 1234)
        #expect(file.digestText.hasPrefix("sha256=") && file.digestText.utf8.count == 50)
        let stale = BandwidthFile(Array(text.utf8), now: now + 4 * 86_400)
        #expect(stale.headers.isEmpty && stale.measurements.isEmpty && stale.digestText == file.digestText)
    }

    @Test func `each relay is tested once in a cycle, and oftener in a testing network while it is down`() throws {
        let relays = try (0..<256).map { try #require(RSAIdentity([UInt8($0)] + [UInt8](repeating: 0, count: 19))) }
        var schedule = ReachabilitySchedule()
        var tested: [RSAIdentity: Int] = [:]
        for _ in 0..<128 {
            for relay in schedule.next(relays, running: [], isTestingNetwork: false) { tested[relay, default: 0] += 1 }
        }
        #expect(tested.count == 256 && tested.values.allSatisfy { $0 == 1 })
        var testing = ReachabilitySchedule()
        #expect(testing.next(relays, running: Set(relays.dropFirst(5)), isTestingNetwork: true).count == 6)
    }

    @Test func `versions come from platforms of Tor only`() {
        #expect(DescriptorRules.versionText("Tor 0.4.9.11 on Linux") == "Tor 0.4.9.11")
        #expect(DescriptorRules.versionText("Tor 0.2.0.1 (r123) on Linux") == "Tor 0.2.0.1 (r123)")
        #expect(DescriptorRules.versionText("Tor 0.4.9.11") == "Tor 0.4.9.11")
        #expect(DescriptorRules.versionText("Foreign 0.1") == nil)
    }

    @Test func `documents are found by their paths`() throws {
        let vote = try Vote(parsing: fixture("vote-auth1"))
        let other = try Vote(parsing: fixture("vote-auth2"))
        var documents = AuthorityDocuments(own: vote.identity)
        documents.votes = [vote]
        documents.previousVotes = [other]
        documents.signatures = [1]
        documents.consensus = [2]
        let digest = DirectoryEncoding.hex(other.digest.bytes)
        #expect(documents.statusVote("next/authority") == [vote.text])
        #expect(documents.statusVote("current/authority").isEmpty)
        #expect(documents.statusVote("current/\(other.identity.hex)") == [other.text])
        #expect(documents.statusVote("next/\(other.identity.hex)+\(vote.identity.hex)") == [vote.text])
        #expect(documents.statusVote("next/d/\(digest)") == [other.text])
        #expect(documents.statusVote("next/consensus-signatures") == [[1]])
        #expect(documents.statusVote("next/consensus") == [[2]])
        #expect(documents.statusVote("next/bandwidth").isEmpty && documents.statusVote("x").isEmpty)
    }
}
