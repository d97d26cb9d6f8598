package import Cells

/// The signatures of one round's consensuses without the consensuses, as authorities exchange them (dir-spec §3.10).
package struct DetachedSignatures: Hashable, Sendable {
    /// When the consensuses begin to count.
    package private(set) var validAfter = WallTime(seconds: 0)
    /// When the next ones should be there.
    package private(set) var freshUntil = WallTime(seconds: 0)
    /// Until when they may be used.
    package private(set) var validUntil = WallTime(seconds: 0)
    private var digests: [String: [Digest]] = [:]
    private var signatures: [String: [DocumentSignature]] = [:]

    /// The digest of a consensus's signed part.
    package struct Digest: Hashable, Sendable {
        /// What it was hashed with.
        package let algorithm: DocumentSignature.Algorithm
        /// The digest.
        package let digest: [UInt8]
    }

    /// The digests of one flavor.
    package func digests(_ flavor: ConsensusFlavor) -> [Digest] {
        digests[flavor.rawValue] ?? []
    }

    /// The signatures of one flavor.
    package func signatures(_ flavor: ConsensusFlavor) -> [DocumentSignature] {
        signatures[flavor.rawValue] ?? []
    }

    /// Reads a document, all of it.
    package init(parsing text: [UInt8]) throws(NetworkStatusError) {
        var scanner = NetworkStatusScanner(text)
        var times: [String: WallTime] = [:]
        var isFirst = true
        while !scanner.atEnd {
            let line = try scanner.line()
            let object = try scanner.object()
            let keyword = scanner.text(line.keyword).description
            let words = scanner.words(line.arguments)
            if isFirst, keyword != "consensus-digest" {
                throw NetworkStatusError(.misplaced("consensus-digest"), at: line.start)
            }
            switch keyword {
            case "consensus-digest":
                try scanner.onlyOnce(isFirst, keyword, line)
                guard let word = words.first else { throw scanner.bad(keyword, line) }
                try addDigest(scanner, line, "ns", .sha1, word)
            case "additional-digest":
                guard words.count >= 3 else { throw scanner.bad(keyword, line) }
                guard let algorithm = Algorithm(rawValue: scanner.text(words[1]).description) else { continue }
                try addDigest(scanner, line, scanner.text(words[0]).description, algorithm, words[2])
            case "valid-after", "fresh-until", "valid-until":
                try scanner.onlyOnce(times[keyword] == nil, keyword, line)
                guard let time = WallTime(text: scanner.text(line.arguments).trimmed.description) else {
                    throw scanner.bad(keyword, line)
                }
                times[keyword] = time
            case "directory-signature":
                guard words.count >= 2 else { throw scanner.bad(keyword, line) }
                try add(scanner, line, "ns", Array(words.prefix(2)), object)
            case "additional-signature":
                guard words.count >= 4 else { throw scanner.bad(keyword, line) }
                try add(scanner, line, scanner.text(words[0]).description, Array(words[1..<4]), object)
            default: break
            }
            isFirst = false
        }
        func time(_ keyword: String) throws(NetworkStatusError) -> WallTime {
            guard let time = times[keyword] else { throw NetworkStatusError(.missing(keyword), at: 0) }
            return time
        }
        validAfter = try time("valid-after")
        freshUntil = try time("fresh-until")
        validUntil = try time("valid-until")
        guard signatures["ns"] != nil else { throw NetworkStatusError(.missing("directory-signature"), at: 0) }
    }

    private typealias Algorithm = DocumentSignature.Algorithm

    private mutating func addDigest(
        _ scanner: NetworkStatusScanner, _ line: NetworkStatusScanner.Line, _ flavor: String, _ algorithm: Algorithm,
        _ word: Range<Int>
    ) throws(NetworkStatusError) {
        guard let digest = DirectoryEncoding.hex(scanner.bytes, in: word, byteCount: algorithm == .sha1 ? 20 : 32)
        else { throw scanner.bad("consensus-digest", line) }
        if digests[flavor]?.contains(where: { $0.algorithm == algorithm }) ?? false { return }
        digests[flavor, default: []].append(Digest(algorithm: algorithm, digest: digest))
    }

    private mutating func add(
        _ scanner: NetworkStatusScanner, _ line: NetworkStatusScanner.Line, _ flavor: String, _ words: [Range<Int>],
        _ object: (name: String, body: [UInt8])?
    ) throws(NetworkStatusError) {
        guard let signature = try DocumentSignature.parse(scanner, words, object: object, at: line.start) else {
            return
        }
        let isKnown = signatures[flavor]?.contains {
            $0.algorithm == signature.algorithm && $0.identity == signature.identity
                && $0.signingKey == signature.signingKey
        }
        if isKnown != true { signatures[flavor, default: []].append(signature) }
    }

    /// The document for consensuses of one round, of which one must be of flavor ns; nil if there is none.
    package static func encode(_ consensuses: [Consensus]) -> [UInt8]? {
        guard let ns = consensuses.first(where: { $0.flavor == .ns }) else { return nil }
        let others = consensuses.filter { $0.flavor != .ns }
        var writer = DocumentWriter()
        writer.line("consensus-digest", DirectoryEncoding.hex(ns.signedSHA1))
        writer.line("valid-after", ns.header.validAfter.description)
        writer.line("fresh-until", ns.header.freshUntil.description)
        writer.line("valid-until", ns.header.validUntil.description)
        for other in others {
            writer.line("additional-digest", other.flavor.rawValue, "sha256", DirectoryEncoding.hex(other.signedSHA256))
        }
        var signatures: [UInt8] = []
        for other in others {
            for signature in other.inOrder(other.signatures) {
                signature.encode(
                    "additional-signature \(other.flavor.rawValue)", showsAlgorithm: true, into: &signatures)
            }
        }
        for signature in ns.inOrder(ns.signatures) {
            signature.encode("directory-signature", showsAlgorithm: false, into: &signatures)
        }
        writer.raw(signatures)
        return writer.bytes
    }
}
