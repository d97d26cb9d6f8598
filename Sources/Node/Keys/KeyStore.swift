package import Cells
package import Configuration
package import Directory
internal import OnionCrypto

/// A relay's keys on disk, in C Tor's layout: loads them, makes what is missing, renews what ends. A folder of C Tor's can
/// be taken over as it is, and given back.
///
/// Every method does file I/O, so none belongs on an event loop that carries cells.
package struct KeyStore: Sendable {
    /// The key folder.
    package let folder: KeyFolder
    /// How long a signing key lasts, in seconds.
    let signingKeyLifetime: Int64
    /// How many seconds before its end it is replaced.
    let signingKeySlop: Int64
    /// `OfflineMasterKey`.
    let isMasterOffline: Bool
    private let dataFolder: String
    private let dataReaders: SecureFiles.Readers
    private let nickname: String

    /// Takes folders and times from the settings.
    package init(_ settings: Settings) {
        folder = KeyFolder(
            path: settings.node.keyDirectory, isGroupReadable: settings.node.keyDirectoryGroupReadable)
        signingKeyLifetime = settings.relay.signingKeyLifetime.components.seconds
        signingKeySlop = settings.relay.signingKeySlop.components.seconds
        isMasterOffline = settings.relay.hasOfflineMasterKey
        dataFolder = settings.node.dataDirectory
        dataReaders = settings.node.dataDirectoryGroupReadable ? .group : .owner
        nickname = settings.relay.nickname
    }

    /// Loads all keys of the relay. Makes those that are missing, and a new signing key when the old one ends soon.
    ///
    /// To be called at the start, and again when `nextRenewal` has come.
    package func load(now: WallTime) throws(FileError) -> (keys: RelayKeys, notices: [KeyNotice]) {
        try SecureFiles.makeFolder(dataFolder, for: dataReaders)
        try SecureFiles.makeFolder(folder.path, for: folder.readers)
        var notices: [KeyNotice] = []
        if try folder.read(.identity) == nil { notices.append(.madeIdentity) }
        let identityKey = try rsa(.identity)
        let ed25519 = try loadEd25519(now: now, notices: &notices)
        let tap = try rsa(.tapOnion)
        let onion = try onionKey()
        let modified = try folder.modified(.onion)
        let keys = RelayKeys(
            identityKey: identityKey, ed25519Identity: ed25519.identity, signingKey: ed25519.signingKey,
            signingKeyCertificate: ed25519.certificate, onionKey: onion,
            previousOnionKey: try folder.readX25519(.previousOnion), tapOnionKey: tap,
            onionKeySince: min(now, modified ?? now))
        return (keys, notices)
    }

    /// When the store wants to be asked again: to renew the signing key, rotate the onion key or forget the last one.
    package func nextRenewal(
        of keys: RelayKeys, schedule: OnionKeySchedule = OnionKeySchedule()
    ) -> WallTime {
        let onion =
            keys.onionKeySince + (keys.previousOnionKey == nil ? schedule.lifetime : schedule.gracePeriod)
        return min(keys.signingKeyCertificate.expiration - signingKeySlop, onion)
    }

    /// Replaces the onion keys if they have served their time, and forgets those before them if theirs is over.
    ///
    /// - Returns: nil if nothing is to be done yet. After a new key the descriptor must be published again.
    package func rotateOnionKeys(
        _ keys: RelayKeys, now: WallTime, schedule: OnionKeySchedule = OnionKeySchedule()
    ) throws(FileError) -> RelayKeys? {
        let age = now - keys.onionKeySince
        if age >= schedule.lifetime {
            let onion = X25519.KeyPair()
            let tap = try newRSA(.tapOnion)
            // The old ones are copied first, so that no moment is without a current key.
            try folder.write([
                folder.encode(.previousOnion, keys.onionKey), try folder.encode(.previousTapOnion, keys.tapOnionKey),
                folder.encode(.onion, onion), try folder.encode(.tapOnion, tap),
            ])
            return keys.replacingOnionKeys(current: onion, previous: keys.onionKey, tap: tap, since: now)
        }
        guard age >= schedule.gracePeriod, keys.previousOnionKey != nil else { return nil }
        try SecureFiles.remove(folder.path(of: .previousOnion))
        try SecureFiles.remove(folder.path(of: .previousTapOnion))
        return keys.replacingOnionKeys(
            current: keys.onionKey, previous: nil, tap: keys.tapOnionKey, since: keys.onionKeySince)
    }

    /// Writes the files `fingerprint` and `fingerprint-ed25519` into the data folder.
    package func writeFingerprints(of keys: RelayKeys) throws(FileError) {
        for (name, text) in [
            ("fingerprint", keys.identity.hex), ("fingerprint-ed25519", keys.ed25519Identity.base64),
        ] {
            let path = dataFolder + "/" + name
            let line = Array("\(nickname) \(text)\n".utf8)
            if try SecureFiles.read(path) != line { try SecureFiles.write(line, to: path, for: dataReaders) }
        }
    }

    /// Loads a directory authority's signing key and certificate, which must exist.
    package func loadAuthorityKeys() throws(FileError) -> AuthorityKeys {
        guard let signingKey = try folder.readRSA(.authoritySigning) else {
            throw folder.error(.authoritySigning, "does not exist; make it with \"fanion gencert\"")
        }
        guard let bytes = try folder.read(.authorityCertificate) else {
            throw folder.error(.authorityCertificate, "does not exist; make it with \"fanion gencert\"")
        }
        let certificate: KeyCertificate
        do throws(DirectoryError) {
            certificate = try KeyCertificate(bytes)
        } catch {
            throw folder.error(
                .authorityCertificate, "is no key certificate (\(error)); make one with \"fanion gencert\"")
        }
        guard certificate.signingKey == signingKey.publicKey else {
            throw folder.error(
                .authorityCertificate, "is for another key than the one in \(folder.path(of: .authoritySigning))")
        }
        return AuthorityKeys(signingKey: signingKey, certificate: certificate)
    }

    // MARK: - Keys that are made where they are missing

    private func rsa(_ file: KeyFolder.File) throws(FileError) -> RSAKeyPair {
        if let pair = try folder.readRSA(file, bits: KeyLimits.relayKeyBits) { return pair }
        let pair = try newRSA(file)
        try folder.write([try folder.encode(file, pair)])
        return pair
    }

    private func newRSA(_ file: KeyFolder.File) throws(FileError) -> RSAKeyPair {
        do throws(CryptoError) {
            return try RSAKeyPair(bits: KeyLimits.relayKeyBits)
        } catch {
            throw folder.error(file, "cannot be made: \(error)")
        }
    }

    private func onionKey() throws(FileError) -> X25519.KeyPair {
        if let pair = try folder.readX25519(.onion) { return pair }
        let pair = X25519.KeyPair()
        try folder.write([folder.encode(.onion, pair)])
        return pair
    }
}

/// How long onion keys are used, and answered with after that: what the consensus says, or the defaults.
package struct OnionKeySchedule: Hashable, Sendable {
    /// In seconds (`onion-key-rotation-days`).
    package var lifetime: Int64
    /// In seconds (`onion-key-grace-period-days`).
    package var gracePeriod: Int64

    /// Takes both; the specification's, if nothing is said.
    package init(
        lifetime: Int64 = DirectorySpec.onionKeyLifetime, gracePeriod: Int64 = DirectorySpec.onionKeyGracePeriod
    ) {
        self.lifetime = lifetime
        self.gracePeriod = gracePeriod
    }

    /// What a consensus says, with C Tor's bounds.
    package init(_ parameters: ConsensusParameters) {
        let days = parameters.value("onion-key-rotation-days", default: 28, in: 1...90)
        let grace = parameters.value("onion-key-grace-period-days", default: 7, in: 1...days)
        self.init(lifetime: Int64(days) * 86_400, gracePeriod: Int64(grace) * 86_400)
    }
}
