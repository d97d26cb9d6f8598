internal import Cells

/// Reads what entries of votes and consensuses have in common: `r`, and the words of `w`, `a` and so on.
struct RouterEntryReader {
    var nickname = ""
    var identity: RSAIdentity
    var descriptorDigest: DescriptorDigest?
    var published: WallTime
    var address: UInt32
    var orPort: UInt16
    var dirPort: UInt16

    /// Reads an `r` line; the microdescriptor flavor has no digest in it.
    init(
        _ scanner: borrowing NetworkStatusScanner, _ line: NetworkStatusScanner.Line, hasDigest: Bool,
        publishedCache: inout PublishedCache
    ) throws(NetworkStatusError) {
        let words = scanner.words(line.arguments)
        let shift = hasDigest ? 0 : -1
        guard words.count >= 8 + shift, Self.isNickname(scanner.bytes[words[0]]),
            let identity = DirectoryEncoding.base64(scanner.bytes, in: words[1], byteCount: 20)
                .flatMap({ RSAIdentity($0) }),
            let published = publishedCache.time(
                scanner.bytes, words[3 + shift].lowerBound..<words[4 + shift].upperBound),
            let address = scanner.address(words[5 + shift]),
            let orPort = scanner.number(words[6 + shift], max: 65_535),
            let dirPort = scanner.number(words[7 + shift], max: 65_535)
        else { throw NetworkStatusError(.badArguments("r"), at: line.start) }
        if hasDigest {
            descriptorDigest = DirectoryEncoding.base64(scanner.bytes, in: words[2], byteCount: 20)
                .flatMap { DescriptorDigest($0) }
            if descriptorDigest == nil { throw NetworkStatusError(.badArguments("r"), at: line.start) }
        }
        nickname = String(decoding: scanner.bytes[words[0]], as: UTF8.self)
        self.identity = identity
        self.published = published
        self.address = address
        self.orPort = UInt16(orPort)
        self.dirPort = UInt16(dirPort)
    }

    /// 1 to 19 ASCII letters and digits.
    static func isNickname(_ bytes: ArraySlice<UInt8>) -> Bool {
        (1...19).contains(bytes.count)
            && bytes.allSatisfy {
                ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A)
            }
    }
}

/// Remembers the last publication time that was read: in a microdescriptor consensus all are the same.
struct PublishedCache {
    private var text: ArraySlice<UInt8> = []
    private var value: WallTime?

    mutating func time(_ bytes: [UInt8], _ range: Range<Int>) -> WallTime? {
        if value != nil, bytes[range] == text { return value }
        text = bytes[range]
        value = WallTime(text: String(decoding: text, as: UTF8.self))
        return value
    }
}
