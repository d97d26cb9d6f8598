import Cells
import Configuration
import Directory
import Foundation
import OnionCrypto
import Testing

@testable import Node

@Suite struct KeyStoreTests {
    private let folder: TemporaryFolder
    private let now = WallTime(seconds: Int64(Date().timeIntervalSince1970))
    private let day: Int64 = 86_400

    init() throws { folder = try TemporaryFolder() }

    private func settings(_ more: String = "", folder path: String? = nil) throws -> Settings {
        let text = """
            DataDirectory \(path ?? folder.path)
            Nickname fanion1
            ORPort 9001
            ContactInfo somebody
            Address 192.0.2.1
            \(more)
            """
        return try Settings(torrc: TorrcFile(path: "torrc", bytes: Array(text.utf8)))
    }

    private func store(_ more: String = "", folder path: String? = nil) throws -> KeyStore {
        KeyStore(try settings(more, folder: path))
    }

    private var keyNames: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/keys")) ?? []).sorted()
    }

    private func path(_ name: String) -> String { folder.path + "/keys/" + name }

    private static let allFiles = [
        "ed25519_master_id_public_key", "ed25519_master_id_secret_key", "ed25519_signing_cert",
        "ed25519_signing_secret_key", "secret_id_key", "secret_onion_key", "secret_onion_key_ntor",
    ]

    @Test func `a new relay's keys are made once, private, and found again`() throws {
        let (keys, notices) = try store().load(now: now)
        #expect(keyNames == Self.allFiles)
        for name in Self.allFiles { #expect(try folder.mode("keys/" + name) == 0o600) }
        #expect(try folder.mode("keys") == 0o700)
        #expect(notices.first == .madeIdentity && notices.count == 2)
        #expect((29 * day...30 * day + 3600).contains(keys.signingKeyCertificate.expiration - now))

        let (again, silence) = try store().load(now: now + 100)
        #expect(silence.isEmpty && again.identity == keys.identity && again.ed25519Identity == keys.ed25519Identity)
        #expect(again.onionKey.publicKey == keys.onionKey.publicKey && again.previousOnionKey == nil)
        #expect(again.tapOnionKey.publicKey == keys.tapOnionKey.publicKey)
        #expect(again.signingKeyCertificate == keys.signingKeyCertificate)
        #expect(again.onionKeySnapshot.rsaIdentity == keys.identity.bytes)
        #expect(try #require(again.documentKeys()).ed25519Identity == keys.ed25519Identity)
        #expect(again.documentKeys(publishesTapKey: false)?.tapOnionKey == nil)
    }

    @Test func `the signing key is renewed in time, the identity stays`() throws {
        let keys = try store().load(now: now).keys
        let renewal = try store().nextRenewal(of: keys)
        #expect(renewal == min(keys.signingKeyCertificate.expiration - day, keys.onionKeySince + 28 * day))
        #expect(try store().load(now: now + 28 * day).notices.isEmpty)
        let (renewed, notices) = try store().load(now: now + 29 * day + 7200)
        #expect(notices == [.renewedSigningKey(expires: renewed.signingKeyCertificate.expiration)])
        #expect(renewed.ed25519Identity == keys.ed25519Identity)
        #expect(renewed.signingKey.publicKey != keys.signingKey.publicKey)
        #expect(keyNames == Self.allFiles)
    }

    @Test(arguments: ["", "OfflineMasterKey 1"])
    func `without the master's secret the signing key does until its end`(_ option: String) throws {
        let keys = try store().load(now: now).keys
        let expires = keys.signingKeyCertificate.expiration
        try FileManager.default.removeItem(atPath: path("ed25519_master_id_secret_key"))
        #expect(try store(option).load(now: now).notices.isEmpty)
        let (late, notices) = try store(option).load(now: expires - 100)
        #expect(notices == [.cannotRenewSigningKey(expires: expires)] && notices[0].isWarning)
        #expect(late.ed25519Identity == keys.ed25519Identity)
        let failure = #expect(throws: FileError.self) { try store(option).load(now: expires + 1) }
        #expect(failure?.description.contains("--keygen") == true)
        // The public half can be got from the certificate.
        try FileManager.default.removeItem(atPath: path("ed25519_master_id_public_key"))
        let restored = try store(option).load(now: now)
        #expect(restored.notices == [.restoredMasterPublicKey] && restored.keys.ed25519Identity == keys.ed25519Identity)
        #expect(keyNames.contains("ed25519_master_id_public_key"))
    }

    @Test func `keygen makes a new signing key, where the master is`() throws {
        let keys = try store().load(now: now).keys
        let lines = try KeyCommands.keygen(try settings("OfflineMasterKey 1"), now: now + 3600)
        #expect(lines.count == 1)
        let after = try store("OfflineMasterKey 1").load(now: now + 3600).keys
        #expect(after.ed25519Identity == keys.ed25519Identity)
        #expect(after.signingKey.publicKey != keys.signingKey.publicKey)
        // And all of it in an empty folder, without the keys that belong to the running relay.
        let other = try TemporaryFolder()
        _ = try KeyCommands.keygen(try settings(folder: other.path), now: now)
        let made = try FileManager.default.contentsOfDirectory(atPath: other.path + "/keys").sorted()
        #expect(made == Self.allFiles.filter { $0.hasPrefix("ed25519") })
    }

    @Test func `onion keys take turns`() throws {
        let store = try store()
        let first = try store.load(now: now).keys
        #expect(try store.rotateOnionKeys(first, now: now + 28 * day - 60) == nil)
        let second = try #require(try store.rotateOnionKeys(first, now: now + 28 * day))
        #expect(second.previousOnionKey?.publicKey == first.onionKey.publicKey)
        #expect(second.onionKey.publicKey != first.onionKey.publicKey && second.onionKeySince == now + 28 * day)
        #expect(second.tapOnionKey.publicKey != first.tapOnionKey.publicKey)
        #expect(keyNames.contains("secret_onion_key.old") && keyNames.contains("secret_onion_key_ntor.old"))
        let loaded = try store.load(now: now).keys
        #expect(loaded.onionKey.publicKey == second.onionKey.publicKey)
        #expect(loaded.previousOnionKey?.publicKey == first.onionKey.publicKey)

        #expect(try store.rotateOnionKeys(second, now: now + 35 * day - 60) == nil)
        #expect(store.nextRenewal(of: second) <= now + 35 * day)
        let third = try #require(try store.rotateOnionKeys(second, now: now + 35 * day))
        #expect(third.previousOnionKey == nil && third.onionKey.publicKey == second.onionKey.publicKey)
        #expect(keyNames == Self.allFiles)
    }

    @Test(arguments: allFiles) func `a damaged file is named, and left as it is`(_ name: String) throws {
        _ = try store().load(now: now)
        let whole = try Data(contentsOf: URL(filePath: path(name)))
        for count in [1, 20, 31, 32, 40, whole.count - 3] {
            try whole.prefix(count).write(to: URL(filePath: path(name)))
            let failure = #expect(throws: FileError.self, "\(count)") { try store().load(now: now + 30 * day - 3600) }
            #expect(failure?.path.hasSuffix(name) == true, "\(count): \(String(describing: failure))")
            #expect(try Data(contentsOf: URL(filePath: path(name))) == whole.prefix(count))
        }
    }

    @Test(arguments: allFiles.filter { !$0.hasSuffix("cert") && !$0.hasSuffix("public_key") })
    func `a secret that others can read is refused`(_ name: String) throws {
        _ = try store().load(now: now)
        chmod(path(name), 0o644)
        let failure = #expect(throws: FileError.self) { try store().load(now: now + 30 * day - 3600) }
        #expect(failure?.description.contains("chmod 0600 \(path(name))") == true)
    }

    @Test func `keys of two relays do not mix`() throws {
        let other = try TemporaryFolder()
        _ = try store().load(now: now)
        _ = try store(folder: other.path).load(now: now)
        func take(_ name: String) throws {
            try FileManager.default.removeItem(atPath: path(name))
            try FileManager.default.copyItem(atPath: other.path + "/keys/" + name, toPath: path(name))
        }
        try take("ed25519_master_id_public_key")
        let one = #expect(throws: FileError.self) { try store().load(now: now) }
        #expect(one?.path.hasSuffix("ed25519_signing_cert") == true)
        let two = #expect(throws: FileError.self) { try store().load(now: now + 40 * day) }
        #expect(two?.path.hasSuffix("ed25519_master_id_public_key") == true)
        try take("ed25519_master_id_secret_key")
        #expect(throws: FileError.self) { try store().load(now: now + 40 * day) }
        let wrong = try Data(contentsOf: URL(filePath: path("ed25519_signing_secret_key")))
        try wrong.write(to: URL(filePath: path("ed25519_master_id_secret_key")))
        let three = #expect(throws: FileError.self) { try store().load(now: now + 40 * day) }
        #expect(three?.reason.contains("type4") == true)
    }

    @Test func `a certificate of another signing key is replaced where the master is`() throws {
        let keys = try store().load(now: now).keys
        let certificate = try Data(contentsOf: URL(filePath: path("ed25519_signing_cert")))
        _ = try store().keygen(now: now)
        // As after a crash between the two files.
        try certificate.write(to: URL(filePath: path("ed25519_signing_cert")))
        let (healed, notices) = try store().load(now: now)
        #expect(healed.ed25519Identity == keys.ed25519Identity && notices.count == 1)
        try certificate.write(to: URL(filePath: path("ed25519_signing_cert")))
        try FileManager.default.removeItem(atPath: path("ed25519_master_id_secret_key"))
        #expect(throws: FileError.self) { try store().load(now: now) }
        // Not even without any master key is the relay given a new identity.
        try FileManager.default.removeItem(atPath: path("ed25519_master_id_public_key"))
        #expect(throws: FileError.self) { try store().load(now: now) }
    }

    @Test func `fingerprints are written and listed in C Tor's words`() throws {
        let keys = try store().load(now: now).keys
        try store().writeFingerprints(of: keys)
        func line(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(filePath: folder.path + "/" + name)), as: UTF8.self)
        }
        #expect(try line("fingerprint") == "fanion1 \(keys.identity.hex)\n")
        #expect(try line("fingerprint-ed25519") == "fanion1 \(keys.ed25519Identity.base64)\n")
        let settings = try settings()
        #expect(try KeyCommands.listFingerprint(settings, now: now) == "fanion1 \(keys.identity.spacedHex)")
        #expect(
            try KeyCommands.listFingerprint(settings, kind: "ed25519", now: now)
                == "fanion1 \(keys.ed25519Identity.base64)")
        #expect(throws: KeyCommands.Failure.self) {
            try KeyCommands.listFingerprint(settings, kind: "dsa", now: now)
        }
        let client = try Settings(torrc: TorrcFile(path: "torrc", bytes: Array("SocksPort 9050\n".utf8)))
        #expect(throws: KeyCommands.Failure.self) { try KeyCommands.listFingerprint(client, now: now) }
    }

    @Test func `a full disk leaves the old keys whole`() throws {
        let disk = folder.path + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        // Needs privileges; elsewhere there is nothing to see.
        guard mount("tmpfs", disk, "tmpfs", 0, "size=64k,mode=700") == 0 else { return }
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let keys = try store(folder: disk).load(now: now).keys
        let before = try FileManager.default.contentsOfDirectory(atPath: disk + "/keys").sorted()
        _ = FileManager.default.createFile(atPath: disk + "/filler", contents: nil)
        let filler = try FileHandle(forWritingTo: URL(filePath: disk + "/filler"))
        while (try? filler.write(contentsOf: Data(count: 4096))) != nil {}
        #expect(throws: FileError.self) { try store(folder: disk).keygen(now: now) }
        #expect(throws: FileError.self) { try store(folder: disk).rotateOnionKeys(keys, now: now + 28 * day) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk + "/keys").sorted() == before)
        let after = try store(folder: disk).load(now: now)
        #expect(after.notices.isEmpty && after.keys.signingKeyCertificate == keys.signingKeyCertificate)
        #expect(after.keys.onionKey.publicKey == keys.onionKey.publicKey)
    }

    @Test func `descriptors are made of settings, keys and the moment`() throws {
        let settings = try settings(
            """
            ExitRelay 1
            ExitPolicy accept *:443, reject *:*
            MyFamily $0707070707070707070707070707070707070707, fanion1
            BandwidthRate 1 MB
            BandwidthBurst 2 MB
            MaxAdvertisedBandwidth 500 KB
            """)
        let keys = try store().load(now: now).keys
        let factory = RelayDescriptorFactory(settings, protocols: "Link=4-5 Relay=2-4", platform: "Fanion 0.1 on Linux")
        var moment = RelayDescriptorFactory.Moment(ipv4: SocketEndpoint("192.0.2.1:9001")!, now: now)
        moment.observedBandwidth = 12_345
        moment.uptime = 60
        moment.statistics = [Array("hidserv-stats-end 2026-11-24 22:00:00 (86400 s)\n".utf8)]
        let made = try factory.publication(of: keys, at: moment)
        let router = made.router
        #expect(router.nickname == "fanion1" && router.identity == keys.identity && router.contact == "somebody")
        #expect(router.bandwidth == .init(rate: 500 << 10, burst: 2 << 20, observed: 12_345))
        #expect(router.family?.members.count == 2 && router.uptime == 60 && router.dirPort == 0)
        #expect(router.exitPolicy.answer(to: IPAddress("8.8.8.8"), port: 443) == .accepted)
        #expect(router.exitPolicy.answer(to: IPAddress("10.0.0.1"), port: 443) == .rejected)
        #expect(router.exitPolicy.answer(to: IPAddress("192.0.2.1"), port: 443) == .rejected)
        try made.extraInfo.check(against: router)
        #expect(made.upload.count == router.bytes.count + made.extraInfo.bytes.count)
        moment.isDNSBroken = true
        moment.isHibernating = true
        let closed = try factory.publication(of: keys, at: moment).router
        #expect(closed.rejectsEverything && closed.isHibernating && closed.bandwidth.observed == 0)
        moment.ipv4.port = 0
        #expect(throws: RelayDescriptorFactory.Failure.noAddress) { try factory.publication(of: keys, at: moment) }
    }
}
