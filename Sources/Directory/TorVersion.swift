/// A version of C Tor, parsed and ordered as C Tor does it (version-spec, and `tor_version_compare` where it is older).
package struct TorVersion: Sendable {
    /// What stands between the third and fourth number; a plain dot is a release.
    package enum Status: Int, Sendable {
        case pre = 0
        case candidate = 1
        case release = 2
    }

    /// The first number.
    package private(set) var major: Int32 = 0
    /// The second number.
    package private(set) var minor: Int32 = 0
    /// The third number.
    package private(set) var micro: Int32 = 0
    /// How the fourth number is joined on.
    package private(set) var status = Status.release
    /// The fourth number.
    package private(set) var patchLevel: Int32 = 0
    /// What stands behind the numbers, such as "alpha-dev"; at most 31 bytes count.
    package private(set) var tag: [UInt8] = []
    /// The Subversion revision of very old versions.
    private var revision: Int32 = 0
    /// The git commit, where a build says it.
    private var commit: [UInt8] = []

    /// Parses "0.4.9.11", "Tor 0.4.8.0-alpha-dev (git-0123)" and the like.
    package init?(_ text: ByteText) {
        var scanner = Scanner(text.bytes)
        scanner.skipTor()
        guard let major = scanner.number(), scanner.take("."), let minor = scanner.number() else { return nil }
        self.major = major
        self.minor = minor
        if scanner.atEnd { return }
        if scanner.peek != UInt8(ascii: "-") {
            guard scanner.take("."), let micro = scanner.number() else { return nil }
            self.micro = micro
            if scanner.atEnd { return }
            if scanner.peek != UInt8(ascii: "-") {
                if scanner.take("pre") {
                    status = .pre
                } else if scanner.take("rc") {
                    status = .candidate
                } else if !scanner.take(".") {
                    return nil
                }
                guard let patchLevel = scanner.number() else { return nil }
                self.patchLevel = patchLevel
            }
        }
        guard readTag(&scanner) else { return nil }
    }

    /// Reads the tag and what may stand in parentheses behind it.
    private mutating func readTag(_ scanner: inout Scanner) -> Bool {
        if scanner.peek == UInt8(ascii: "-") || scanner.peek == UInt8(ascii: ".") { scanner.skip() }
        tag = Array(scanner.word().prefix(31))
        scanner.skipSpaces()
        if scanner.take("(r") {
            revision = scanner.number() ?? 0
        } else if scanner.take("(git-") {
            guard let hex = scanner.upTo(UInt8(ascii: ")")), !hex.isEmpty, hex.count <= 40, hex.count % 2 == 0,
                let commit = Self.decodeHex(hex)
            else { return false }
            self.commit = commit
        }
        return true
    }

    private static func decodeHex(_ hex: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var high: UInt8?
        for byte in hex {
            guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
            if let first = high {
                result.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        return high == nil ? result : nil
    }

    /// Less than nothing, nothing or more, as `left` is older than, as old as or newer than `right`.
    package static func compare(_ left: Self, _ right: Self) -> Int {
        let fields: [(Int32, Int32)] = [
            (left.major, right.major), (left.minor, right.minor), (left.micro, right.micro),
            (Int32(left.status.rawValue), Int32(right.status.rawValue)), (left.patchLevel, right.patchLevel),
        ]
        for (one, other) in fields where one != other {
            return one < other ? -1 : 1
        }
        if left.tag != right.tag { return left.tag.lexicographicallyPrecedes(right.tag) ? -1 : 1 }
        if left.revision != right.revision { return left.revision < right.revision ? -1 : 1 }
        if left.commit.count != right.commit.count { return left.commit.count < right.commit.count ? -1 : 1 }
        if left.commit != right.commit { return left.commit.lexicographicallyPrecedes(right.commit) ? -1 : 1 }
        return 0
    }

    /// Compares version strings: those that parse by version and first, the others bytewise.
    package static func compareTexts(_ left: ByteText, _ right: ByteText) -> Int {
        switch (TorVersion(left), TorVersion(right)) {
        case (let one?, let other?): compare(one, other)
        case (.some, .none): -1
        case (.none, .some): 1
        case (.none, .none): left == right ? 0 : (left < right ? -1 : 1)
        }
    }

    /// Sorts version strings from old to new.
    package static func sorted(_ texts: [ByteText]) -> [ByteText] {
        texts.sorted { compareTexts($0, $1) < 0 }
    }
}

/// A cursor over a version string.
private struct Scanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var atEnd: Bool { position == bytes.count }
    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skip() {
        position += 1
    }

    mutating func skipTor() {
        let prefix = "tor ".utf8
        if bytes.count >= prefix.count, zip(bytes, prefix).allSatisfy({ $0 | 0x20 == $1 }) {
            position = prefix.count
        }
    }

    mutating func take(_ text: String) -> Bool {
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }

    mutating func number() -> Int32? {
        let digits = bytes[position...].prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard !digits.isEmpty, let value = Int32(String(decoding: digits, as: UTF8.self)) else { return nil }
        position += digits.count
        return value
    }

    mutating func word() -> ArraySlice<UInt8> {
        let word = bytes[position...].prefix { ![0x20, 0x09, 0x0A, 0x0D, 0x23].contains($0) }
        position += word.count
        return word
    }

    mutating func skipSpaces() {
        while let byte = peek, byte == 0x20 || byte == 0x09 { position += 1 }
    }

    mutating func upTo(_ end: UInt8) -> ArraySlice<UInt8>? {
        guard let index = bytes[position...].firstIndex(of: end) else { return nil }
        defer { position = index + 1 }
        return bytes[position..<index]
    }
}
