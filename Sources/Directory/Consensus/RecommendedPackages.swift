/// The `package` lines of consensus methods before 34: software that authorities recommended, with digests.
enum RecommendedPackages {
    /// Of each package and version, the line that more than half of at least three voters have; sorted.
    static func consensus(of votes: [[ByteText]]) -> [ByteText] {
        var series: [ByteText: [Int: ByteText]] = [:]
        for (voter, lines) in votes.enumerated() {
            for line in lines where isValid(line) {
                let words = line.bytes.split(separator: 0x20, omittingEmptySubsequences: false)
                // Of one voter's lines for one package the last counts.
                series[ByteText(words[0] + [0x20] + words[1]), default: [:]][voter] = line
            }
        }
        return series.values.compactMap { lines -> ByteText? in
            let all = Array(lines.values)
            guard all.count >= 3, let best = all.mostFrequent(), all.count(where: { $0 == best }) > all.count / 2 else {
                return nil
            }
            return best
        }.sorted()
    }

    /// NAME VERSION URL and at least one TYPE=DIGEST, with single spaces.
    private static func isValid(_ line: ByteText) -> Bool {
        let words = line.bytes.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count >= 4, words.allSatisfy({ !$0.isEmpty }) else { return false }
        return words[3...].allSatisfy { word in
            let parts = word.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
            return parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
        }
    }
}
