/// The encodings of directory documents (dir-spec §6.1).
package enum CompressionMethod: String, CaseIterable, Hashable, Sendable {
    /// As it is.
    case identity = "identity"
    /// zlib (RFC 1950).
    case deflate = "deflate"
    /// gzip (RFC 1952).
    case gzip = "gzip"
    /// Zstandard.
    case zstd = "x-zstd"
    /// LZMA "alone", with a bound on the memory that decoding may take.
    case lzma = "x-tor-lzma"

    /// The method of that name, as headers write it.
    package init?(name: some StringProtocol) {
        let name = name.lowercased()
        self.init(rawValue: name == "x-gzip" ? "gzip" : name)
    }

    /// Best first, for what is compressed once and served often.
    package static let precompressedPreference: [CompressionMethod] = [.lzma, .zstd, .deflate, .gzip, .identity]
    /// Best first, for what is compressed for one client.
    package static let streamedPreference: [CompressionMethod] = [.zstd, .deflate, .gzip, .identity]
    /// What a client that reveals itself anyhow says it takes; the same list as C Tor's.
    package static let acceptEncoding = precompressedPreference.map(\.rawValue).joined(separator: ", ")

    /// The methods that an `Accept-Encoding` header names; nothing in it is held against a client, and everybody takes
    /// `identity`.
    package static func accepted(by header: String?) -> Set<CompressionMethod> {
        var methods: Set<CompressionMethod> = [.identity]
        for name in (header ?? "").split(separator: ",") {
            if let method = CompressionMethod(name: name.filter { $0 != " " && $0 != "\t" }) { methods.insert(method) }
        }
        return methods
    }

    /// What the first bytes of a body look like; nil if like no compression.
    package init?(detecting bytes: [UInt8]) {
        guard bytes.count > 3 else { return nil }
        if bytes.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if bytes[0] & 0x0F == 8, (Int(bytes[0]) << 8 | Int(bytes[1])) % 31 == 0 {
            self = .deflate
        } else if bytes.starts(with: [0x5D, 0, 0]) {
            self = .lzma
        } else if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            self = .zstd
        } else {
            return nil
        }
    }
}

/// How hard to compress.
package enum CompressionLevel: Sendable {
    /// For what is compressed once and served often.
    case best
    /// For what is compressed for one client.
    case low
}

/// Why bytes could not be decompressed, or compressed.
package enum CompressionError: Error, Hashable, Sendable {
    /// The bytes are not what the method makes.
    case corrupt
    /// The bytes end before the document does.
    case truncated
    /// So few bytes became so many that somebody must be out to fill our memory.
    case bomb
    /// More comes out than the caller can use.
    case tooLong
    /// The library has no memory, or wants more than it may have.
    case outOfMemory
}
