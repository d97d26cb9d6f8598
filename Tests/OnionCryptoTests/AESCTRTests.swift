import Testing

@testable import OnionCrypto

/// NIST SP 800-38A, F.5.
@Suite struct AESCTRTests {
    static let iv = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    static let plaintext = hex(
        """
        6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52ef
        f69f2445df4f9b17ad2b417be66c3710
        """)

    @Test(arguments: [1, 5, 16, 33, 64])
    func `AES-128 in counter mode, in pieces of any length`(piece: Int) {
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c")
        var cipher = AES128CTR(key: key.span.bytes, iv: Self.iv)
        var result: [UInt8] = []
        for start in stride(from: 0, to: Self.plaintext.count, by: piece) {
            var part = Array(Self.plaintext[start..<min(start + piece, Self.plaintext.count)])
            var elements = part.mutableSpan
            var bytes = elements.mutableBytes
            cipher.apply(to: &bytes)
            result += part
        }
        let expected = hex(
            """
            874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff5ae4df3edbd5d35e5b4f09020db03eab
            1e031dda2fbe03d1792170a0f3009cee
            """)
        #expect(result == expected)
    }

    @Test func `AES-256 in counter mode`() {
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
        var cipher = AES256CTR(key: key.span.bytes, iv: Self.iv)
        var text = Self.plaintext
        var elements = text.mutableSpan
        var bytes = elements.mutableBytes
        cipher.apply(to: &bytes)
        let expected = hex(
            """
            601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988d
            dfc9c58db67aada613c2dd08457941a6
            """)
        #expect(text == expected)
    }
}
