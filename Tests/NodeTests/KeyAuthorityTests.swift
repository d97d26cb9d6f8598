import Cells
import Configuration
import Directory
import Foundation
import OnionCrypto
import Testing

@testable import Node

@Suite struct KeyAuthorityTests {
    private let folder: TemporaryFolder
    private let now = WallTime(seconds: 1_769_860_800)
    private var maker = AuthorityKeyMaker()

    init() throws {
        folder = try TemporaryFolder()
        maker.identityPath = folder.path + "/keys/authority_identity_key"
        maker.signingPath = folder.path + "/keys/authority_signing_key"
        maker.certificatePath = folder.path + "/keys/authority_certificate"
        try SecureFiles.makeFolder(folder.path + "/keys")
    }

    private func passphrase(_ text: String = "secret") -> SecretBytes { SecretBytes(copying: text.utf8.span.bytes) }

    private func store() throws -> KeyStore {
        let text = "DataDirectory \(folder.path)\nORPort 9001\nAddress 192.0.2.1\n"
        return KeyStore(try Settings(torrc: TorrcFile(path: "torrc", bytes: Array(text.utf8))))
    }

    @Test func `keys and certificate are made, kept and loaded`() throws {
        var maker = maker
        maker.createsIdentity = true
        maker.months = 1
        maker.address = SocketEndpoint("192.0.2.1:80")
        try maker.run(passphrase: passphrase(), now: now)
        #expect(try folder.mode("keys/authority_identity_key") == 0o400)
        #expect(try folder.mode("keys/authority_signing_key") == 0o600)
        let first = try store().loadAuthorityKeys()
        #expect(first.certificate.identityKey.bits == 3072 && first.signingKey.publicKey.bits == 2048)
        #expect(first.certificate.address == maker.address && first.certificate.published == now)
        // A month after 31 January, as C counts.
        #expect(first.certificate.expires.description == "2026-03-03 12:00:00")

        // Never over an identity that exists.
        #expect(throws: FileError.self) { try maker.run(passphrase: passphrase(), now: now) }
        maker.createsIdentity = false
        #expect(throws: FileError.self) { try maker.run(passphrase: passphrase("wrong"), now: now) }
        maker.reusesSigningKey = true
        try maker.run(passphrase: passphrase(), now: now + 60)
        let second = try store().loadAuthorityKeys()
        #expect(second.signingKey.publicKey == first.signingKey.publicKey)
        #expect(second.certificate.identity == first.certificate.identity)
        #expect(second.certificate.published == now + 60)

        // A signing key without its certificate.
        let certificate = try Data(contentsOf: URL(filePath: maker.certificatePath))
        maker.reusesSigningKey = false
        try maker.run(passphrase: passphrase(), now: now)
        try certificate.write(to: URL(filePath: maker.certificatePath))
        let failure = #expect(throws: FileError.self) { try store().loadAuthorityKeys() }
        #expect(failure?.reason.contains("another key") == true)
        try certificate.prefix(800).write(to: URL(filePath: maker.certificatePath))
        #expect(throws: FileError.self) { try store().loadAuthorityKeys() }
    }

    @Test func `a passphrase that is too short leaves nothing behind`() throws {
        var maker = maker
        maker.createsIdentity = true
        #expect(throws: FileError.self) { try maker.run(passphrase: passphrase("abc"), now: now) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/keys").isEmpty)
    }
}
