import OnionCrypto

/// Bytes written in hexadecimal; spaces and line ends are for the reader.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8(String($0), radix: 16)! }
    precondition(digits.count.isMultiple(of: 2))
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func ascii(_ text: String) -> [UInt8] {
    Array(text.utf8)
}

/// What `body` throws, or nil.
func thrown(_ body: () throws(CryptoError) -> Void) -> CryptoError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

extension RawSpan {
    var array: [UInt8] { self.withUnsafeBytes { [UInt8]($0) } }
}

/// A generator that repeats itself, for tests that must.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return self.state ^ (self.state >> 29)
    }
}

// Test macros cannot hold spans, so these take arrays.

func ed25519Pair(seed: [UInt8]) -> Ed25519.KeyPair? {
    Ed25519.KeyPair(seed: seed.span.bytes)
}

func ed25519Pair(expanded: [UInt8]) -> Ed25519.KeyPair? {
    Ed25519.KeyPair(expandedSecret: expanded.span.bytes)
}

func rsaPair(pem: [UInt8]) throws(CryptoError) -> RSAKeyPair {
    try RSAKeyPair(pem: pem.span.bytes)
}

func rsaPair(der: [UInt8]) throws(CryptoError) -> RSAKeyPair {
    try RSAKeyPair(der: der.span.bytes)
}

func rsaPair(encryptedPEM text: [UInt8], passphrase: [UInt8]) throws(CryptoError) -> RSAKeyPair {
    try RSAKeyPair(encryptedPEM: text.span.bytes, passphrase: passphrase.span.bytes)
}

func encryptedPEM(of pair: RSAKeyPair, passphrase: [UInt8]) throws(CryptoError) -> [UInt8] {
    try pair.encryptedPEM(passphrase: passphrase.span.bytes)
}

func pem(of pair: RSAKeyPair) throws(CryptoError) -> [UInt8] {
    try pair.pem().copyToArray()
}

func der(of pair: RSAKeyPair) throws(CryptoError) -> [UInt8] {
    try pair.copyDER().copyToArray()
}
