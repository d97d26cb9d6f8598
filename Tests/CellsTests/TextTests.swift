import Cells
import ProtocolTestKit
import Testing

@Suite struct TextTests {
    @Test func `base16 goes both ways and refuses the rest`() {
        #expect(Base16.encode([0x00, 0xAB, 0x9F]) == "00ab9f")
        #expect(Base16.encode([0x00, 0xAB, 0x9F], uppercase: true) == "00AB9F")
        #expect(Base16.decode("00aB9F") == [0x00, 0xAB, 0x9F])
        #expect(Base16.decode("0") == nil)
        #expect(Base16.decode("0g") == nil)
    }

    @Test(arguments: [
        ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"), ("fooba", "mzxw6ytb"),
    ])
    func `base32 agrees with RFC 4648`(plain: String, encoded: String) {
        #expect(Base32.encode(Array(plain.utf8)) == encoded)
        #expect(Base32.decode(encoded.uppercased()) == Array(plain.utf8))
    }

    @Test func `base32 refuses stray letters and bits`() {
        #expect(Base32.decode("m1") == nil)
        #expect(Base32.decode("mz") == nil)
        #expect(Base32.decode("mzx") == nil)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy"),
    ])
    func `base64 agrees with RFC 4648`(plain: String, encoded: String) {
        let bare = encoded.filter { $0 != "=" }
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.encode(Array(plain.utf8), padding: false) == bare)
        #expect(Base64.decode(encoded, padding: .required) == Array(plain.utf8))
        #expect(Base64.decode(bare) == Array(plain.utf8))
        #expect((Base64.decode(bare, padding: .required) == nil) == (bare != encoded))
        #expect((Base64.decode(encoded, padding: .forbidden) == nil) == (bare != encoded))
    }

    @Test(arguments: ["Z", "Zg=", "Zh==", "Z g==", "Zg==Zg==", "Zg-_", "===="])
    func `base64 refuses what no encoder writes`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01 00:00:00"), (951_782_400, "2000-02-29 00:00:00"), (-1, "1969-12-31 23:59:59"),
        (1_767_225_599, "2025-12-31 23:59:59"), (253_402_300_799, "9999-12-31 23:59:59"),
        (4_107_542_400, "2100-03-01 00:00:00"), (-62_135_596_800, "0001-01-01 00:00:00"),
    ])
    func `wall time is written and read`(seconds: Int64, text: String) {
        #expect(WallTime(seconds: seconds).description == text)
        #expect(WallTime(text: text) == WallTime(seconds: seconds))
    }

    @Test(arguments: [
        "2025-02-29 00:00:00", "2100-02-29 00:00:00", "2025-13-01 00:00:00", "2025-00-01 00:00:00",
        "2025-01-32 00:00:00",
        "2025-01-01 24:00:00", "2025-01-01 00:60:00", "2025-01-01T00:00:00", "2025-01-01 00:00", " 2025-01-01 00:00:0",
        "2025-1-01 000:00:00",
    ])
    func `a moment that does not exist is refused`(text: String) {
        #expect(WallTime(text: text) == nil)
    }

    @Test func `sensitive values print as scrubbed`() {
        let secret = Sensitive("10.0.0.1")
        #expect("\(secret)" == "[scrubbed]")
        #expect(String(reflecting: secret) == "[scrubbed]")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("10.0"))
        #expect(secret.value == "10.0.0.1")
    }

    @Test func `identities have their text forms`() throws {
        let rsa = try #require(RSAIdentity(0..<20))
        #expect(rsa.hex == "000102030405060708090A0B0C0D0E0F10111213")
        #expect(rsa.base64 == "AAECAwQFBgcICQoLDA0ODxAREhM")
        #expect(RSAIdentity(hex: rsa.hex.lowercased()) == rsa)
        #expect(RSAIdentity(base64: rsa.base64) == rsa)
        #expect(RSAIdentity(hex: "00") == nil)
        #expect(RSAIdentity(0..<21) == nil)
        let other = try #require(RSAIdentity([0x80] + Array(1..<20)))
        #expect(rsa < other)
        let ed = try #require(Ed25519Identity(0..<32))
        #expect(ed.bytes == Array(0..<32))
        #expect(ed.base64 == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
        #expect(Ed25519Identity(base64: ed.base64) == ed)
        #expect(Ed25519Identity(hex: ed.hex) == ed)
        #expect(Ed25519Identity(0..<31) == nil)
        #expect(!ed.isZero && Ed25519Identity([UInt8](repeating: 0, count: 32))?.isZero == true)
    }
}
