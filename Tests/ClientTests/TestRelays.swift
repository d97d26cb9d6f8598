import Cells
import Directory
import OnionCrypto
import Paths

/// Relays and networks for the client's tests.
enum TestRelays {
    static let start = WallTime(seconds: 1_767_225_600)

    static func identity(_ number: Int) -> RSAIdentity {
        RSAIdentity([UInt8](repeating: 0, count: 18) + [UInt8(number >> 8), UInt8(number & 255)])!
    }

    static func relay(_ number: Int, _ flags: RelayFlags = [], policy: PortPolicy = .rejectAll) -> RelayFacts {
        RelayFacts(
            rsaIdentity: identity(number), nickname: "relay\(number)",
            endpoints: [SocketEndpoint(address: .v4(UInt32(number + 20 * 256) << 16 | 1), port: 9001)],
            flags: flags.union([.running, .valid, .fast, .stable, .v2Dir]), protocols: "Relay=1-4", bandwidth: 1000,
            onionKey: X25519.PublicKey([UInt8](repeating: 7, count: 32)), ipv4Policy: policy)
    }

    /// `guards` guards from 0, `middles` from 1000, `exits` that let everything out from 2000.
    static func view(guards: Int = 30, middles: Int = 5, exits: Int = 5, extra: [RelayFacts] = []) -> NetworkView {
        view(
            (0..<guards).map { relay($0, .guard) } + (0..<middles).map { relay(1000 + $0) }
                + (0..<exits).map { relay(2000 + $0, .exit, policy: .acceptAll) } + extra)
    }

    static func view(_ relays: [RelayFacts], validAfter: WallTime = start) -> NetworkView {
        NetworkView(relays: relays, validAfter: validAfter, validUntil: validAfter + 10_800)
    }
}
