import Cells
import Directory
import OnionCrypto
import Paths

/// Networks of relays for tests.
enum TestNetwork {
    static let start = WallTime(seconds: 1_767_225_600)

    static func identity(_ number: Int) -> RSAIdentity {
        RSAIdentity([UInt8](repeating: 0, count: 18) + [UInt8(number >> 8), UInt8(number & 255)])!
    }

    /// A relay alone in its /16, by default fit for the middle only.
    static func relay(
        _ number: Int, _ flags: RelayFlags = [], bandwidth: UInt32 = 1000, policy: PortPolicy = .rejectAll,
        address: String? = nil, family: [Int] = [], hasKey: Bool = true
    ) -> RelayFacts {
        RelayFacts(
            rsaIdentity: identity(number), nickname: "relay\(number)",
            endpoints: [
                SocketEndpoint(
                    address: address.map { IPAddress($0)! } ?? .v4(UInt32(number + 20 * 256) << 16 | 1), port: 9001)
            ],
            flags: flags.union([.running, .valid, .fast, .stable, .v2Dir]), protocols: "Relay=1-4",
            bandwidth: bandwidth, onionKey: hasKey ? X25519.PublicKey([UInt8](repeating: 7, count: 32)) : nil,
            family: RelayFamily(family.map { .identity(identity($0)) }), ipv4Policy: policy)
    }

    /// `guards` guards, as many middles, and as many exits.
    static func view(
        guards: Int, middles: Int = 5, exits: Int = 5, at time: WallTime = start,
        parameters: ConsensusParameters = ConsensusParameters()
    ) -> NetworkView {
        view(
            (0..<guards).map { relay($0, .guard) } + (0..<middles).map { relay(1000 + $0) }
                + (0..<exits).map { relay(2000 + $0, .exit, policy: .acceptAll) },
            at: time, parameters: parameters)
    }

    static func view(
        _ relays: [RelayFacts], at time: WallTime = start, weights: BandwidthWeights? = nil,
        parameters: ConsensusParameters = ConsensusParameters()
    ) -> NetworkView {
        NetworkView(
            relays: relays, parameters: parameters, bandwidthWeights: weights, validAfter: time,
            validUntil: time + 10_800)
    }

    static func set(_ numbers: Int...) -> RelaySet {
        let identities = Set(numbers.map { identity($0) })
        return RelaySet { identities.contains($0.rsaIdentity) }
    }
}
