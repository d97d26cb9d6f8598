package import Cells

/// What a stream needs to know before it can go on.
package enum DNSQuestion: Hashable, Sendable {
    /// The addresses of a host name, in lower case.
    case addresses(of: String)
    /// The name of an address.
    case name(of: IPAddress)
}

/// What became of one lookup.
package enum DNSFinding<Value: Hashable & Sendable>: Hashable, Sendable {
    /// There is one, and for how many seconds it may be remembered.
    case found(Value, timeToLive: UInt32)
    /// There is none, or it could not be learnt; transient if it may be different next time.
    case failed(isTransient: Bool, timeToLive: UInt32)

    /// The value, if there is one.
    package var value: Value? {
        guard case .found(let value, _) = self else { return nil }
        return value
    }

    /// For how many seconds it may be remembered.
    package var timeToLive: UInt32 {
        switch self {
        case .found(_, let timeToLive), .failed(_, let timeToLive): timeToLive
        }
    }

    /// Whether it may be different next time.
    package var isTransientFailure: Bool {
        guard case .failed(let isTransient, _) = self else { return false }
        return isTransient
    }
}

/// What is known of one question. Parts that were not asked for have failed for good.
package struct DNSAnswer: Hashable, Sendable {
    /// Its first IPv4 address.
    package var ipv4: DNSFinding<IPAddress>
    /// Its first IPv6 address.
    package var ipv6: DNSFinding<IPAddress>
    /// The name of an address.
    package var name: DNSFinding<String>

    /// An answer; what is left out was not asked for.
    package init(
        ipv4: DNSFinding<IPAddress> = .failed(isTransient: false, timeToLive: 0),
        ipv6: DNSFinding<IPAddress> = .failed(isTransient: false, timeToLive: 0),
        name: DNSFinding<String> = .failed(isTransient: false, timeToLive: 0)
    ) {
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        self.name = name
    }

    /// Nothing could be learnt, this time.
    package static let transientFailure = DNSAnswer(
        ipv4: .failed(isTransient: true, timeToLive: 0), ipv6: .failed(isTransient: true, timeToLive: 0),
        name: .failed(isTransient: true, timeToLive: 0))

    /// For how many seconds the whole may be kept: as long as its shortest part. 0 forbids it.
    var lifetime: UInt32 {
        let parts = [ipv4.timeToLive, ipv6.timeToLive, name.timeToLive].filter { $0 > 0 }
        let isTransient = ipv4.isTransientFailure || ipv6.isTransientFailure || name.isTransientFailure
        return isTransient ? 0 : parts.min() ?? 0
    }
}
