internal import Cells
internal import Directory

/// A guard's line in the state file, as C Tor writes it: `in=default rsa_id=… sampled_on=2026-01-02T03:04:05 …`.
extension SampledGuard {
    /// Reads the words behind `Guard`; nil without the sample's name or an identity, as in C Tor.
    ///
    /// What is broken otherwise is left out; a missing place puts the guard at the end.
    static func read(_ text: String, now: WallTime) -> (sample: String, guard: SampledGuard)? {
        var fields: [String: String] = [:]
        var others: [String] = []
        for word in text.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if parts.count == 2, known.contains(name), fields[name] == nil {
                fields[name] = String(parts[1])
            } else {
                others.append(String(word))
            }
        }
        guard let sample = fields["in"], let identity = fields["rsa_id"].flatMap({ RSAIdentity(hex: $0) }) else {
            return nil
        }
        func time(_ name: String) -> WallTime? {
            guard let text = fields[name], let time = WallTime(text: text.replacing("T", with: " ")), time.seconds > 0
            else { return nil }
            return time
        }
        func index(_ name: String) -> Int? {
            fields[name].flatMap { Int32($0) }.flatMap { $0 >= 0 ? Int($0) : nil }
        }
        let confirmedIndex = index("confirmed_idx")
        let state = SampledGuard(
            identity: identity, nickname: fields["nickname"] ?? "", sampledOn: time("sampled_on") ?? now,
            sampledIndex: index("sampled_idx") ?? confirmedIndex ?? Int(Int32.max), sampledBy: fields["sampled_by"],
            isListed: (fields["listed"] ?? "0") != "0", unlistedSince: time("unlisted_since"),
            confirmedOn: time("confirmed_on") ?? confirmedIndex.map { _ in now }, confirmedIndex: confirmedIndex,
            otherFields: others)
        return (sample, state)
    }

    /// The words behind `Guard`.
    func text(sample: String) -> String {
        func time(_ time: WallTime) -> String { time.description.replacing(" ", with: "T") }
        var words = ["in=\(sample)", "rsa_id=\(identity.hex)"]
        if Nickname.isValid(nickname) { words.append("nickname=\(nickname)") }
        words.append("sampled_on=\(time(sampledOn))")
        words.append("sampled_idx=\(sampledIndex)")
        if let sampledBy { words.append("sampled_by=\(sampledBy)") }
        if let unlistedSince { words.append("unlisted_since=\(time(unlistedSince))") }
        words.append("listed=\(isListed ? 1 : 0)")
        if let confirmedIndex, let confirmedOn {
            words.append("confirmed_on=\(time(confirmedOn))")
            words.append("confirmed_idx=\(confirmedIndex)")
        }
        return (words + otherFields).joined(separator: " ")
    }

    private static let known: Set<String> = [
        "in", "rsa_id", "nickname", "sampled_on", "sampled_idx", "sampled_by", "unlisted_since", "listed",
        "confirmed_on", "confirmed_idx",
    ]
}
