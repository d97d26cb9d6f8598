import Testing

@testable import OnionCrypto

@Suite struct DigestTests {
    @Test func `digests of three letters, and of a million`() {
        #expect(SHA1.hash(ascii("abc")) == hex("a9993e364706816aba3e25717850c26c9cd0d89d"))
        #expect(
            SHA256.hash(ascii("abc")) == hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
        #expect(
            SHA3_256.hash(ascii("abc")) == hex("3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"))
        let shake = hex(
            """
            483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739d5a15bef186a5386c75744c0527e1faa9f8726e462a12a4f
            eb06bd8801e751e4
            """)
        #expect(SHAKE256.hash(ascii("abc"), count: 64) == shake)
        let million = [UInt8](repeating: 0x61, count: 1_000_000)
        #expect(SHA1.hash(million) == hex("34aa973cd4c4daa4f61eeb2bdbad27316534016f"))
        #expect(SHA256.hash(million) == hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"))
    }

    @Test func `asking for a digest does not end it`() {
        var sha1 = SHA1()
        var sha256 = SHA256()
        var sha3 = SHA3_256()
        var shake = SHAKE256()
        let letters = ascii("abc")
        for letter in letters {
            let one = [letter]
            sha1.update(one.span.bytes)
            sha256.update(one.span.bytes)
            sha3.update(one.span.bytes)
            shake.update(one.span.bytes)
            _ = (sha1.digest(), sha256.digest(), sha3.digest(), shake.digest(count: 7))
        }
        let results = [sha1.digest(), sha256.digest(), sha3.digest(), shake.digest(count: 32)]
        #expect(
            results == [
                SHA1.hash(letters), SHA256.hash(letters), SHA3_256.hash(letters), SHAKE256.hash(letters, count: 32),
            ])
    }

    @Test func `a copy of a running digest is a checkpoint`() {
        let first = ascii("first")
        let second = ascii("second")
        var running = RunningSHA1()
        running.update(first.span.bytes)
        let checkpoint = running
        running.update(second.span.bytes)
        #expect(checkpoint.digest().span.bytes.array == SHA1.hash(first))
        #expect(running.digest().span.bytes.array == SHA1.hash(first + second))
    }
}
