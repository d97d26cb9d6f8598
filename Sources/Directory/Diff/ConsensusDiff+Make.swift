internal import Cells
internal import OnionCrypto

/// How differences are made: byte for byte as C Tor makes them.
extension ConsensusDiff {
    /// A stretch with more lines than this is not compared: it would take too long. C Tor's MAX_LINE_COUNT.
    private static let longestStretch = 10_000

    /// The difference between two consensuses of a flavor; nil if there is none to be made, as when routers are out of order.
    ///
    /// - Parameters:
    ///   - base: the old one's text.
    ///   - baseDigest: SHA3-256 of its signed part.
    ///   - target: the new one's text.
    package static func make(from base: [UInt8], baseDigest: [UInt8], to target: [UInt8]) -> [UInt8]? {
        guard let old = DocumentLines(base), let new = DocumentLines(target) else { return nil }
        // Signatures are not signed, so the old ones may be others at the client: they go first, whatever they are.
        let signatures = old.firstIndex(startingWith: "directory-signature ")
        let oldCount = signatures ?? old.count
        guard let changes = changes(old, oldCount, new) else { return nil }
        var script = Array(head(from: baseDigest, to: SHA3_256.hash(target)).utf8)
        let headLength = script.count
        if let signatures { script += "\(signatures + 1),$d\n".utf8 }
        guard write(changes, oldCount, new, into: &script) else { return nil }
        guard let commands = DocumentLines(Array(script[headLength...])),
            (try? run(commands, from: 0, on: old, limit: target.count)) == target
        else { return nil }
        return script
    }

    /// Compares router by router: both documents list them by identity.
    private static func changes(_ old: DocumentLines, _ oldCount: Int, _ new: DocumentLines) -> LineChanges? {
        var numbers = LineNumbers()
        var changes = LineChanges(
            old: numbers.number(old, first: oldCount), new: numbers.number(new, first: new.count))
        var olds = RouterWalk(old, count: oldCount)
        var news = RouterWalk(new, count: new.count)
        var (oldStart, newStart) = (0, 0)
        while !olds.isAtEnd || !news.isAtEnd {
            guard olds.isAtEnd || olds.advance(), news.isAtEnd || news.advance() else { return nil }
            if !olds.isAtEnd || !news.isAtEnd {
                // On to the next router that both have.
                while olds.identity != news.identity {
                    if !olds.isAtEnd, olds.precedes(news) {
                        guard olds.advance() else { return nil }
                        if olds.isAtEnd { news.skip() }
                    } else if !news.isAtEnd, news.precedes(olds) {
                        guard news.advance() else { return nil }
                        if news.isAtEnd { olds.skip() }
                    } else {
                        olds.skip()
                        news.skip()
                    }
                    if olds.isAtEnd, news.isAtEnd { break }
                }
            }
            guard olds.line - oldStart <= longestStretch, news.line - newStart <= longestStretch else { return nil }
            changes.compare(oldStart..<olds.line, newStart..<news.line)
            (oldStart, newStart) = (olds.line, news.line)
        }
        return changes
    }

    /// Writes a command for each stretch of changes, from the end.
    private static func write(
        _ changes: LineChanges, _ oldCount: Int, _ new: DocumentLines, into script: inout [UInt8]
    ) -> Bool {
        var (old, line) = (oldCount - 1, new.count - 1)
        while old >= 0 || line >= 0 {
            let (oldEnd, lineEnd) = (old, line)
            while old >= 0, changes.isGone[old] { old -= 1 }
            while line >= 0, changes.isNew[line] { line -= 1 }
            let (deleted, added) = (oldEnd - old, lineEnd - line)
            guard deleted > 0 || added > 0 else {
                if old >= 0 { old -= 1 }
                if line >= 0 { line -= 1 }
                continue
            }
            let first = old + 2
            let address = deleted > 1 ? "\(first),\(old + 1 + deleted)" : "\(first)"
            if added == 0 {
                script += "\(address)d\n".utf8
                continue
            }
            script += (deleted == 0 ? "\(old + 1)a\n" : "\(address)c\n").utf8
            for index in (line + 1)...lineEnd {
                // It would end the lines to be added.
                guard !new[index].elementsEqual(".".utf8) else { return false }
                script += new[index]
                script.append(UInt8(ascii: "\n"))
            }
            script += ".\n".utf8
        }
        return true
    }
}

/// A walk from router to router through a consensus.
private struct RouterWalk {
    private let lines: DocumentLines
    private let count: Int
    /// The line it has come to; -1 at the beginning, `count` at the end.
    private(set) var line = -1
    /// The identity of the last router, as six-bit digits; empty before the first.
    private(set) var identity: [UInt8] = []

    init(_ lines: DocumentLines, count: Int) {
        self.lines = lines
        self.count = count
    }

    var isAtEnd: Bool { line >= count }

    /// Goes to the end.
    mutating func skip() { line = count }

    func precedes(_ other: RouterWalk) -> Bool { identity.lexicographicallyPrecedes(other.identity) }

    /// Goes to the next router, or to the end; false if that router is out of order.
    mutating func advance() -> Bool {
        line += 1
        while line < count {
            if let found = Self.identity(lines[line]) {
                guard identity.lexicographicallyPrecedes(found) else { return false }
                identity = found
                return true
            }
            line += 1
        }
        return true
    }

    /// The identity in a router's first line: what stands behind the nickname, as far as it is base64.
    private static func identity(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        guard line.starts(with: "r ".utf8), let space = line.dropFirst(2).firstIndex(of: UInt8(ascii: " ")) else {
            return nil
        }
        var digits: [UInt8] = []
        for byte in line[(space + 1)...] {
            guard let digit = digit(byte) else { break }
            digits.append(digit)
        }
        return digits.isEmpty ? nil : digits
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x61 + 26
        case 0x30...0x39: byte - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
