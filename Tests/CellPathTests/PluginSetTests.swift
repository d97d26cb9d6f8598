import Cells
import Circuits
import Hooks
import NIOCore
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// Plugins that clients ask for by their place in a recommended set.
    @Suite struct PluginSetTests {
        /// Takes everything, and knows one set.
        private struct KnownSet: PluginTrust {
            let identity: [UInt8]

            func refusal(of identity: [UInt8], isInstalled: Bool, bringer: PluginRoles) -> PluginRefusal? { nil }
            func refusal(of candidate: PluginCandidate) -> PluginRefusal? {
                candidate.evidence == [7] ? nil : .unknownSigner
            }
            func recommended(set: UInt32, place: UInt8) -> [UInt8]? { set == 4 && place == 9 ? identity : nil }
        }

        private static func wish(_ recommended: (set: UInt32, place: UInt8)?, evidence: [UInt8]) throws -> PluginWish {
            let bytes = try PluginNetwork.bytes("monitor")
            let file = try PluginFile(bytes: bytes)
            var wish = try #require(
                PluginWish(
                    file: file, bundle: PluginBundle(file: bytes, evidence: evidence), half: nil, bringer: .client,
                    place: .middle, isRequired: false, arguments: []))
            wish.recommended = recommended
            return wish
        }

        private static func start() async throws -> ExchangeNetwork {
            let identity = try PluginFile(bytes: try PluginNetwork.bytes("monitor")).identity
            return try await ExchangeNetwork.start(host: 60, relays: KnownSet(identity: identity))
        }

        @Test func `a plugin that is asked for by set and slot comes, and from then on with the handshake`()
            async throws
        {
            let network = try await Self.start()
            try await network.wish([try Self.wish((4, 9), evidence: [7])])
            _ = try await network.build()
            try await eventually { network.shelves[1].kept.count == 1 }
            let before = try await network.messages(network.client)
            #expect(before.fragments.sent == 35)
            let second = try await network.build()
            _ = try await network.echo(10_000, on: second)
            #expect(try await network.messages(network.client).fragments.sent == 35)
            #expect(try await network.client.run { $0.pluginRefusals }.isEmpty)
            try await network.stop()
        }

        @Test func `an unknown set is refused in the handshake, and no message follows`() async throws {
            let network = try await Self.start()
            try await network.wish([try Self.wish((5, 9), evidence: [7])])
            let watch = try await network.build()
            _ = try await network.echo(10_000, on: watch)
            #expect(try await network.messages(network.client).all.sent == 0)
            #expect(
                try await network.client.run { $0.pluginRefusals } == ["org.fanion.monitor@middle at-the-handshake": 1])
            try await network.stop()
        }

        @Test func `evidence that does not satisfy is refused with its reason, and the circuit goes on`() async throws {
            let network = try await Self.start()
            try await network.wish([try Self.wish(nil, evidence: [8])])
            let watch = try await network.build()
            try await eventually { try await network.client.run { !$0.pluginRefusals.isEmpty } }
            #expect(
                try await network.client.run { $0.pluginRefusals } == ["org.fanion.monitor@middle unknown-signer": 1])
            #expect(network.shelves[1].kept.count == 0)
            _ = try await network.echo(10_000, on: watch)
            try await network.stop()
        }
    }
}
