/// What a kind of document must and may contain (dir-spec §1.2): a rule per keyword. Keywords without a rule are ignored.
struct DocumentGrammar: Sendable {
    private let rules: [String: Rule]

    /// How often, with what, and where a keyword may stand.
    struct Rule: Sendable {
        /// How often a keyword stands.
        enum Count: Sendable {
            case exactlyOnce, atMostOnce, atLeastOnce, anyNumber
        }

        /// Whether there is an object below the line, and of which name.
        enum Object: Sendable {
            case none
            case required(String)
            case optional(String)
            case anyName
        }

        /// Where in the document a keyword stands.
        enum Position: Sendable {
            case anywhere, first, second, secondToLast, last
        }

        let keyword: String
        let count: Count
        let arguments: ClosedRange<Int>
        let object: Object
        let position: Position

        /// A rule; `arguments` is counted in words.
        init(
            _ keyword: String, _ count: Count, arguments: ClosedRange<Int> = 0...Int.max, object: Object = .none,
            at position: Position = .anywhere
        ) {
            self.keyword = keyword
            self.count = count
            self.arguments = arguments
            self.object = object
            self.position = position
        }
    }

    /// Takes rules, one per keyword.
    init(_ rules: [Rule]) {
        self.rules = Dictionary(rules.map { ($0.keyword, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Throws unless the document keeps all rules.
    func check(_ document: DirectoryDocument) throws(DirectoryError) {
        var counts: [String: Int] = [:]
        for (index, item) in document.items.enumerated() {
            guard let rule = rules[item.keyword] else { continue }
            let count = counts[item.keyword, default: 0] + 1
            counts[item.keyword] = count
            if count > 1, rule.count == .exactlyOnce || rule.count == .atMostOnce { throw item.error(.repeated) }
            guard rule.arguments.contains(DirectoryDocument.words(document.bytes[item.rest]).count) else {
                throw item.error(.argumentCount)
            }
            switch (rule.object, item.object?.name) {
            case (.none, nil), (.optional, nil), (.anyName, _?): break
            case (.none, _): throw item.error(.unexpectedObject)
            case (.required, nil), (.anyName, nil): throw item.error(.missingObject)
            case (.required(let name), let found), (.optional(let name), let found):
                guard name == found else { throw item.error(.malformedObject) }
            }
            let place: Int? =
                switch rule.position {
                case .anywhere: nil
                case .first: 0
                case .second: 1
                case .secondToLast: document.items.count - 2
                case .last: document.items.count - 1
                }
            if let place, place != index { throw item.error(.misplaced) }
        }
        // The first keyword in the alphabet, so that the error is always the same one.
        let missing = rules.values.filter {
            ($0.count == .exactlyOnce || $0.count == .atLeastOnce) && counts[$0.keyword] == nil
        }.map(\.keyword).min()
        if let missing { throw DirectoryError(.missing, missing) }
    }
}
