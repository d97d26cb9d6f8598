internal import Cells

/// Reads a consensus from its first byte to its last.
struct ConsensusReader {
    private(set) var flavor = ConsensusFlavor.ns
    private(set) var method = 1
    private(set) var header = NetworkStatusHeader()
    private(set) var sources: [AuthoritySource] = []
    private(set) var routers: [RouterStatus] = []
    private(set) var bandwidthWeights: BandwidthWeights?
    private(set) var signatures: [DocumentSignature] = []
    private(set) var signedLength = 0

    private var scanner: NetworkStatusScanner
    private var hasMethod = false
    private var hasStatus = false

    init(_ text: [UInt8]) throws(NetworkStatusError) {
        scanner = NetworkStatusScanner(text)
        try readVersion()
        while !scanner.isAtBody { try readHeaderLine() }
        guard hasStatus else { throw NetworkStatusError(.missing("vote-status"), at: 0) }
        guard !sources.isEmpty else { throw NetworkStatusError(.missing("dir-source"), at: 0) }
        try header.check()
        try readRouters()
        try readFooter()
    }

    private mutating func readVersion() throws(NetworkStatusError) {
        let line = try scanner.line()
        guard scanner.matches(line.keyword, "network-status-version") else {
            throw NetworkStatusError(.misplaced("network-status-version"), at: line.start)
        }
        let words = scanner.words(line.arguments)
        guard let version = words.first, scanner.matches(version, "3") else {
            throw scanner.bad("network-status-version", line)
        }
        guard words.count > 1 else { return }
        guard let flavor = ConsensusFlavor(rawValue: scanner.text(words[1]).description) else {
            throw NetworkStatusError(.wrongKind, at: line.start)
        }
        self.flavor = flavor
    }

    private mutating func readHeaderLine() throws(NetworkStatusError) {
        let line = try scanner.line()
        _ = try scanner.object()
        let keyword = scanner.text(line.keyword).description
        if try header.read(scanner, line, keyword) { return }
        switch keyword {
        case "network-status-version":
            throw NetworkStatusError(.repeated(keyword), at: line.start)
        case "vote-status":
            try scanner.onlyOnce(!hasStatus, keyword, line)
            hasStatus = true
            guard let word = scanner.words(line.arguments).first, scanner.matches(word, "consensus") else {
                throw NetworkStatusError(.wrongKind, at: line.start)
            }
        case "consensus-method":
            try scanner.onlyOnce(!hasMethod, keyword, line)
            hasMethod = true
            guard let number = scanner.number(line.arguments, max: UInt64(Int32.max)), number > 0 else {
                throw scanner.bad(keyword, line)
            }
            method = Int(number)
        case "dir-source":
            sources.append(try AuthoritySource(scanner, line))
        case "contact":
            guard let last = sources.indices.last, sources[last].contact == nil else {
                throw NetworkStatusError(.misplaced(keyword), at: line.start)
            }
            sources[last].contact = scanner.text(line.arguments)
        case "vote-digest":
            guard let last = sources.indices.last, sources[last].voteDigest == nil else {
                throw NetworkStatusError(.misplaced(keyword), at: line.start)
            }
            guard let word = scanner.words(line.arguments).first,
                let digest = DirectoryEncoding.hex(scanner.bytes, in: word, byteCount: 20)
            else { throw scanner.bad(keyword, line) }
            sources[last].voteDigest = DescriptorDigest(digest)
        default: break
        }
    }

    private mutating func readRouters() throws(NetworkStatusError) {
        // A relay is never described in less than 200 bytes.
        routers.reserveCapacity((scanner.end - scanner.position) / 200)
        var reader = RouterStatusReader(flavor: flavor)
        while scanner.isAt("r ") {
            let start = scanner.position
            let router = try reader.read(&scanner)
            if let last = routers.last, !(last.identity < router.identity) {
                throw NetworkStatusError(.unordered, at: start)
            }
            routers.append(router)
        }
    }

    private mutating func readFooter() throws(NetworkStatusError) {
        var isFirst = true
        while !scanner.atEnd {
            let line = try scanner.line()
            let object = try scanner.object()
            let keyword = scanner.text(line.keyword).description
            let wasFirst = isFirst
            isFirst = false
            switch keyword {
            case "directory-footer":
                guard wasFirst else { throw NetworkStatusError(.misplaced(keyword), at: line.start) }
            case "bandwidth-weights" where signedLength == 0:
                try scanner.onlyOnce(bandwidthWeights == nil, keyword, line)
                let arguments = scanner.words(line.arguments).map { scanner.text($0) }
                bandwidthWeights = BandwidthWeights(arguments: arguments)
                if bandwidthWeights == nil { throw scanner.bad(keyword, line) }
            case "directory-signature":
                if signedLength == 0 { signedLength = try scanner.signedLength(line) }
                try readSignature(line, object)
            default:
                // Bytes behind the first signature are signed by nobody.
                if signedLength != 0 { throw NetworkStatusError(.trailingBytes, at: line.start) }
            }
        }
        guard !signatures.isEmpty else { throw NetworkStatusError(.missing("directory-signature"), at: scanner.end) }
    }

    private mutating func readSignature(
        _ line: NetworkStatusScanner.Line, _ object: (name: String, body: [UInt8])?
    ) throws(NetworkStatusError) {
        let words = scanner.words(line.arguments)
        guard let signature = try DocumentSignature.parse(scanner, words, object: object, at: line.start) else {
            return
        }
        guard sources.contains(where: { $0.identity == signature.identity }) else {
            throw scanner.bad("directory-signature", line)
        }
        // Of two by one authority over one digest the first counts.
        if !signatures.contains(where: { $0.identity == signature.identity && $0.algorithm == signature.algorithm }) {
            signatures.append(signature)
        }
    }
}

extension NetworkStatusScanner {
    /// True where the header ends: at the first relay, the footer or a signature.
    var isAtBody: Bool {
        atEnd || isAt("r ") || isAt("directory-footer") || isAt("directory-signature")
    }

    /// How much of the document is signed, going by its first signature line: up to the space behind the keyword.
    func signedLength(_ line: Line) throws(NetworkStatusError) -> Int {
        guard bytes[line.keyword.upperBound] == 0x20 else { throw NetworkStatusError(.malformedLine, at: line.start) }
        return line.keyword.upperBound + 1
    }

    /// True if a range holds `text`.
    func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        // Safe: the pointer is of a static string, and read within its length.
        return text.withUTF8Buffer { buffer in
            for index in 0..<buffer.count where bytes[range.lowerBound + index] != buffer[index] { return false }
            return true
        }
    }

    /// What stands behind `prefix`, if a range begins with it.
    func suffix(_ range: Range<Int>, _ prefix: StaticString) -> Range<Int>? {
        let count = prefix.utf8CodeUnitCount
        guard range.count >= count, matches(range.lowerBound..<(range.lowerBound + count), prefix) else { return nil }
        return (range.lowerBound + count)..<range.upperBound
    }
}
