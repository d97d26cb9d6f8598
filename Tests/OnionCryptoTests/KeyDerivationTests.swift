import Testing

@testable import OnionCrypto

@Suite struct KeyDerivationTests {
    /// RFC 4231, tests 1, 2 and 6.
    @Test func `HMAC with keys of every length`() {
        let cases: [([UInt8], [UInt8], String)] = [
            (
                [UInt8](repeating: 0x0b, count: 20), ascii("Hi There"),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                ascii("Jefe"), ascii("what do ya want for nothing?"),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131), ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ]
        for (key, message, code) in cases {
            let computed = HMACSHA256.code(message.span.bytes, key: key.span.bytes)
            #expect(computed == hex(code))
        }
    }

    /// C Tor's test vectors.
    @Test(arguments: [
        (
            "Tor",
            """
            5521492a85139a8d9107a2d5c0d9c91610d0f95989975ebee6c02a4f8d622a6cfdf9b7c7edd3832e2760ded1eac309b76f8d
            66c4a3c4d6225429b3a016e3c3d45911152fc87bc2de9630c3961be9fdb9f93197ea8e5977180801926d3321fa21513e59ac
            """
        ),
        (
            "AN ALARMING ITEM TO FIND ON YOUR CREDIT-RATING STATEMENT",
            """
            a2aa9b50da7e481d30463adb8f233ff06e9571a0ca6ab6df0fb206fa34e5bc78d063fc291501beec53b36e5a0e434561200c
            5f8bd13e0f88b3459600b4dc21d69363e2895321c06184879d94b18f078411be70b767c7fc40679a9440a0c95ea83a23efbf
            """
        ),
    ])
    func `HKDF with ntor's labels`(secret: String, expected: String) {
        let secret = ascii(secret)
        let salt = ascii("ntor-curve25519-sha256-1:key_extract")
        let info = ascii("ntor-curve25519-sha256-1:key_expand")
        let derived = HKDFSHA256.derive(
            secret: secret.span.bytes, salt: salt.span.bytes, info: info.span.bytes, count: 100
        ).copyToArray()
        #expect(derived == hex(expected))
    }

    /// C Tor's test vectors.
    @Test(arguments: [
        (
            "",
            """
            5ba93c9db0cff93f52b521d7420e43f6eda2784fbf8b4530d8d246dd74ac53a13471bba17941dff7c4ea21bb365bbeeaf5f2
            c654883e56d11e43c44e9842926af7ca0a8cca12604f945414f07b01e13da42c6cf1de3abfdea9b95f34687cbbe92b9a7383
            """
        ),
        (
            "Tor",
            """
            776c6214fc647aaa5f683c737ee66ec44f03d0372e1cce69227950f236ddf1e329a7ce7c227903303f525a8c6662426e8034
            870642a6dabbd41b5d97ec9bf2312ea729992f48f8ea2d0ba83f45dfda1a80bdc8b80de01b23e3e0ffae099b3e4ccf28dc28
            """
        ),
    ])
    func `KDF-TOR`(secret: String, expected: String) {
        let secret = ascii(secret)
        let derived = KDFTor.derive(secret: secret.span.bytes, count: 100).copyToArray()
        #expect(derived == hex(expected))
    }

    /// RFC 7748 §6.1.
    @Test func `Curve25519 agrees from both sides, and refuses points of small order`() throws {
        let a = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
        let b = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
        let alice = X25519.KeyPair(secret: a.span.bytes)!
        let bob = X25519.KeyPair(secret: b.span.bytes)!
        #expect(alice.publicKey.bytes == hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
        #expect(bob.publicKey.bytes == hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
        let shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(try alice.sharedSecret(with: bob.publicKey).copyToArray() == shared)
        #expect(try bob.sharedSecret(with: alice.publicKey).copyToArray() == shared)
        for small in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        ] {
            let point = try #require(X25519.PublicKey(hex(small)))
            #expect(thrown { () throws(CryptoError) in _ = try alice.sharedSecret(with: point) } == .badPoint)
        }
    }

    @Test func `secrets are compared whole, and taken from arrays that end empty`() {
        var bytes: [UInt8] = [1, 2, 3]
        let secret = SecretBytes(taking: &bytes)
        #expect(bytes.isEmpty)
        let same = SecretBytes(copying: secret.bytes)
        let other = secret.copyToArray() == [1, 2, 3]
        let equal = secret == same
        #expect(other && equal)
        #expect(constantTimeEqual([1, 2], [1, 2]))
        #expect(!constantTimeEqual([1, 2], [1, 3]))
        #expect(!constantTimeEqual([1, 2], [1, 2, 3]))
        #expect(constantTimeEqual([], []))
    }
}
