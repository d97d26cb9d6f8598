internal import Cells

extension ResolvedMessage {
    /// RESOLVED for an answer: its addresses, IPv4 first, or its name, or what kind of failure it was.
    init(_ answer: DNSAnswer, isReverse: Bool, allowsIPv6: Bool) {
        let life = RelaySpec.resolvedTimeToLive
        var answers: [Answer] = []
        if isReverse {
            if let name = answer.name.value { answers.append(Answer(.hostName(name), timeToLive: life)) }
        } else {
            if let address = answer.ipv4.value { answers.append(Answer(.address(address), timeToLive: life)) }
            if allowsIPv6, let address = answer.ipv6.value {
                answers.append(Answer(.address(address), timeToLive: life))
            }
        }
        let isTransient = isReverse ? answer.name.isTransientFailure : answer.ipv4.isTransientFailure
        self.init(answers: answers)
        if answers.isEmpty { self = Self.failure(isTransient: isTransient) }
    }

    /// RESOLVED for a failure.
    static func failure(isTransient: Bool) -> ResolvedMessage {
        ResolvedMessage(answers: [
            Answer(isTransient ? .transientError : .permanentError, timeToLive: RelaySpec.resolvedTimeToLive)
        ])
    }
}
