/// The `state` file: lines of a word and a value, of which each part of a node owns some. C Tor's format.
package enum StateLines {
    /// The words of the client's lines.
    package static let clientWords: Set<String> = [
        "Guard", "TotalBuildTimes", "CircuitBuildAbandonedCount", "CircuitBuildTimeBin",
    ]

    /// A file's text with the lines of some words replaced by others; what belongs to nobody here stays.
    package static func merging(_ lines: [String], of words: Set<String>, into text: String) -> String {
        let kept = text.split(separator: "\n", omittingEmptySubsequences: true).filter { line in
            !words.contains(String(line.prefix { $0 != " " }))
        }
        return (kept.map(String.init) + lines).map { $0 + "\n" }.joined()
    }

    /// The lines of a file, without comments.
    package static func lines(of text: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }
}
