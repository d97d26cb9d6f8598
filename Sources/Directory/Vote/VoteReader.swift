internal import Cells
internal import OnionCrypto

/// Reads a vote from its first byte to its last; the signature is the caller's to check.
struct VoteReader {
    private(set) var content: VoteContent
    private(set) var certificate: KeyCertificate
    private(set) var signature: DocumentSignature
    private(set) var signedLength: Int

    /// The most flags that a vote may know: each is a bit of 64.
    static let maximumFlags = 64

    init(_ text: [UInt8]) throws(NetworkStatusError) {
        var scanner = NetworkStatusScanner(text)
        var fields = VoteHeaderFields()
        try fields.read(&scanner)
        content = try fields.content()
        guard let certificate = fields.certificate else {
            throw NetworkStatusError(.missing("dir-identity-key"), at: 0)
        }
        self.certificate = certificate
        var entries = VoteEntryReader(knownFlags: content.header.knownFlags)
        content.entries = try entries.readAll(&scanner)
        (signature, signedLength) = try Self.readFooter(&scanner)
    }

    private static func readFooter(
        _ scanner: inout NetworkStatusScanner
    ) throws(NetworkStatusError) -> (DocumentSignature, Int) {
        var result: (DocumentSignature, Int)?
        var isFirst = true
        while !scanner.atEnd {
            let line = try scanner.line()
            let object = try scanner.object()
            let keyword = scanner.text(line.keyword)
            if result != nil { throw NetworkStatusError(.trailingBytes, at: line.start) }
            switch keyword {
            case "directory-footer":
                guard isFirst else { throw NetworkStatusError(.misplaced("directory-footer"), at: line.start) }
            case "directory-signature":
                let length = try scanner.signedLength(line)
                let words = scanner.words(line.arguments)
                guard let signature = try DocumentSignature.parse(scanner, words, object: object, at: line.start),
                    signature.algorithm == .sha1
                else { throw scanner.bad("directory-signature", line) }
                result = (signature, length)
            default: break
            }
            isFirst = false
        }
        guard let result else { throw NetworkStatusError(.missing("directory-signature"), at: scanner.end) }
        return result
    }
}

/// A vote's header, line by line.
private struct VoteHeaderFields {
    var certificate: KeyCertificate?
    private var header = NetworkStatusHeader()
    private var hasStatus = false
    private var methods: [Int]?
    private var published: WallTime?
    private var source: AuthoritySource?
    private var flagThresholds: ByteText?
    private var bandwidthFileHeaders: ByteText?
    private var bandwidthFileDigest: ByteText?
    private var takesPart = false
    private var phase = SharedRandomPhase.commit
    private var commits: [SharedRandomCommit] = []
    private var legacyIdentity: RSAIdentity?

    mutating func read(_ scanner: inout NetworkStatusScanner) throws(NetworkStatusError) {
        let first = try scanner.line()
        guard scanner.matches(first.keyword, "network-status-version"),
            scanner.words(first.arguments).count == 1, scanner.matches(first.arguments, "3")
        else { throw NetworkStatusError(.wrongKind, at: first.start) }
        while !scanner.isAtBody {
            if scanner.isAt("dir-key-certificate-version") {
                try readCertificate(&scanner)
                continue
            }
            let line = try scanner.line()
            _ = try scanner.object()
            let keyword = scanner.text(line.keyword).description
            if try !header.read(scanner, line, keyword) { try read(scanner, line, keyword) }
        }
    }

    private mutating func readCertificate(_ scanner: inout NetworkStatusScanner) throws(NetworkStatusError) {
        let start = scanner.position
        guard certificate == nil else { throw NetworkStatusError(.repeated("dir-key-certificate-version"), at: start) }
        var isWhole = false
        while !isWhole, !scanner.isAtBody {
            let line = try scanner.line()
            _ = try scanner.object()
            isWhole = scanner.matches(line.keyword, "dir-key-certification")
        }
        do {
            certificate = try KeyCertificate(Array(scanner.bytes[start..<scanner.position]))
        } catch {
            throw NetworkStatusError(.badCertificate, at: start)
        }
    }

    private mutating func read(
        _ scanner: NetworkStatusScanner, _ line: NetworkStatusScanner.Line, _ keyword: String
    ) throws(NetworkStatusError) {
        let text = scanner.text(line.arguments)
        switch keyword {
        case "vote-status":
            try scanner.onlyOnce(!hasStatus, keyword, line)
            hasStatus = true
            guard text.split(separator: 0x20).first == "vote" else {
                throw NetworkStatusError(.wrongKind, at: line.start)
            }
        case "consensus-methods":
            try scanner.onlyOnce(methods == nil, keyword, line)
            methods = scanner.words(line.arguments).compactMap {
                scanner.number($0, max: UInt64(Int32.max)).map { Int($0) }
            }.filter { $0 > 0 }
        case "published":
            try scanner.onlyOnce(published == nil, keyword, line)
            published = WallTime(text: text.trimmed.description)
            if published == nil { throw scanner.bad(keyword, line) }
        case "dir-source":
            try scanner.onlyOnce(source == nil, keyword, line)
            source = try AuthoritySource(scanner, line)
        case "contact":
            guard source != nil, source?.contact == nil else {
                throw NetworkStatusError(.misplaced(keyword), at: line.start)
            }
            source?.contact = text
        case "flag-thresholds": flagThresholds = text
        case "bandwidth-file-headers": bandwidthFileHeaders = text
        case "bandwidth-file-digest": bandwidthFileDigest = text
        case "legacy-dir-key": legacyIdentity = RSAIdentity(hex: text.trimmed.description)
        case "shared-rand-participate": takesPart = true
        case "shared-rand-commit":
            // A commit that cannot be read may be of a later version.
            let words = text.split(separator: 0x20)
            if words.count > 4 || text.bytes.last == 0x20 { phase = .reveal }
            if let commit = SharedRandomCommit(words: words) { commits.append(commit) }
        case "network-status-version": throw NetworkStatusError(.repeated(keyword), at: line.start)
        default: break
        }
    }

    func content() throws(NetworkStatusError) -> VoteContent {
        func missing(_ keyword: String) -> NetworkStatusError { NetworkStatusError(.missing(keyword), at: 0) }
        guard hasStatus else { throw missing("vote-status") }
        guard let published else { throw missing("published") }
        guard let methods else { throw missing("consensus-methods") }
        guard let source else { throw missing("dir-source") }
        guard source.contact != nil else { throw missing("contact") }
        try header.check()
        guard header.knownFlags.count <= VoteReader.maximumFlags else {
            throw NetworkStatusError(.badArguments("known-flags"), at: 0)
        }
        var content = VoteContent(methods: methods, published: published, header: header, source: source)
        content.flagThresholds = flagThresholds
        content.bandwidthFileHeaders = bandwidthFileHeaders
        content.bandwidthFileDigest = bandwidthFileDigest
        content.legacyIdentity = legacyIdentity
        if takesPart { content.sharedRandom = .init(phase: phase, commits: commits) }
        return content
    }
}
