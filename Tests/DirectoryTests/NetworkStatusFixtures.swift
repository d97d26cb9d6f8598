import Foundation

/// Documents of one round of voting among three C Tor authorities, as they were served.
enum NetworkStatusFixtures {
    /// The bytes of one file.
    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
        return Array(try Data(contentsOf: folder.appending(path: name)))
    }

    /// The three votes.
    static func votes() throws -> [[UInt8]] {
        try ["vote-auth1", "vote-auth2", "vote-auth3"].map { try bytes($0) }
    }
}

extension Array<UInt8> {
    /// These bytes with every occurrence of one text replaced.
    func replacing(_ old: String, with new: String) -> [UInt8] {
        Array(String(decoding: self, as: UTF8.self).replacingOccurrences(of: old, with: new).utf8)
    }
}
