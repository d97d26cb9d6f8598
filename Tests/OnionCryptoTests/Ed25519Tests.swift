import Testing

@testable import OnionCrypto

@Suite struct Ed25519Tests {
    /// RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature.
    static let rfc8032 = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            """
            e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b
            d25bf5f0595bbe24655141438e7a100b
            """
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            """
            92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c
            387b2eaeb4302aeeb00d291612bb0c00
            """
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            """
            6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659
            4a7c15e9716ed28dc027beceea1ec40a
            """
        ),
    ]

    /// The numbers of C Tor's tests: seed, expanded secret, public key, Curve25519 form of that, signature of it.
    static let tor = [
        [
            "26c76712d89d906e6672dafa614c42e5cb1caac8c6568e4d2493087db51f0d36",
            """
            c0a4de23cc64392d85aa1da82b3defddbea946d13bb053bf8489fa9296281f495022f1f7ec0dcf52f07d4c7965c4eaed
            121d5d88d0a8ff546b06116a20e97755
            """,
            "c2247870536a192d142d056abefca68d6193158e7c1a59c1654c954eccaff894",
            "17ba77846e04c7ee5ca17cade774ac1884408f9701f439d4df32cbd8736c6a1f",
            """
            d23188eac3773a316d46006fa59c095060be8b1a23582a0dd99002a82a0662bd246d8449e172e04c5f46ac0d1404cebe
            4aabd8a75a1457aa06cae41f3334f104
            """,
        ],
        [
            "fba7a5366b5cb98c2667a18783f5cf8f4f8d1a2ce939ad22a6e685edde85128d",
            """
            18a8a69a06790dac778e882f7e868baacfa12521a5c058f5194f3a729184514a2a656fe7799c3e41f43d756da8d9cd47
            a061316cfe6147e23ea2f90d1ca45f30
            """,
            "1519a3b15816a1aafab0b213892026ebf5c0dc232c58b21088d88cb90e9b940d",
            "022be2124bc1899a78ba2b4167d191af3b59cadf94f0382bc31ce183a117f161",
            """
            3a785ac1201c97ee5f6f0d99323960d5f264c7825e61aa7cc81262f15bef75eb4fa5723add9b9d45b12311b6d403eb3a
            c79ff8e4e631fc3cd51e4ad2185b200b
            """,
        ],
    ]

    @Test func `the vectors of RFC 8032 come out`() throws {
        for (seed, publicKey, message, signature) in Self.rfc8032 {
            let seed = hex(seed)
            let pair = try #require(ed25519Pair(seed: seed))
            #expect(pair.publicKey.bytes == hex(publicKey))
            #expect(pair.sign(hex(message)) == hex(signature))
            #expect(pair.publicKey.isValidSignature(hex(signature), of: hex(message)))
            #expect(pair.publicKey.isValid)
        }
    }

    @Test func `seeds expand as in C Tor, and expanded secrets sign the same`() throws {
        for vector in Self.tor {
            let seed = hex(vector[0])
            let expanded = hex(vector[1])
            let fromSeed = try #require(ed25519Pair(seed: seed))
            #expect(fromSeed.copyExpandedSecret().copyToArray() == expanded)
            let pair = try #require(ed25519Pair(expanded: expanded))
            #expect(pair.publicKey.bytes == hex(vector[2]))
            #expect(pair.sign(pair.publicKey.bytes) == hex(vector[4]))
            #expect(fromSeed.sign(pair.publicKey.bytes) == hex(vector[4]))
        }
    }

    @Test func `Curve25519 keys become Ed25519 keys and back up their sign bit`() throws {
        for vector in Self.tor {
            let curve = try #require(X25519.PublicKey(hex(vector[3])))
            let edwards = try #require(Ed25519.PublicKey(hex(vector[2])))
            #expect(Ed25519.PublicKey(converting: curve, signBit: edwards.signBit) == edwards)
            #expect(Ed25519.PublicKey(converting: curve, signBit: !edwards.signBit) != edwards)
        }
        var signs: Set<Bool> = []
        for _ in 0..<20 {
            let onionKey = X25519.KeyPair()
            let pair = Ed25519.KeyPair(converting: onionKey)
            signs.insert(pair.publicKey.signBit)
            let converted = Ed25519.PublicKey(converting: onionKey.publicKey, signBit: pair.publicKey.signBit)
            #expect(converted == pair.publicKey)
            #expect(pair.publicKey.isValid)
            #expect(pair.publicKey.isValidSignature(pair.sign(ascii("cross")), of: ascii("cross")))
        }
        #expect(signs.count == 2)
    }

    @Test func `a converted key's secret has the high part that C Tor derives`() throws {
        let curve = X25519.KeyPair()
        let pair = Ed25519.KeyPair(converting: curve)
        var hash = SHA512()
        hash.update(curve.copySecret().bytes)
        hash.update(ascii("Derive high part of ed25519 key from curve25519 key") + [0])
        let expected = curve.copySecret().copyToArray() + hash.finish().copyToArray().prefix(32)
        #expect(pair.copyExpandedSecret().copyToArray() == expected)
    }

    @Test func `u = -1 has no Ed25519 form`() throws {
        let minusOne = hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
        #expect(Ed25519.PublicKey(converting: try #require(X25519.PublicKey(minusOne)), signBit: false) == nil)
    }

    @Test func `every changed bit of a signature, message or key is noticed`() {
        let pair = Ed25519.KeyPair()
        let message = ascii("certificate")
        let signature = pair.sign(message)
        #expect(pair.publicKey.isValidSignature(signature, of: message))
        for index in signature.indices {
            var changed = signature
            changed[index] ^= 1
            #expect(!pair.publicKey.isValidSignature(changed, of: message))
        }
        #expect(!pair.publicKey.isValidSignature(signature, of: ascii("certificatf")))
        #expect(!Ed25519.KeyPair().publicKey.isValidSignature(signature, of: message))
        for length in [0, 63, 65] {
            let other = Array((signature + [0]).prefix(length))
            #expect(!pair.publicKey.isValidSignature(other, of: message))
        }
    }

    @Test func `a signature with the group's order added is refused`() throws {
        let pair = Ed25519.KeyPair()
        var signature = pair.sign([])
        let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
        var carry = 0
        for index in 0..<32 {
            let sum = Int(signature[32 + index]) + Int(order[index]) + carry
            signature[32 + index] = UInt8(truncatingIfNeeded: sum)
            carry = sum >> 8
        }
        #expect(!pair.publicKey.isValidSignature(signature, of: []))
    }

    @Test(arguments: [
        // The neutral element, a point of order 8, one that is not canonical, and one that is on the twist.
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0200000000000000000000000000000000000000000000000000000000000000",
    ])
    func `points that are no keys are not valid`(point: String) throws {
        #expect(try !#require(Ed25519.PublicKey(hex(point))).isValid)
    }

    @Test func `keys of another length are refused`() {
        let short = [UInt8](repeating: 8, count: 31)
        let zero = [UInt8](repeating: 0, count: 64)
        #expect(Ed25519.PublicKey(short) == nil)
        #expect(Ed25519.PublicKey(short + short) == nil)
        #expect(ed25519Pair(seed: short) == nil)
        #expect(ed25519Pair(expanded: short) == nil)
        #expect(ed25519Pair(expanded: zero) == nil)
    }
}
