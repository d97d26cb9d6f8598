import Cells
import ProtocolTestKit
import Testing

@testable import Channels

@Suite struct ChannelPaddingTests {
    private let start = ContinuousClock.now

    private func channel(_ version: LinkProtocol = .v5, isRelay: Bool = false) -> OpenChannel {
        OpenChannel(
            linkProtocol: version, isInitiator: true,
            rsaIdentity: isRelay ? RSAIdentity(hex: String(repeating: "A1", count: 20)) : nil, ed25519Identity: nil,
            isCanonical: true, apparentAddress: .v4(0x7F00_0001), clockSkew: nil)
    }

    private func silence(
        _ padding: inout ChannelPadding, _ settings: ChannelPaddingSettings, betweenRelays: Bool = false,
        seed: UInt64 = 1
    ) -> Duration? {
        var random = SeededRandom(seed: seed)
        return padding.deadline(
            lastTransfer: start, isBetweenRelays: betweenRelays, settings, using: &random
        ).map { $0 - start }
    }

    private func open(_ padding: inout ChannelPadding, _ settings: ChannelPaddingSettings) -> PaddingNegotiateCell? {
        padding.opened(settings)
    }

    private func tell(
        _ padding: inout ChannelPadding, _ cell: PaddingNegotiateCell, _ settings: ChannelPaddingSettings
    ) {
        let isHeard = padding.receive(cell, settings)
        #expect(isHeard)
    }

    @Test func `a channel is padded once it carries circuits of several hops, by default`() throws {
        let settings = ChannelPaddingSettings()
        var padding = ChannelPadding(channel())
        #expect(open(&padding, settings) == nil)
        #expect(silence(&padding, settings) == nil)
        padding.note(.circuits)
        let first = try #require(silence(&padding, settings))
        #expect(first >= .milliseconds(1_500) && first < .milliseconds(9_500))
        // As long as nothing passes, it is the same time; after a transfer another is drawn, from then on.
        #expect(silence(&padding, settings, seed: 2) == first)
        var random = SeededRandom(seed: 3)
        let later = start + .seconds(60)
        let second = padding.deadline(lastTransfer: later, isBetweenRelays: false, settings, using: &random)
        #expect(try #require(second) > later)
        // Not between relays, unless the network wants it.
        var relays = ChannelPadding(channel(isRelay: true))
        relays.note(.traffic)
        #expect(silence(&relays, settings, betweenRelays: true) == nil)
        var padded = settings
        padded.padsRelays = true
        #expect(silence(&relays, padded, betweenRelays: true) != nil)
    }

    @Test func `the network says how often, and whether before circuits are used`() {
        var settings = ChannelPaddingSettings()
        var padding = ChannelPadding(channel())
        padding.note(.circuits)
        settings.padsBeforeUsage = false
        #expect(silence(&padding, settings) == nil)
        padding.note(.traffic)
        padding.note(.circuits)
        settings.silence = 700...700
        #expect(silence(&padding, settings) == .milliseconds(700))
        settings.silence = 0...0
        var off = ChannelPadding(channel())
        off.note(.traffic)
        #expect(silence(&off, settings) == nil)
    }

    @Test func `a relay obeys its client, within the network's bounds; a client obeys nobody`() {
        var relay = ChannelPaddingSettings()
        relay.isRelay = true
        var padding = ChannelPadding(channel())
        padding.note(.traffic)
        var client = padding
        let isHeard = client.receive(PaddingNegotiateCell(.stop), ChannelPaddingSettings())
        #expect(!isHeard)
        #expect(silence(&client, ChannelPaddingSettings()) != nil)
        tell(&padding, .init(.stop), relay)
        #expect(silence(&padding, relay) == nil)
        tell(&padding, .init(.start, lowTimeout: 20_000, highTimeout: 20_000), relay)
        #expect(silence(&padding, relay) == .milliseconds(20_000))
        tell(&padding, .init(.start, lowTimeout: 1, highTimeout: 2), relay)
        #expect(silence(&padding, relay).map { $0 >= .milliseconds(1_500) } == true)
    }

    @Test func `a client tells its guard what it wants`() throws {
        var settings = ChannelPaddingSettings()
        settings.connectionPadding = false
        var none = ChannelPadding(channel())
        none.note(.traffic)
        #expect(open(&none, settings)?.paddingCommand == .stop)
        #expect(silence(&none, settings) == nil)
        // An old peer would not understand.
        var old = ChannelPadding(channel(.v4))
        old.note(.traffic)
        #expect(open(&old, settings) == nil)
        settings.connectionPadding = nil
        #expect(open(&old, settings) == nil && silence(&old, settings) == nil)
        settings.connectionPadding = true
        #expect(open(&old, settings) == nil && silence(&old, settings) != nil)
        settings.isReduced = true
        var reduced = ChannelPadding(channel())
        reduced.note(.traffic)
        #expect(open(&reduced, settings)?.paddingCommand == .stop)
        #expect(try #require(silence(&reduced, settings)) >= .milliseconds(9_000))
    }

    @Test func `idle channels between relays stay for about an hour, others for three to four and a half minutes`() {
        var settings = ChannelPaddingSettings()
        for seed in 0..<50 {
            var random = SeededRandom(seed: UInt64(seed))
            #expect((2_700..<4_500).contains(settings.idleTime(isBetweenRelays: true, using: &random)))
            #expect((180..<270).contains(settings.idleTime(isBetweenRelays: false, using: &random)))
        }
        settings.halvesIdleTime = true
        var random = SeededRandom(seed: 1)
        #expect((90..<135).contains(settings.idleTime(isBetweenRelays: false, using: &random)))
    }
}
