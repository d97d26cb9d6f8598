import ProtocolTestKit
import Testing

@testable import Node

@Suite struct CompressionTests {
    private static let document = Array(
        (0..<4000).map { "r Relay\($0) \(($0 &* 2_654_435_761) % 99_991) 127.0.0.1 \($0)\ns Fast Running\n" }.joined()
            .utf8)

    @Test(arguments: CompressionMethod.allCases)
    func `what is compressed in pieces comes back in pieces`(method: CompressionMethod) throws {
        for level in [CompressionLevel.best, .low] {
            var compressor = try Compressor(method, level: level)
            var compressed: [UInt8] = []
            for start in stride(from: 0, to: Self.document.count, by: 10_000) {
                let piece = Array(Self.document[start..<min(start + 10_000, Self.document.count)])
                try compressor.compress(piece.span.bytes, isLast: false, into: &compressed)
            }
            try compressor.compress([UInt8]().span.bytes, isLast: true, into: &compressed)
            if method != .identity {
                #expect(compressed.count < Self.document.count / 2)
                #expect(CompressionMethod(detecting: compressed) == method)
            }
            for size in [1, 777, 1 << 20] {
                var decompressor = try Decompressor(method, limit: Self.document.count)
                var output: [UInt8] = []
                var rest = compressed[...]
                while !rest.isEmpty {
                    try decompressor.receive(Array(rest.prefix(size)).span.bytes, into: &output)
                    rest = rest.dropFirst(size)
                }
                try decompressor.finish()
                #expect(output == Self.document)
            }
        }
    }

    @Test(arguments: CompressionMethod.allCases.filter { $0 != .identity })
    func `what is cut off, broken or too long is refused`(method: CompressionMethod) throws {
        let compressed = try Compressor.compress(Self.document, method)
        #expect(throws: CompressionError.truncated) {
            try Decompressor.decompress(Array(compressed.dropLast(5)), method, limit: 1 << 24)
        }
        let part = try Decompressor.decompress(
            Array(compressed.prefix(compressed.count / 2)), method, limit: 1 << 24, allowsPartial: true)
        #expect(Self.document.starts(with: part))
        #expect(throws: CompressionError.tooLong) {
            try Decompressor.decompress(compressed, method, limit: Self.document.count - 1)
        }
        #expect(throws: CompressionError.self) {
            try Decompressor.decompress(Array(repeating: 0xAA, count: 500), method, limit: 1 << 24)
        }
        var random = SeededRandom(seed: 7)
        for _ in 0..<50 {
            var broken = compressed
            broken[Int.random(in: 0..<broken.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            // Not every method sees every broken bit; none may crash or give more than the limit.
            let output = try? Decompressor.decompress(broken, method, limit: 1 << 24)
            #expect(output?.count ?? 0 <= 1 << 24)
        }
    }

    @Test(arguments: [CompressionMethod.deflate, .gzip, .zstd, .lzma])
    func `a bomb is found whether it is one stream or many`(method: CompressionMethod) throws {
        let large = try Compressor.compress([UInt8](repeating: 0x20, count: 8 << 20), method)
        #expect(throws: CompressionError.bomb) { try Decompressor.decompress(large, method, limit: 1 << 30) }
        // Each stream stays below the threshold.
        let small = try Compressor.compress([UInt8](repeating: 0x20, count: 1 << 20), method)
        #expect(try Decompressor.decompress(small, method, limit: 1 << 30).count == 1 << 20)
        let many = Array(repeatElement(small, count: 50).joined())
        #expect(throws: CompressionError.bomb) { try Decompressor.decompress(many, method, limit: 1 << 30) }
    }

    @Test func `streams one behind the other are one document`() throws {
        for method in [CompressionMethod.deflate, .gzip, .zstd] {
            let two = try Compressor.compress([1, 2, 3], method) + Compressor.compress([4, 5], method)
            #expect(try Decompressor.decompress(two, method, limit: 100) == [1, 2, 3, 4, 5])
        }
    }

    @Test func `Accept-Encoding is read as C Tor reads it`() {
        #expect(CompressionMethod.accepted(by: nil) == [.identity])
        #expect(CompressionMethod.accepted(by: "x-zstd, Deflate ,br,,x-gzip") == [.identity, .zstd, .deflate, .gzip])
        #expect(CompressionMethod.acceptEncoding == "x-tor-lzma, x-zstd, deflate, gzip, identity")
    }
}
