import Foundation
import Testing

@testable import OnionCrypto

@Suite struct RSATests {
    static let pair = try! RSAKeyPair(bits: 1024)
    static let digest = SHA256.hash(ascii("document"))

    @Test(arguments: [1024, 2048, 3072])
    func `pairs of Tor's sizes sign bare digests`(bits: Int) throws {
        let pair = try RSAKeyPair(bits: bits)
        #expect(pair.publicKey.bits == bits)
        let signature = try pair.sign(digest: Self.digest)
        #expect(signature.count == bits / 8)
        #expect(pair.publicKey.recover(signature) == Self.digest)
        #expect(pair.publicKey.isValidSignature(signature, ofDigest: Self.digest))
        #expect(!pair.publicKey.isValidSignature(signature, ofDigest: Array(Self.digest.dropLast())))
        #expect(!Self.pair.publicKey.isValidSignature(signature, ofDigest: Self.digest))
    }

    @Test(arguments: [0, 512, 1023, 4097, 1_000_000])
    func `other sizes are refused`(bits: Int) {
        #expect(throws: CryptoError.systemFailure) { try RSAKeyPair(bits: bits) }
    }

    @Test func `signatures are what openssl makes without a digest algorithm`() throws {
        let program = try OpenSSLProgram()
        try program.write(try OnionCryptoTests.pem(of: Self.pair), to: "key.pem")
        try program.write(Self.digest, to: "digest")
        let arguments = ["pkeyutl", "-sign", "-inkey", "key.pem", "-in", "digest", "-out", "signature"]
        #expect(
            try program.run(
                arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5],
                arguments[6], arguments[7]) != nil)
        #expect(try program.read("signature") == Self.pair.sign(digest: Self.digest))
    }

    @Test func `public keys go through DER and PEM, and openssl reads them`() throws {
        let key = Self.pair.publicKey
        #expect(try RSAPublicKey(der: key.der) == key)
        #expect(try RSAPublicKey(pem: key.pem) == key)
        #expect(key.pem.hasPrefix("-----BEGIN RSA PUBLIC KEY-----\n"))
        #expect(key.fingerprint.count == 20)
        #expect(key.fingerprint == SHA1.hash(key.der))
        #expect(key.digest == SHA256.hash(key.der))
        let program = try OpenSSLProgram()
        try program.write(ascii(key.pem), to: "public.pem")
        #expect(
            try program.run(
                "rsa", "-RSAPublicKey_in", "-in", "public.pem", "-RSAPublicKey_out", "-outform", "DER",
                "-out", "public.der") != nil)
        #expect(try program.read("public.der") == key.der)
    }

    @Test func `private keys go through PEM, which openssl accepts`() throws {
        let pem = try OnionCryptoTests.pem(of: Self.pair)
        #expect(String(decoding: pem, as: UTF8.self).hasPrefix("-----BEGIN RSA PRIVATE KEY-----\n"))
        #expect(try rsaPair(pem: pem).publicKey == Self.pair.publicKey)
        #expect(try rsaPair(der: OnionCryptoTests.der(of: Self.pair)).publicKey == Self.pair.publicKey)
        let program = try OpenSSLProgram()
        try program.write(pem, to: "key.pem")
        #expect(try program.run("rsa", "-check", "-noout", "-in", "key.pem")?.contains("RSA key ok") == true)
    }

    @Test func `encrypted private keys open with the right passphrase only`() throws {
        let passphrase = ascii("correct horse")
        let wrong = ascii("battery staple")
        let text = try encryptedPEM(of: Self.pair, passphrase: passphrase)
        #expect(String(decoding: text, as: UTF8.self).hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
        let opened = try rsaPair(encryptedPEM: text, passphrase: passphrase)
        #expect(opened.publicKey == Self.pair.publicKey)
        #expect(throws: CryptoError.badPassphrase) {
            try rsaPair(encryptedPEM: text, passphrase: wrong)
        }
        let empty: [UInt8] = []
        #expect(throws: CryptoError.badPassphrase) {
            try rsaPair(encryptedPEM: text, passphrase: empty)
        }
        #expect(throws: CryptoError.badPassphrase) { try encryptedPEM(of: Self.pair, passphrase: empty) }
        #expect(throws: CryptoError.badKey) { try rsaPair(pem: text) }
        let program = try OpenSSLProgram()
        try program.write(text, to: "key.pem")
        #expect(try program.run("pkey", "-in", "key.pem", "-passin", "pass:correct horse", "-noout") != nil)
        // What tor-gencert writes: PKCS#8 by SHA-1 and 3DES.
        try program.write(try OnionCryptoTests.pem(of: Self.pair), to: "plain.pem")
        #expect(
            try program.run(
                "pkcs8", "-topk8", "-in", "plain.pem", "-v1", "PBE-SHA1-3DES", "-passout",
                "pass:correct horse", "-out", "gencert.pem") != nil)
        let gencert = try program.read("gencert.pem")
        let fromGencert = try rsaPair(encryptedPEM: gencert, passphrase: passphrase)
        #expect(fromGencert.publicKey == Self.pair.publicKey)
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/tor-gencert")))
    func `tor-gencert's key files are read, and it reads ours`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "fanion-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let passphrase = ascii("correct horse")
        func gencert(_ more: [String]) throws -> Int32 {
            let process = Process()
            let input = Pipe()
            process.executableURL = URL(filePath: "/usr/bin/tor-gencert")
            process.currentDirectoryURL = folder
            process.arguments = ["--passphrase-fd", "0", "-m", "12", "-i", "identity"] + more
            process.standardInput = input
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            try input.fileHandleForWriting.write(contentsOf: Data(passphrase + [10]))
            try input.fileHandleForWriting.close()
            process.waitUntilExit()
            return process.terminationStatus
        }
        func read(_ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: folder.appending(path: name)))
        }
        #expect(try gencert(["--create-identity-key", "-s", "signing", "-c", "certificate"]) == 0)
        let identity = try rsaPair(encryptedPEM: read("identity"), passphrase: passphrase)
        #expect(identity.publicKey.bits == 3072)
        #expect(try rsaPair(pem: read("signing")).publicKey.bits == 2048)
        let certificate = String(decoding: try read("certificate"), as: UTF8.self)
        #expect(certificate.contains(identity.publicKey.pem))
        // And an identity key of ours signs with its help.
        let own = try RSAKeyPair(bits: 3072)
        try Data(encryptedPEM(of: own, passphrase: passphrase)).write(to: folder.appending(path: "identity"))
        #expect(try gencert(["-s", "signing2", "-c", "certificate2"]) == 0)
        #expect(String(decoding: try read("certificate2"), as: UTF8.self).contains(own.publicKey.pem))
    }

    @Test func `keys with another exponent, size or kind are refused`() throws {
        let program = try OpenSSLProgram()
        for (name, algorithm, option) in [
            ("exponent", "RSA", "rsa_keygen_pubexp:3"), ("small", "RSA", "rsa_keygen_bits:512"),
            ("curve", "EC", "ec_paramgen_curve:P-256"),
        ] {
            #expect(try program.run("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", name) != nil)
            let pem = try program.read(name)
            #expect(throws: CryptoError.badKey) { try rsaPair(pem: pem) }
        }
        #expect(
            try program.run("rsa", "-in", "exponent", "-RSAPublicKey_out", "-outform", "DER", "-out", "public") != nil)
        let publicKey = try program.read("public")
        #expect(throws: CryptoError.badKey) { try RSAPublicKey(der: publicKey) }
    }

    @Test func `a private key whose numbers do not belong together is refused`() throws {
        var der = try OnionCryptoTests.der(of: Self.pair)
        // Inside the private exponent: version 3 bytes, modulus and public exponent come first.
        der[200] ^= 1
        #expect(throws: CryptoError.badKey) { try rsaPair(der: der) }
    }

    @Test func `truncated and extended encodings are refused`() throws {
        let der = Self.pair.publicKey.der
        for count in 0..<der.count {
            #expect(throws: CryptoError.badKey) { try RSAPublicKey(der: Array(der.prefix(count))) }
        }
        #expect(throws: CryptoError.badKey) { try RSAPublicKey(der: der + [0]) }
        #expect(throws: CryptoError.badKey) { try RSAPublicKey(pem: "-----BEGIN RSA PUBLIC KEY-----\n") }
        let other = Self.pair.publicKey.pem.replacing("RSA PUBLIC KEY", with: "PUBLIC KEY")
        #expect(throws: CryptoError.badKey) { try RSAPublicKey(pem: other) }
    }

    @Test func `damaged signatures are refused`() throws {
        let signature = try Self.pair.sign(digest: Self.digest)
        for index in stride(from: 0, to: signature.count, by: 7) {
            var changed = signature
            changed[index] ^= 0x10
            #expect(!Self.pair.publicKey.isValidSignature(changed, ofDigest: Self.digest))
        }
        #expect(!Self.pair.publicKey.isValidSignature([], ofDigest: Self.digest))
        #expect(!Self.pair.publicKey.isValidSignature(signature + [0], ofDigest: Self.digest))
        #expect(!Self.pair.publicKey.isValidSignature(Array(signature.dropLast()), ofDigest: Self.digest))
        #expect(throws: CryptoError.systemFailure) {
            try Self.pair.sign(digest: [UInt8](repeating: 1, count: 118))
        }
    }
}
