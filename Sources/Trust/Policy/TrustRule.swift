/// Which signatures and logs are enough, in the words of `PluginPolicy`:
///
///     rule = part | part "and" part ... | part "or" part ...
///     part = NAME | N "of" "(" rule "," rule ... ")" | "(" rule ")"
///
/// `and` and `or` in one breath need parentheses, since people differ on which binds closer.
package struct TrustRule: Hashable, Sendable, CustomStringConvertible {
    /// What must hold: a key has signed, or a log holds it. Empty if `parts` says it.
    private let name: String
    /// At least so many of `parts`.
    private let count: Int
    private let parts: [TrustRule]

    private init(name: String) {
        self.name = name
        count = 0
        parts = []
    }

    private init(atLeast count: Int, of parts: [TrustRule]) {
        name = ""
        self.count = count
        self.parts = parts
    }

    /// Reads a rule; its names are checked by whoever knows them (`names`).
    package init(_ text: some StringProtocol) throws(TrustError) {
        var parser = Parser(words: Parser.words(of: text)[...])
        self = try parser.rule(depth: 0)
        if let word = parser.words.first { throw .rule("\"\(word)\" stands where the rule should be over") }
        guard names.count <= TrustLimits.ruleNames else { throw .rule("more than \(TrustLimits.ruleNames) names") }
    }

    /// Every name in it, in order, as often as it stands there.
    package var names: [String] {
        parts.isEmpty ? [name] : parts.flatMap(\.names)
    }

    /// Whether it holds, if those names do for which `holds` says so.
    package func isSatisfied(_ holds: (String) -> Bool) -> Bool {
        parts.isEmpty ? holds(name) : parts.count { $0.isSatisfied(holds) } >= count
    }

    package var description: String {
        parts.isEmpty ? name : "\(count) of (\(parts.map(\.description).joined(separator: ", ")))"
    }

    /// Letters, digits, hyphen, underscore and dot; no word of the language.
    package static func isName(_ text: some StringProtocol) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "-_.".utf8.contains(byte)
            }
        }
        return isPlain && (1...64).contains(text.utf8.count) && text.first != "." && Int(text) == nil
            && !["and", "or", "of", "refuse", "installed"].contains(text.lowercased())
    }

    private struct Parser {
        var words: ArraySlice<String>

        static func words(of text: some StringProtocol) -> [String] {
            var words: [String] = []
            var word = ""
            for character in text {
                let isMark = "(),".contains(character)
                guard isMark || character.isWhitespace else {
                    word.append(character)
                    continue
                }
                if !word.isEmpty { words.append(word) }
                word = ""
                if isMark { words.append(String(character)) }
            }
            if !word.isEmpty { words.append(word) }
            return words
        }

        mutating func rule(depth: Int) throws(TrustError) -> TrustRule {
            guard depth < TrustLimits.ruleDepth else { throw .rule("nested deeper than \(TrustLimits.ruleDepth)") }
            var parts = [try part(depth: depth)]
            var joint: String?
            while let word = words.first?.lowercased(), word == "and" || word == "or" {
                words.removeFirst()
                guard joint == nil || joint == word else {
                    throw .rule("\"and\" and \"or\" together need parentheses")
                }
                joint = word
                parts.append(try part(depth: depth))
            }
            guard let joint else { return parts[0] }
            try Self.check(parts)
            return TrustRule(atLeast: joint == "and" ? parts.count : 1, of: parts)
        }

        private mutating func part(depth: Int) throws(TrustError) -> TrustRule {
            guard let word = words.popFirst() else { throw .rule("a name is missing at the end") }
            if word == "(" {
                let inner = try rule(depth: depth + 1)
                try expect(")")
                return inner
            }
            guard let count = Int(word) else {
                guard TrustRule.isName(word) else { throw .rule("\"\(word)\" stands where a name should be") }
                return TrustRule(name: word)
            }
            guard words.popFirst()?.lowercased() == "of" else { throw .rule("\"of\" is missing after \(count)") }
            try expect("(")
            var rules = [try rule(depth: depth + 1)]
            while words.first == "," {
                words.removeFirst()
                rules.append(try rule(depth: depth + 1))
            }
            try expect(")")
            guard (1...rules.count).contains(count) else {
                throw .rule("\(count) of \(rules.count) can never be, or is no condition")
            }
            try Self.check(rules)
            return TrustRule(atLeast: count, of: rules)
        }

        /// What stands there twice would count twice.
        private static func check(_ rules: [TrustRule]) throws(TrustError) {
            guard Set(rules).count == rules.count else { throw .rule("the same thing twice in one list") }
        }

        private mutating func expect(_ mark: String) throws(TrustError) {
            guard let word = words.popFirst() else { throw .rule("\"\(mark)\" is missing at the end") }
            guard word == mark else { throw .rule("\"\(mark)\" is missing before \"\(word)\"") }
        }
    }
}
