import Foundation
import Testing

extension MixedNetwork {
    @Suite(.serialized)
    struct DirectoryTests {
        /// How many consensuses in a row must list our relays.
        private static let periods = NetworkScript.isFull ? 10 : 5

        @Test func `C Tor's authorities list our relays with all flags, and go on doing so`() async throws {
            let network = try FanionNetwork.current
            /// What our relays lack, by consensus.
            var lacks: [String: [String]] = [:]
            func note(but optional: Set<String> = []) async {
                guard let (validAfter, flags) = try? await network.consensus() else { return }
                lacks[validAfter] = network.relaysOfOurs.compactMap { relay in
                    var wanted: Set<String> = ["Running", "Valid", "Fast", "Stable", "V2Dir", "Guard"]
                    if relay.kind == "exit" { wanted.insert("Exit") }
                    let missing = wanted.subtracting(flags[relay.name] ?? []).subtracting(optional)
                    return missing.isEmpty ? nil : "\(relay.name): \(missing)"
                }
            }
            // Who has carried nothing yet says so, and is not Fast.
            let isComplete = try await eventually(within: .seconds(100), every: .seconds(2)) {
                await note()
                return lacks.values.contains([]) ? true : nil
            }
            #expect(isComplete == true, "\(lacks)")
            lacks = [:]
            // Fast goes by what others carry: an idle relay loses it when they carry more.
            let found = try await eventually(within: .seconds(Int64(Self.periods + 2) * 20 + 60), every: .seconds(2)) {
                await note(but: ["Fast"])
                return lacks.count >= Self.periods ? true : nil
            }
            #expect(found == true, "only \(lacks.count) consensuses")
            #expect(!lacks.values.contains { !$0.isEmpty }, "\(lacks)")
            #expect(network.complaints.isEmpty, "\(network.complaints)")
        }

        @Test func `consensuses go as differences from us to C Tor, and from C Tor to us`() async throws {
            let network = try FanionNetwork.current
            let ours = try network.node("relay3").address
            // One that fetches early asks authorities.
            _ = try await network.control(
                "client1",
                "SETCONF StrictNodes=1 EntryNodes=relay3 FetchDirInfoEarly=0 FetchDirInfoExtraEarly=0")
            try await network.watch("client1", "dir")
            try await network.reload("relay4") {
                $0 + "\nLog info file \(network.folder(of: "relay4"))/info\n"
            }
            let isApplied = try await eventually(within: .seconds(120)) {
                network.detail("client1", "dir").split(separator: "\n").contains {
                    $0.contains("Applied consensus diff") && $0.contains(ours)
                } ? true : nil
            }
            #expect(isApplied == true, "\(network.detail("client1", "dir").suffix(2_000))")
            let isOurs = try await eventually(within: .seconds(120)) {
                network.detail("relay4", "info").contains("Applied consensus diff") ? true : nil
            }
            #expect(isOurs == true, "\(network.detail("relay4", "info").suffix(2_000))")
            _ = try await network.control("client1", "RESETCONF StrictNodes EntryNodes")
            _ = try await network.control("client1", "SETCONF FetchDirInfoEarly=1 FetchDirInfoExtraEarly=1")
        }
    }
}
