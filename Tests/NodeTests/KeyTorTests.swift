import Cells
import Configuration
import Directory
import Foundation
import OnionCrypto
import ProtocolTestKit
import Testing

@testable import Node

/// Keys and documents, with C Tor as the judge.
@Suite(.enabled(if: KeyTorProgram.isWanted)) struct KeyTorTests {
    private let folder: TemporaryFolder
    private let now = WallTime(seconds: Int64(Date().timeIntervalSince1970))

    init() throws { folder = try TemporaryFolder() }

    private func settings(_ more: String = "", folder: String) throws -> Settings {
        let text = "DataDirectory \(folder)\nNickname mover\nORPort 9001\nContactInfo a\nAddress 127.0.0.1\n\(more)\n"
        return try Settings(torrc: TorrcFile(path: "torrc", text: text))
    }

    @Test func `a data folder moves from C Tor to us and back`() throws {
        let path = folder.path
        let rsa = try #require(try KeyTorProgram.fingerprint("rsa", folder: path, nickname: "mover"))
        let ed25519 = try #require(try KeyTorProgram.fingerprint("ed25519", folder: path, nickname: "mover"))
        func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path + "/keys").sorted() }
        let before = try names()
        let settings = try settings(folder: path)
        let (keys, notices) = try KeyStore(settings).load(now: now)
        #expect(notices.isEmpty)
        #expect(try names() == before)
        #expect(try KeyCommands.listFingerprint(settings, now: now) == rsa)
        #expect(try KeyCommands.listFingerprint(settings, kind: "ed25519", now: now) == ed25519)

        // With everything renewed by us, C Tor still knows itself.
        _ = try KeyStore(settings).load(now: now + 29 * 86_400 + 7200)
        let rotated = try #require(try KeyStore(settings).rotateOnionKeys(keys, now: now + 28 * 86_400))
        #expect(try KeyTorProgram.fingerprint("rsa", folder: path, nickname: "mover") == rsa)
        #expect(try KeyTorProgram.fingerprint("ed25519", folder: path, nickname: "mover") == ed25519)
        let again = try KeyStore(settings).load(now: now).keys
        #expect(again.onionKey.publicKey == rotated.onionKey.publicKey)
        #expect(again.previousOnionKey?.publicKey == keys.onionKey.publicKey)
    }

    @Test func `a folder that we made is C Tor's too`() throws {
        let settings = try settings(folder: folder.path)
        let rsa = try KeyCommands.listFingerprint(settings, now: now)
        let ed25519 = try KeyCommands.listFingerprint(settings, kind: "ed25519", now: now)
        let certificate = try Data(contentsOf: URL(filePath: folder.path + "/keys/ed25519_signing_cert"))
        let onion = try Data(contentsOf: URL(filePath: folder.path + "/keys/secret_onion_key_ntor"))
        #expect(try KeyTorProgram.fingerprint("rsa", folder: folder.path, nickname: "mover") == rsa)
        #expect(try KeyTorProgram.fingerprint("ed25519", folder: folder.path, nickname: "mover") == ed25519)
        #expect(try Data(contentsOf: URL(filePath: folder.path + "/keys/ed25519_signing_cert")) == certificate)
        #expect(try Data(contentsOf: URL(filePath: folder.path + "/keys/secret_onion_key_ntor")) == onion)
    }

    @Test func `tor-gencert's keys and ours are the same kind`() throws {
        let path = folder.path + "/keys"
        try SecureFiles.makeFolder(path)
        func gencert(_ more: [String]) throws -> Int32 {
            try KeyTorProgram.run(
                "tor-gencert",
                [
                    "--passphrase-fd", "0", "-i", path + "/authority_identity_key", "-s",
                    path + "/authority_signing_key", "-c", path + "/authority_certificate",
                ] + more, input: Data("secret\n".utf8)
            ).status
        }
        #expect(try gencert(["--create-identity-key", "-a", "127.0.0.1:7000"]) == 0)
        let store = KeyStore(try settings(folder: folder.path))
        let theirs = try store.loadAuthorityKeys()
        #expect(theirs.certificate.address?.description == "127.0.0.1:7000")
        // We sign with their identity key, and they with what we made of it.
        var maker = AuthorityKeyMaker()
        maker.identityPath = path + "/authority_identity_key"
        maker.signingPath = path + "/authority_signing_key"
        maker.certificatePath = path + "/authority_certificate"
        try maker.run(passphrase: SecretBytes(copying: "secret".utf8.span.bytes), now: now)
        let ours = try store.loadAuthorityKeys()
        #expect(ours.certificate.identity == theirs.certificate.identity)
        #expect(ours.signingKey.publicKey != theirs.signingKey.publicKey)
        #expect(try gencert(["--reuse"]) == 0)
        #expect(try store.loadAuthorityKeys().signingKey.publicKey == ours.signingKey.publicKey)
        try FileManager.default.removeItem(atPath: maker.identityPath)
        maker.createsIdentity = true
        try maker.run(passphrase: SecretBytes(copying: "secret".utf8.span.bytes), now: now)
        #expect(try gencert([]) == 0)
        #expect(try store.loadAuthorityKeys().certificate.identity != ours.certificate.identity)
    }

    /// An authority with keys that we made.
    private func authority() throws -> (KeyTorAuthority, RelayKeys, AuthorityKeys) {
        let ports = try KeyTorProgram.freePorts(2)
        let path = folder.path + "/auth"
        try SecureFiles.makeFolder(path + "/keys")
        var maker = AuthorityKeyMaker()
        maker.createsIdentity = true
        maker.address = SocketEndpoint("127.0.0.1:\(ports[1])")
        maker.identityPath = path + "/keys/authority_identity_key"
        maker.signingPath = path + "/keys/authority_signing_key"
        maker.certificatePath = path + "/keys/authority_certificate"
        try maker.run(passphrase: SecretBytes(copying: "secret".utf8.span.bytes), now: now)
        let store = KeyStore(try settings(folder: path))
        let keys = try store.load(now: now).keys
        let authorityKeys = try store.loadAuthorityKeys()
        let authority = try KeyTorAuthority(
            folder: path, fingerprint: keys.identity.hex, v3Identity: authorityKeys.certificate.identity.hex,
            ports: ports)
        return (authority, keys, authorityKeys)
    }

    @Test func `an authority of C Tor with our keys votes for our relay`() async throws {
        let (authority, ownKeys, authorityKeys) = try authority()
        let served = try await authority.poll(seconds: 60) { try authority.get("keys/all") }
        #expect(try KeyCertificate(served) == authorityKeys.certificate)

        let settings = try settings(
            """
            ExitRelay 1
            ExitPolicy accept *:80, accept *:443, reject *:*
            IPv6Exit 1
            MyFamily $0707070707070707070707070707070707070707
            BandwidthRate 1 MB
            BandwidthBurst 1 MB
            """, folder: folder.path + "/relay")
        let keys = try KeyStore(settings).load(now: now).keys
        let factory = RelayDescriptorFactory(
            settings,
            protocols: "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 Link=4-5 LinkAuth=3 Microdesc=1-2 Relay=2-4",
            platform: "Fanion 0.1 on Linux")
        var moment = RelayDescriptorFactory.Moment(
            ipv4: SocketEndpoint("127.0.0.2:9001")!, now: WallTime(seconds: Int64(Date().timeIntervalSince1970)))
        moment.ipv6 = SocketEndpoint("[fc00::2]:9001")
        moment.statistics = [Array("dirreq-v3-reqs us=8\n".utf8)]
        let made = try factory.publication(of: keys, at: moment)
        #expect(try authority.post(made.upload) == "200")

        // That it is stored and voted for says that it was accepted; the status says nothing.
        let line =
            "r mover \(Base64.encode(keys.identity.bytes, padding: false)) "
            + Base64.encode(made.router.digest.bytes, padding: false)
        let vote = try await authority.poll(seconds: 90) {
            for place in ["next", "current"] {
                guard let bytes = try authority.get("status-vote/\(place)/authority") else { continue }
                let text = String(decoding: bytes, as: UTF8.self)
                if text.contains(line) { return text }
            }
            return nil
        }
        let routers = DocumentSplitter.read(try #require(try authority.get("server/all")), startingWith: ["router"]) {
            _, bytes throws(DirectoryError) in try RouterDescriptor(bytes)
        }
        let documents = try routers.map { try $0.document.get() }
        #expect(Set(documents.map(\.nickname)) == ["auth0", "mover"])
        #expect(documents.first { $0.nickname == "mover" }?.bytes == made.router.bytes)
        #expect(documents.first { $0.nickname == "auth0" }?.ed25519Identity == ownKeys.ed25519Identity)

        let extraInfos = DocumentSplitter.read(
            try #require(try authority.get("extra/all")), startingWith: ["extra-info"]
        ) { _, bytes throws(DirectoryError) in try ExtraInfoDocument(bytes) }
        #expect(extraInfos.count == 2)
        for (_, extraInfo) in extraInfos {
            let extraInfo = try extraInfo.get()
            let router = try #require(documents.first { $0.identity == extraInfo.identity })
            try extraInfo.check(against: router)
        }

        // Every microdescriptor that the authority votes for is the one that we compute.
        let listed = vote.split(separator: "\n").map(String.init).filter { $0.hasPrefix("m ") }
        func lines(_ router: RouterDescriptor) -> [String] {
            Microdescriptor.all(of: router, methods: [32, 33, 34, 35]).map { methods, microdescriptor in
                "m \(methods.map(String.init).joined(separator: ",")) sha256="
                    + Base64.encode(microdescriptor.digest.bytes, padding: false)
            }
        }
        #expect(Set(listed).isSubset(of: documents.flatMap(lines)) && Set(lines(made.router)).isSubset(of: listed))
        let digests = listed.compactMap { $0.split(separator: "=", maxSplits: 1).last }.joined(separator: "-")
        let microdescriptors = try await authority.poll(seconds: 60) { try authority.get("micro/d/" + digests) }
        for (_, microdescriptor) in DocumentSplitter.read(
            microdescriptors, startingWith: ["onion-key"],
            { _, bytes throws(DirectoryError) in try Microdescriptor(bytes) })
        {
            #expect(digests.contains(Base64.encode(try microdescriptor.get().digest.bytes, padding: false)))
        }
    }

    /// A relay with a policy and a family that chance has made.
    private func randomRelay(_ number: Int, _ random: inout SeededRandom) throws -> RouterDescriptor {
        let relayFolder = folder.path + "/random\(number)"
        let keys = try KeyStore(try settings(folder: relayFolder)).load(now: now).keys
        var builder = RouterDescriptorBuilder(
            nickname: "random\(number)", address: 0x7F00_0100 + UInt32(number), orPort: 9001,
            platform: "Fanion 0.1 on Linux", protocols: "Link=4-5 Relay=2-4",
            published: WallTime(seconds: Int64(Date().timeIntervalSince1970)),
            bandwidth: .init(rate: 1000, burst: 1000, observed: 1000))
        builder.publishesIPv6Policy = true
        var policy = ExitPolicy.Settings()
        policy.ipv6Exit = number % 2 == 0
        policy.rejectPrivate = number % 3 != 0
        policy.reduced = number % 7 == 0
        let lines = (0..<Int.random(in: 0...30, using: &random)).map { _ in
            let low = UInt16.random(in: 1...9000, using: &random)
            let high = low + UInt16.random(in: 0...300, using: &random)
            let prefix = Int.random(in: 4...32, using: &random)
            let octet = Int.random(in: 1...220, using: &random)
            let address =
                [
                    "*", "*", "*4", "*6", "\(octet).0.0.0/\(prefix)", "\(octet).7.0.0/16", "private",
                    "[2001::]/\(prefix)",
                ]
                .randomElement(using: &random) ?? "*"
            let ports = ["*", "\(low)", "\(low)-\(high)", "80"].randomElement(using: &random) ?? "*"
            return (Bool.random(using: &random) ? "accept " : "reject ") + address + ":" + ports
        }
        builder.exitPolicy = try .configured(lines, policy)
        builder.family = (0..<(number % 4)).map { _ in
            Bool.random(using: &random)
                ? .nickname("Friend\(Int.random(in: 0...9, using: &random))")
                : .identity(RSAIdentity(random.bytes(20))!)
        }
        builder.familyKeys = (0..<(number % 3)).map { _ in Ed25519.KeyPair() }
        return try RouterDescriptor(try builder.signed(with: try #require(keys.documentKeys())))
    }

    @Test func `C Tor makes the same microdescriptors of whatever policies and families`() async throws {
        let (authority, _, _) = try authority()
        _ = try await authority.poll(seconds: 60) { try authority.get("keys/all") }
        var random = SeededRandom(seed: 99)
        let routers = try (0..<40).map { try randomRelay($0, &random) }
        #expect(try authority.post(routers.flatMap(\.bytes)) == "200")
        let vote = try await authority.poll(seconds: 90) {
            for place in ["next", "current"] {
                guard let bytes = try authority.get("status-vote/\(place)/authority") else { continue }
                let text = String(decoding: bytes, as: UTF8.self)
                if text.contains("r random39 ") { return text }
            }
            return nil
        }
        let lines = vote.split(separator: "\n").map(String.init)
        for router in routers {
            let start = try #require(lines.firstIndex { $0.hasPrefix("r \(router.nickname) ") })
            let entry = lines[(start + 1)...].prefix { !$0.hasPrefix("r ") && !$0.hasPrefix("directory-footer") }
            let expected = Microdescriptor.all(of: router, methods: [32, 33, 34, 35]).map { methods, microdescriptor in
                let first = methods.map(String.init).joined(separator: ",")
                return "m \(first) sha256=" + Base64.encode(microdescriptor.digest.bytes, padding: false)
            }
            #expect(entry.filter { $0.hasPrefix("m ") } == expected, "\(String(decoding: router.bytes, as: UTF8.self))")
            let summary = router.exitPolicy.summary(isIPv6: false).description
            #expect(entry.first { $0.hasPrefix("p ") } == "p " + summary)
        }
    }
}
