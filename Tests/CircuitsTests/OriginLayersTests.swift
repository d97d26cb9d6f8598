import Cells
import Circuits
import OnionCrypto
import ProtocolTestKit
import Testing

/// Three hops against what C Tor's encryption makes of the same keys and messages, as Arti publishes it
/// (`tor-proto/testdata/cell_crypt.rs`; the keys are those of C Tor's `test_relaycrypt.c`).
struct OriginLayersTests {
    /// Df(20) Db(20) Kf(16) Kb(16) KH(20).
    private static let keys = [
        "    'My public key is in this signed x509 object', said Tom assertively.      (N-PREG-VIRYL)",
        "'Let's chart the pedal phlanges in the tomb', said Tom cryptographically.  (PELCG-GBR-TENCU)",
        "     'Segmentation fault bugs don't _just happen_', said Tom seethingly.        (P-GUVAT-YL)",
    ].map { Array($0.utf8) }

    private static let seed = Array(
        ("'You mean to tell me that there's a version of Sha-3 with no limit on the output length?', "
            + "said Tom shakily.").utf8)

    /// The number of a cell, its first 32 bytes and its last 16.
    private static let cells: [(Int, String, String)] = [
        (
            0, "caec8c2606b65a1d42eebb1dd3fdc9973eeb3b3a3e90c1703101f1cf016f6fcc",
            "ade675cfb818dc7ca294b8d42c7a4cf7"
        ),
        (
            1, "5670825c1c8c446bf1adca2492a355893ddab95a7bc5d51a71e3e889a42cb40e",
            "b1d0ed07f1df645689a6684e9912941d"
        ),
        (
            20, "a331b5a9a5da43fdf2584c7a79da182a0ca11c14d22510bb65e29a79e89e4fb6",
            "55acf9f271fd825adfc98cef4e6c81da"
        ),
        (
            50, "e728044dc5c658c7059f6cb9619a4d9f0004f4bb41085eb5a88823b1dca83199",
            "9ce8b2d25d1ed5e5fbf1d26753586618"
        ),
    ]

    private static func layer(_ keys: [UInt8], isForward: Bool) -> OnionLayer {
        let digest = isForward ? keys[..<20] : keys[20..<40]
        let key = isForward ? keys[40..<56] : keys[56..<72]
        return .tor1(Tor1Layer(digestSeed: Array(digest).span.bytes, key: Array(key).span.bytes))
    }

    @Test func `seals as C Tor does`() {
        var layers = OriginLayers()
        for keys in Self.keys {
            layers.append(forward: Self.layer(keys, isForward: true), backward: Self.layer(keys, isForward: false))
        }
        let text = SHAKE256.hash(Self.seed, count: 51 * 498)
        var compared = 0
        for number in 0...50 {
            var body: [UInt8] = [2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 242] + text[(number * 498)..<((number + 1) * 498)]
            var elements = body.mutableSpan
            var span = elements.mutableBytes
            #expect(layers.seal(forHop: 2, command: .relay, body: &span) != nil)
            guard let (_, first, last) = Self.cells.first(where: { $0.0 == number }) else { continue }
            #expect(Array(body[..<32]) == hex(first), "cell \(number)")
            #expect(Array(body[493...]) == hex(last), "cell \(number)")
            compared += 1
        }
        #expect(compared == 4)
    }

    @Test func `opens what each hop made, whatever the others do`() {
        var layers = OriginLayers()
        for keys in Self.keys {
            layers.append(forward: Self.layer(keys, isForward: true), backward: Self.layer(keys, isForward: false))
        }
        var first = Self.layer(Self.keys[0], isForward: false)
        var second = Self.layer(Self.keys[1], isForward: false)
        var third = Self.layer(Self.keys[2], isForward: false)
        for number in 0..<30 {
            let hop = [2, 2, 0, 1, 2, 1][number % 6]
            let message: [UInt8] = [2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 242] + [UInt8](repeating: UInt8(number), count: 498)
            var body = message
            var elements = body.mutableSpan
            var span = elements.mutableBytes
            let tag: OnionTag
            switch hop {
            case 0: tag = first.originate(command: 3, &span)
            case 1:
                tag = second.originate(command: 3, &span)
                first.crypt(command: 3, &span)
            default:
                tag = third.originate(command: 3, &span)
                second.crypt(command: 3, &span)
                first.crypt(command: 3, &span)
            }
            let opened = layers.open(command: .relay, body: &span)
            #expect(opened?.hop == hop && opened?.tag == tag)
            #expect(Array(body[11...]) == Array(message[11...]))
        }
    }
}
