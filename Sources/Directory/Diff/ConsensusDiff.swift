internal import Cells
internal import OnionCrypto

/// The difference between two consensuses, in the small part of ed's language that dir-spec §4.5 allows.
///
///     network-status-diff-version 1
///     hash SHA3-256-OF-THE-OLD-AS-SIGNED SHA3-256-OF-THE-NEW
///     43,$d
///     17c
///     the line that replaces it
///     .
///
/// Commands come from the last line to the first, so that line numbers are those of the old document. That the new document
/// is what the authorities signed is checked later, with the signatures that it ends with.
package enum ConsensusDiff {
    /// Why a difference was not taken.
    package enum Failure: Error, Hashable, Sendable {
        /// It is not one, or of a version that we do not know.
        case malformed
        /// It starts from another consensus.
        case otherBase
        /// What comes out is not what it promises.
        case otherResult
        /// Too much would come out.
        case tooLong
    }

    private static let firstLine = "network-status-diff-version 1"

    /// Whether a document is a difference, rather than a consensus.
    package static func isDiff(_ document: [UInt8]) -> Bool {
        document.starts(with: "network-status-diff-version".utf8)
    }

    /// The first two lines.
    static func head(from base: [UInt8], to result: [UInt8]) -> String {
        "\(firstLine)\nhash \(Base16.encode(base, uppercase: true)) \(Base16.encode(result, uppercase: true))\n"
    }

    /// Makes the new consensus from the old one.
    ///
    /// - Parameters:
    ///   - diff: the difference.
    ///   - base: the old consensus's text.
    ///   - baseDigest: SHA3-256 of its signed part.
    ///   - limit: how long the new one may be, in bytes.
    package static func apply(
        _ diff: [UInt8], to base: [UInt8], baseDigest: [UInt8], limit: Int
    ) throws(Failure) -> [UInt8] {
        guard let script = DocumentLines(diff), let old = DocumentLines(base), script.count >= 2,
            script[0].elementsEqual(firstLine.utf8)
        else { throw .malformed }
        let words = script[1].split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 3, words[0].elementsEqual("hash".utf8),
            let from = Base16.decode(String(decoding: words[1], as: UTF8.self)),
            let to = Base16.decode(String(decoding: words[2], as: UTF8.self)), from.count == 32, to.count == 32
        else { throw .malformed }
        guard from == baseDigest else { throw .otherBase }
        let result = try run(script, from: 2, on: old, limit: limit)
        guard SHA3_256.hash(result) == to else { throw .otherResult }
        return result
    }

    /// Runs commands from a line of the script on.
    static func run(
        _ script: DocumentLines, from first: Int, on old: DocumentLines, limit: Int
    ) throws(Failure) -> [UInt8] {
        // Pieces from the end to the beginning.
        var pieces: [ArraySlice<UInt8>] = []
        var left = old.count
        var index = first
        func keep(_ lines: Range<Int>) {
            guard let low = lines.first, let high = lines.last else { return }
            pieces.append(old.text[old.ranges[low].lowerBound...old.ranges[high].upperBound])
        }
        while index < script.count {
            let command = try EdCommand(script[index], lastLine: old.count)
            index += 1
            guard command.end <= left else { throw .malformed }
            keep(command.end..<left)
            left = command.kind == .append ? command.end : command.start - 1
            guard command.kind != .delete else { continue }
            let added = index
            while index < script.count, !script[index].elementsEqual(".".utf8) { index += 1 }
            guard index < script.count, index > added else { throw .malformed }
            pieces.append(script.text[script.ranges[added].lowerBound...script.ranges[index - 1].upperBound])
            index += 1
        }
        keep(0..<left)
        guard pieces.reduce(0, { $0 + $1.count }) <= limit else { throw .tooLong }
        return Array(pieces.reversed().joined())
    }
}

/// One command of a difference.
struct EdCommand {
    /// What to do.
    enum Kind: UInt8 {
        case append = 0x61
        case change = 0x63
        case delete = 0x64
    }

    /// What to do.
    let kind: Kind
    /// The first line it is about, from 1; 0 to append before all lines.
    let start: Int
    /// The last one.
    let end: Int

    /// Reads `12a`, `12c`, `12,15c`, `12d`, `12,15d` or `12,$d`.
    init(_ line: ArraySlice<UInt8>, lastLine: Int) throws(ConsensusDiff.Failure) {
        var rest = line
        guard let start = Self.number(&rest) else { throw .malformed }
        var end = start
        var isOpen = false
        let isRange = rest.first == UInt8(ascii: ",")
        if isRange {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "$") {
                rest.removeFirst()
                isOpen = true
                end = lastLine
            } else if let number = Self.number(&rest) {
                end = number
            } else {
                throw .malformed
            }
            guard end > start else { throw .malformed }
        }
        guard rest.count == 1, let kind = rest.first.flatMap({ Kind(rawValue: $0) }), !isOpen || kind == .delete,
            kind != .append || !isRange, kind == .append || start > 0
        else { throw .malformed }
        self.kind = kind
        self.start = start
        self.end = end
    }

    private static func number(_ text: inout ArraySlice<UInt8>) -> Int? {
        let digits = text.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard !digits.isEmpty, digits.count < 11, let number = Int(String(decoding: digits, as: UTF8.self)),
            number <= Int(Int32.max)
        else { return nil }
        text = text.dropFirst(digits.count)
        return number
    }
}
