internal import Cells
internal import Paths

/// What is remembered of host names: how often they could not be reached, and what look-ups found.
///
/// An exit can answer what it likes, so an answer is used again only for the same isolation, and only for look-ups: never to
/// open a stream by it at another exit.
package struct AddressMap: Sendable {
    private struct Key: Hashable {
        var target: StreamDemand.Target
        var isolation: IsolationKey
    }
    private struct Answer {
        var resolution: Resolution
        var expires: ContinuousClock.Instant
    }

    private var failures: [String: Int] = [:]
    private var answers: [Key: Answer] = [:]

    /// tor-spec §6.4 and C Tor: answers are kept at least a minute, at most half an hour.
    private static let lifetimes: ClosedRange<UInt32> = 60...1800
    /// More answers than this are not kept: enough for a browser, little enough for a program that asks for everything.
    private static let capacity = 1024
    /// Likewise.
    private static let failureCapacity = 4096

    /// Nothing remembered.
    package init() {}

    /// A host could not be reached through one more exit; says through how many now.
    mutating func noteFailure(_ host: String) -> Int {
        if failures.count >= Self.failureCapacity { failures = [:] }
        failures[host, default: 0] += 1
        return failures[host] ?? 1
    }

    /// The host gets as many tries again.
    mutating func clearFailures(_ host: String) {
        failures[host] = nil
    }

    /// Keeps an answer.
    mutating func note(_ resolution: Resolution, for demand: StreamDemand, now: ContinuousClock.Instant) {
        let seconds: UInt32
        switch resolution {
        case .address(_, let timeToLive), .name(_, let timeToLive): seconds = timeToLive
        case .nothing: return
        }
        if answers.count >= Self.capacity {
            answers = answers.filter { $0.value.expires > now }
            if answers.count >= Self.capacity { answers = [:] }
        }
        let lifetime = min(max(seconds, Self.lifetimes.lowerBound), Self.lifetimes.upperBound)
        answers[Self.key(demand)] = Answer(resolution: resolution, expires: now + .seconds(Int64(lifetime)))
    }

    /// An answer kept for the same question by the same asker.
    func answer(for demand: StreamDemand, now: ContinuousClock.Instant) -> Resolution? {
        guard demand.isResolve, let answer = answers[Self.key(demand)], answer.expires > now else { return nil }
        return answer.resolution
    }

    /// Forgets everything (NEWNYM).
    mutating func clear() {
        self = AddressMap()
    }

    private static func key(_ demand: StreamDemand) -> Key {
        Key(target: demand.target, isolation: demand.isolation)
    }
}
