import Testing

@testable import OnionCrypto

@Suite struct Tor1LayerTests {
    static let seed = [UInt8](0..<20)
    static let key = [UInt8](16..<32)

    static func layer() -> Tor1Layer {
        Tor1Layer(digestSeed: seed.span.bytes, key: key.span.bytes)
    }

    /// A DATA message of stream `number`, filled with it.
    static func body(_ number: UInt8) -> [UInt8] {
        [2, 0, 0, 0, number, 0, 0, 0, 0, 0, 4] + ascii("cell") + [UInt8](repeating: number, count: 494)
    }

    static func originate(_ layer: inout Tor1Layer, _ body: inout [UInt8]) -> [UInt8] {
        var elements = body.mutableSpan
        var bytes = elements.mutableBytes
        let tag = layer.originate(&bytes)
        return tag.bytes.array
    }

    static func receive(_ layer: inout Tor1Layer, _ body: inout [UInt8]) -> [UInt8]? {
        var elements = body.mutableSpan
        var bytes = elements.mutableBytes
        guard let tag = layer.receive(&bytes) else { return nil }
        return tag.bytes.array
    }

    static func crypt(_ layer: inout Tor1Layer, _ body: inout [UInt8]) {
        var elements = body.mutableSpan
        var bytes = elements.mutableBytes
        layer.crypt(&bytes)
    }

    /// Computed from tor-spec §5.5 and §6.1 by an independent program.
    static let expected = [
        (
            "794a9c848695b6649913e088977a65ac486bd9e4",
            "66cacd272b4d905dfa8e3c5087b9c3f32fe5f88f5ebe35c4e60d06819d523a83"
        ),
        (
            "75c52c85c4f91ecfa8ba33b357dded191a30840f",
            "28dd96f8b0d53df4b2d6fe0ba965d8d96f9cf15af6903d3335935c53f2c69687"
        ),
    ]

    @Test func `two cells in a row are what the specification makes of them`() {
        var sender = Self.layer()
        var receiver = Self.layer()
        for (index, vector) in Self.expected.enumerated() {
            let number = UInt8(index + 1)
            var body = Self.body(number)
            let tag = Self.originate(&sender, &body)
            #expect(tag == hex(vector.0))
            #expect(SHA256.hash(body) == hex(vector.1))
            #expect(Self.receive(&receiver, &body) == tag)
            var plain = body
            for offset in 5..<9 { plain[offset] = 0 }
            #expect(plain == Self.body(number))
        }
    }

    @Test func `three hops peel one layer each, and only the last recognises`() {
        var keys: [[UInt8]] = []
        for hop in 0..<3 { keys.append(SHA256.hash([UInt8(hop)])) }
        func layer(_ hop: Int) -> Tor1Layer {
            let seed = Array(keys[hop].prefix(20))
            let key = Array(keys[hop].suffix(16))
            return Tor1Layer(digestSeed: seed.span.bytes, key: key.span.bytes)
        }
        var clientFirst = layer(0)
        var clientSecond = layer(1)
        var clientThird = layer(2)
        var first = layer(0)
        var second = layer(1)
        var third = layer(2)
        for number: UInt8 in 1...20 {
            var body = Self.body(number)
            let tag = Self.originate(&clientThird, &body)
            Self.crypt(&clientSecond, &body)
            Self.crypt(&clientFirst, &body)
            #expect(Self.receive(&first, &body) == nil)
            #expect(Self.receive(&second, &body) == nil)
            #expect(Self.receive(&third, &body) == tag)
        }
    }

    @Test func `a changed cell is not recognised, nor is any after a lost one`() {
        for offset in stride(from: 0, to: 509, by: 4) {
            var sender = Self.layer()
            var receiver = Self.layer()
            var body = Self.body(1)
            _ = Self.originate(&sender, &body)
            body[offset] ^= 1
            #expect(Self.receive(&receiver, &body) == nil, "byte \(offset)")
        }
        var sender = Self.layer()
        var receiver = Self.layer()
        var lost = Self.body(1)
        _ = Self.originate(&sender, &lost)
        var next = Self.body(2)
        _ = Self.originate(&sender, &next)
        #expect(Self.receive(&receiver, &next) == nil)
    }

    @Test func `a cell for somebody else leaves the running digest alone`() {
        var sender = Self.layer()
        var receiver = Self.layer()
        var other = Self.body(7)
        Self.crypt(&sender, &other)
        #expect(Self.receive(&receiver, &other) == nil)
        #expect(other == Self.body(7))
        var own = Self.body(1)
        let tag = Self.originate(&sender, &own)
        #expect(Self.receive(&receiver, &own) == tag)
    }
}
