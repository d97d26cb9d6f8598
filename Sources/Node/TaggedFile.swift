/// C Tor's format for binary keys on disk: a header of 32 bytes, `== TYPE: TAG ==` and zeros, then the data.
package struct TaggedFile: Hashable, Sendable {
    /// What the data is: `ed25519v1-secret`, `ed25519v1-public`, `ed25519v1-cert`, `c25519v1`.
    package let type: String
    /// Which one: `type0`, `onion`.
    package let tag: String
    /// What comes after the header.
    package var data: [UInt8]

    /// How long the header is.
    package static let headerLength = 32

    /// A file of that type and tag.
    package init(type: String, tag: String, data: [UInt8]) {
        precondition(type.utf8.count + tag.utf8.count <= 24, "the header has no room")
        self.type = type
        self.tag = tag
        self.data = data
    }

    /// Reads a whole file; `nil` if it has another format.
    package init?(bytes: [UInt8]) {
        guard bytes.count >= Self.headerLength else { return nil }
        let header = bytes[..<Self.headerLength]
        let text = header.prefix { $0 != 0 }
        guard header[text.endIndex...].allSatisfy({ $0 == 0 }),
            let line = String(validating: text, as: UTF8.self), line.hasPrefix("== "), line.hasSuffix(" ==")
        else { return nil }
        let words = line.dropFirst(3).dropLast(3)
        guard let colon = words.firstIndex(of: ":"), words[colon...].hasPrefix(": ") else { return nil }
        type = String(words[..<colon])
        tag = String(words[colon...].dropFirst(2))
        data = Array(bytes[Self.headerLength...])
    }

    /// The file's bytes.
    package var bytes: [UInt8] {
        var header = Array("== \(type): \(tag) ==".utf8)
        header += [UInt8](repeating: 0, count: Self.headerLength - header.count)
        return header + data
    }
}
