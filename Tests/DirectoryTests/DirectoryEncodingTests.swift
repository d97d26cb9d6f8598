import Directory
import Testing

@Suite struct DirectoryEncodingTests {
    private func base64(_ text: String, _ count: Int) -> [UInt8]? {
        DirectoryEncoding.base64(Array(text.utf8), in: 0..<text.utf8.count, byteCount: count)
    }

    @Test func `base 64 is written and read with and without padding`() {
        for (bytes, text): ([UInt8], String) in [
            ([], ""), ([0], "AA=="), ([0xFF, 0xFF], "//8="), ([1, 2, 3], "AQID"), ([0xFB, 0xF0, 0, 1], "+/AAAQ=="),
        ] {
            var padded: [UInt8] = []
            DirectoryEncoding.appendBase64(bytes, padded: true, into: &padded)
            #expect(String(decoding: padded, as: UTF8.self) == text)
            #expect(base64(text, bytes.count) == bytes)
            let bare = String(text.prefix { $0 != "=" })
            var written: [UInt8] = []
            DirectoryEncoding.appendBase64(bytes, padded: false, into: &written)
            #expect(String(decoding: written, as: UTF8.self) == bare)
            #expect(base64(bare, bytes.count) == bytes)
        }
        for (text, count) in [
            ("AA=", 1), ("A", 1), ("AAAA", 2), ("AA==", 2), ("A*==", 1), ("AQ ID", 3), ("AQID====", 3),
        ] {
            #expect(base64(text, count) == nil, "\(text)")
        }
    }

    @Test func `hexadecimal is written in capitals and read in either case`() {
        var text: [UInt8] = []
        DirectoryEncoding.appendHex([0, 0xAB, 0xFF], into: &text)
        #expect(text == Array("00ABFF".utf8))
        #expect(DirectoryEncoding.hex(Array("00abFF".utf8), in: 0..<6, byteCount: 3) == [0, 0xAB, 0xFF])
        #expect(DirectoryEncoding.hex(Array("00abF".utf8), in: 0..<5, byteCount: 3) == nil)
        #expect(DirectoryEncoding.hex(Array("00abFg".utf8), in: 0..<6, byteCount: 3) == nil)
    }

    @Test func `objects have lines of 64`() {
        var text: [UInt8] = []
        DirectoryEncoding.appendObjectBody([UInt8](repeating: 0, count: 50), into: &text)
        #expect(text.split(separator: 0x0A).map(\.count) == [64, 4])
    }

    @Test func `digests keep their bytes and their order`() throws {
        let bytes = (0..<32).map { UInt8($0 * 7) }
        #expect(MicrodescriptorDigest(bytes)?.bytes == bytes)
        #expect(DescriptorDigest(bytes.prefix(20))?.bytes == Array(bytes.prefix(20)))
        #expect(MicrodescriptorDigest(bytes.prefix(31)) == nil && DescriptorDigest(bytes) == nil)
        var higher = bytes
        higher[31] = 0xFF
        #expect(try #require(MicrodescriptorDigest(bytes)) < #require(MicrodescriptorDigest(higher)))
    }
}
