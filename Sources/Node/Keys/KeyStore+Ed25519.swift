package import Cells
internal import Directory
internal import OnionCrypto

extension KeyStore {
    /// The Ed25519 keys: who the relay is, and the key that signs for some weeks.
    struct Ed25519Keys {
        let identity: Ed25519Identity
        let signingKey: Ed25519.KeyPair
        let certificate: Ed25519Certificate
    }

    /// Loads or makes the Ed25519 keys, by C Tor's rules: a master key is made only where there is no signing key either,
    /// and never if it is kept elsewhere; its secret is read only to sign.
    func loadEd25519(
        now: WallTime, isKeygen: Bool = false, notices: inout [KeyNotice]
    ) throws(FileError) -> Ed25519Keys {
        let isOffline = isMasterOffline && !isKeygen
        let current = try loadSigningKey()
        let isUsable = current.map { !$0.certificate.isExpired(at: now) } ?? false
        let needsNew = isKeygen || !isUsable
        let wantsNew = needsNew || (current.map { $0.certificate.expiration - signingKeySlop < now } ?? true)

        let publicKey = try loadMasterPublicKey()
        let canRead = !isOffline && (wantsNew || publicKey == nil)
        var secret = canRead ? try folder.readEd25519(.masterSecret, tag: Self.masterTag) : nil
        if let secret, let publicKey, secret.publicKey.bytes != publicKey.bytes {
            throw folder.error(
                .masterPublic,
                "does not belong to \(folder.path(of: .masterSecret)). If you are restoring a backup, make sure that you "
                    + "did not mix up files; if you are sure that the secret key is this relay's, remove this file")
        }
        var isNew = secret == nil && publicKey == nil && !isOffline
        if isNew { isNew = try hasNoFile(.signingSecret, .encryptedMasterSecret) }
        if isNew {
            let made = Ed25519.KeyPair()
            try folder.write([
                folder.encode(.masterSecret, made, tag: Self.masterTag), encode(masterPublic: made.publicKey.bytes),
            ])
            secret = made
        } else if publicKey == nil, let bytes = secret?.publicKey.bytes ?? current?.certificate.signingKey?.bytes {
            try folder.write([encode(masterPublic: bytes)])
            notices.append(.restoredMasterPublicKey)
        }
        guard
            let identity = secret.flatMap({ Ed25519Identity($0.publicKey.bytes) }) ?? publicKey
                ?? current?.certificate.signingKey
        else { throw try missingMasterSecret(isOffline: isOffline) }
        if let current, current.certificate.signingKey != identity {
            throw folder.error(
                .signingCertificate,
                "was signed by another master key than the one in \(folder.path(of: .masterPublic)). Make sure that you "
                    + "did not mix up the key files of two relays")
        }
        if wantsNew, let secret {
            let new = try makeSigningKey(by: secret, identity, now: now)
            let expires = new.certificate.expiration
            notices.append(needsNew ? .madeSigningKey(expires: expires) : .renewedSigningKey(expires: expires))
            return new
        }
        guard let current, !needsNew else { throw try missingMasterSecret(isOffline: isOffline) }
        if wantsNew { notices.append(.cannotRenewSigningKey(expires: current.certificate.expiration)) }
        return Ed25519Keys(identity: identity, signingKey: current.key, certificate: current.certificate)
    }

    /// Makes a signing key and its certificate even if there is a good one, and a master key if there is none: what
    /// `--keygen` does.
    package func keygen(now: WallTime) throws(FileError) -> [KeyNotice] {
        try SecureFiles.makeFolder(folder.path, for: folder.readers)
        var notices: [KeyNotice] = []
        _ = try loadEd25519(now: now, isKeygen: true, notices: &notices)
        return notices
    }

    private func hasNoFile(_ files: KeyFolder.File...) throws(FileError) -> Bool {
        for file in files where try folder.read(file) != nil { return false }
        return true
    }

    private static let masterTag = "type0"
    private static let signingTag = "type4"

    /// The signing key with its certificate; nil if one of them is missing, or they do not belong together, which a
    /// crash between two files can cause.
    private func loadSigningKey() throws(FileError) -> (key: Ed25519.KeyPair, certificate: Ed25519Certificate)? {
        guard let key = try folder.readEd25519(.signingSecret, tag: Self.signingTag),
            let bytes = try folder.readTagged(
                .signingCertificate, type: "ed25519v1-cert", tag: Self.signingTag, lengths: 1...2048)
        else { return nil }
        let certificate: Ed25519Certificate
        do throws(WireError) {
            certificate = try Ed25519Certificate(parsing: bytes.bytes)
        } catch {
            throw folder.error(.signingCertificate, "is damaged (\(error)); put back a copy of it, or remove it")
        }
        guard certificate.type == .signingKey, let signer = certificate.signingKey,
            certificate.certifiedKey == key.publicKey.bytes,
            Ed25519.PublicKey(signer.bytes)?.isValidSignature(certificate.signature, of: certificate.signedBytes)
                == true
        else { return nil }
        return (key, certificate)
    }

    private func loadMasterPublicKey() throws(FileError) -> Ed25519Identity? {
        guard
            let bytes = try folder.readTagged(
                .masterPublic, type: "ed25519v1-public", tag: Self.masterTag, lengths: 32...32)
        else { return nil }
        return Ed25519Identity(bytes.copyToArray())
    }

    private func makeSigningKey(
        by master: Ed25519.KeyPair, _ identity: Ed25519Identity, now: WallTime
    ) throws(FileError) -> Ed25519Keys {
        let key = Ed25519.KeyPair()
        let unsigned = Ed25519Certificate.unsigned(
            type: .signingKey, expirationHours: UInt32(clamping: (now.seconds + signingKeyLifetime + 3599) / 3600),
            certifiedKey: key.publicKey.bytes, signingKey: identity)
        let bytes = unsigned + master.sign(unsigned)
        let certificate: Ed25519Certificate
        do throws(WireError) {
            certificate = try Ed25519Certificate(parsing: bytes.span.bytes)
        } catch {
            throw folder.error(.signingCertificate, "cannot be made: \(error)")
        }
        let file = TaggedFile(type: "ed25519v1-cert", tag: Self.signingTag, data: bytes)
        try folder.write([
            folder.encode(.signingSecret, key, tag: Self.signingTag), (.signingCertificate, file.bytes),
        ])
        return Ed25519Keys(identity: identity, signingKey: key, certificate: certificate)
    }

    private func encode(masterPublic bytes: [UInt8]) -> (file: KeyFolder.File, bytes: [UInt8]) {
        (.masterPublic, TaggedFile(type: "ed25519v1-public", tag: Self.masterTag, data: bytes).bytes)
    }

    /// Why there is no signing key, and no way to make one.
    private func missingMasterSecret(isOffline: Bool) throws(FileError) -> FileError {
        if isOffline {
            return folder.error(
                .signingSecret,
                "there is no signing key that is still good, and OfflineMasterKey is set. Make one where the master key "
                    + "is (--keygen), and copy it here with ed25519_signing_cert")
        }
        if try folder.read(.encryptedMasterSecret) != nil {
            return folder.error(
                .encryptedMasterSecret,
                "is needed to sign a new signing key, but it is encrypted, which is not supported yet; make the signing "
                    + "key with \"tor --keygen\"")
        }
        return folder.error(
            .masterSecret,
            "is needed to sign a new signing key, but it does not exist. If you keep it elsewhere, make the signing key "
                + "there (--keygen), and copy ed25519_signing_secret_key and ed25519_signing_cert here")
    }
}
