package import Cells
package import Circuits
package import Configuration
internal import Directory

/// Where directory documents come from: authorities to begin with and for caches, then caches.
///
/// Only the choice: values in, a value out. A client's directory guards come before it (`DirectoryGuards`).
package struct DirectorySources: Sendable {
    /// A directory that can be asked.
    package enum Source: Hashable, Sendable {
        /// Over a one-hop circuit.
        case relay(HopTarget)
        /// Over TCP, for an authority of which no ORPort is known.
        case dirPort(SocketEndpoint, RSAIdentity)

        /// Who it is.
        package var identity: RSAIdentity {
            switch self {
            case .relay(let target): target.rsaIdentity
            case .dirPort(_, let identity): identity
            }
        }
    }

    private let authorities: [DirectoryAuthority]
    private let ownIdentity: RSAIdentity?
    /// Until when directories are let alone that failed or were busy.
    private var resting: [RSAIdentity: ContinuousClock.Instant] = [:]

    /// The authorities that are configured, without ourselves.
    package init(authorities: [DirectoryAuthority], ownIdentity: RSAIdentity?) {
        self.authorities = authorities.filter { $0.identity != ownIdentity }
        self.ownIdentity = ownIdentity
    }

    /// Lets a directory alone for a while.
    package mutating func rest(_ identity: RSAIdentity, until moment: ContinuousClock.Instant) {
        resting[identity] = moment
    }

    /// An authority, by weight; one that rests only if all do.
    package func authority(
        excluding excluded: Set<RSAIdentity> = [], now: ContinuousClock.Instant,
        using random: inout some RandomNumberGenerator
    ) -> Source? {
        let candidates = authorities.filter { !excluded.contains($0.identity) && $0.weight > 0 }
        let awake = candidates.filter { (resting[$0.identity] ?? now) <= now }
        let chosen = Self.choose(awake.isEmpty ? candidates : awake, using: &random) { $0.weight }
        return chosen.map { Self.source($0) }
    }

    /// A cache of the consensus, by bandwidth; nil if there is none.
    package func cache(
        in snapshot: DirectorySnapshot, excluding excluded: Set<RSAIdentity> = [], now: ContinuousClock.Instant,
        using random: inout some RandomNumberGenerator
    ) -> Source? {
        let candidates = (snapshot.consensus(.microdesc)?.routers ?? []).filter { router in
            router.flags.isSuperset(of: [.running, .valid, .v2Dir]) && router.identity != ownIdentity
                && !excluded.contains(router.identity) && (resting[router.identity] ?? now) <= now
        }
        let chosen = Self.choose(candidates, using: &random) { Double(max(1, $0.bandwidth ?? 1)) }
        return chosen.map { .relay(snapshot.hop($0)) }
    }

    /// An authority as somebody to ask.
    package static func source(_ authority: DirectoryAuthority) -> Source {
        guard let hop = authority.hop else {
            let endpoint =
                authority.downloads.first ?? SocketEndpoint(address: authority.address, port: authority.dirPort)
            return .dirPort(endpoint, authority.identity)
        }
        return .relay(hop)
    }

    private static func choose<Candidate>(
        _ candidates: [Candidate], using random: inout some RandomNumberGenerator, by weight: (Candidate) -> Double
    ) -> Candidate? {
        let total = candidates.reduce(0) { $0 + weight($1) }
        guard total > 0 else { return candidates.first }
        var rest = Double.random(in: 0..<total, using: &random)
        for candidate in candidates {
            rest -= weight(candidate)
            if rest < 0 { return candidate }
        }
        return candidates.last
    }
}

extension DirectoryAuthority {
    /// It as the only hop of a directory circuit; nil if its line names no ORPort.
    package var hop: HopTarget? {
        guard let orPort else { return nil }
        return HopTarget(
            rsaIdentity: identity, ed25519Identity: nil,
            endpoints: [SocketEndpoint(address: address, port: orPort)] + (ipv6.map { [$0] } ?? []), onionKey: nil,
            nickname: nickname ?? "")
    }
}

/// A client's guards, as a directory client uses them. Called on its loop.
package protocol DirectoryGuards: AnyObject {
    /// A guard to ask, and a ticket by which to say how it went; nil lets the built-in choice decide.
    func chooseDirectoryGuard(excluding: Set<RSAIdentity>) -> (target: HopTarget, ticket: UInt64)?
    /// The guard answered, whatever it said.
    func directoryGuardAnswered(_ ticket: UInt64)
    /// The guard could not be reached.
    func directoryGuardFailed(_ ticket: UInt64)
}
