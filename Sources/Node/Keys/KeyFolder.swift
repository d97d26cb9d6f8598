package import Cells
internal import Glibc
package import OnionCrypto

/// C Tor's key folder: which file holds what, in which format. Reads and writes single files; which keys belong together,
/// and when they are replaced, is `KeyStore`'s business.
///
/// Errors name the file and what to do.
package struct KeyFolder: Sendable {
    /// The folder's path.
    package let path: String
    /// Who may read the files besides their owner.
    package let readers: SecureFiles.Readers

    /// Takes `KeyDirectory`, and whether `KeyDirectoryGroupReadable` is on.
    package init(path: String, isGroupReadable: Bool = false) {
        self.path = path
        readers = isGroupReadable ? .group : .owner
    }

    /// The files, under C Tor's names.
    package enum File: String, Sendable {
        case identity = "secret_id_key"
        case tapOnion = "secret_onion_key"
        case previousTapOnion = "secret_onion_key.old"
        case onion = "secret_onion_key_ntor"
        case previousOnion = "secret_onion_key_ntor.old"
        case masterSecret = "ed25519_master_id_secret_key"
        case encryptedMasterSecret = "ed25519_master_id_secret_key_encrypted"
        case masterPublic = "ed25519_master_id_public_key"
        case signingSecret = "ed25519_signing_secret_key"
        case signingCertificate = "ed25519_signing_cert"
        case authorityIdentity = "authority_identity_key"
        case authoritySigning = "authority_signing_key"
        case authorityCertificate = "authority_certificate"
    }

    /// Where a file is.
    package func path(of file: File) -> String { path + "/" + file.rawValue }

    /// An error about a file.
    package func error(_ file: File, _ reason: String) -> FileError { FileError(path: path(of: file), reason: reason) }

    /// The bytes of a file; nil if there is none, or an empty one, which C Tor takes for the same.
    package func read(_ file: File) throws(FileError) -> [UInt8]? {
        let bytes = try SecureFiles.read(path(of: file), limit: KeyLimits.keyFileLength, secretFor: secrecy(of: file))
        return bytes?.isEmpty == true ? nil : bytes
    }

    /// The same, as bytes that are wiped.
    func readSecret(_ file: File) throws(FileError) -> SecretBytes? {
        guard var bytes = try read(file) else { return nil }
        return SecretBytes(taking: &bytes)
    }

    /// Writes files, all of them or none: each to a neighbour first, so that a full disk leaves the old ones in place.
    package func write(_ files: [(file: File, bytes: [UInt8])]) throws(FileError) {
        var ready: [String] = []
        do throws(FileError) {
            for (file, bytes) in files {
                let neighbour = path(of: file) + ".new"
                try SecureFiles.write(bytes, to: neighbour, for: readers)
                ready.append(neighbour)
            }
        } catch {
            for neighbour in ready { try? SecureFiles.remove(neighbour) }
            throw error
        }
        for (file, _) in files { try SecureFiles.rename(path(of: file) + ".new", to: path(of: file)) }
    }

    /// When a file was last written; nil if there is none.
    package func modified(_ file: File) throws(FileError) -> WallTime? {
        var status = stat()
        guard stat(path(of: file), &status) == 0 else {
            if errno == ENOENT { return nil }
            throw error(file, "cannot be examined: \(String(cString: strerror(errno)))")
        }
        return WallTime(seconds: Int64(status.st_mtim.tv_sec))
    }

    /// A file in C Tor's format for binary keys; nil if there is none.
    func readTagged(
        _ file: File, type: String, tag: String, lengths: ClosedRange<Int>
    ) throws(FileError) -> SecretBytes? {
        guard var bytes = try read(file) else { return nil }
        guard var tagged = TaggedFile(bytes: bytes) else {
            throw error(file, "is no \"\(type)\" file, or damaged; put back a copy of it")
        }
        // Wiped: what counts is in `tagged`.
        _ = SecretBytes(taking: &bytes)
        guard tagged.type == type, tagged.tag == tag else {
            throw error(
                file,
                "holds \"\(tagged.type): \(tagged.tag)\" instead of \"\(type): \(tag)\"; it is another key's file")
        }
        guard lengths.contains(tagged.data.count) else {
            throw error(file, "has \(tagged.data.count) bytes of data, so it is damaged; put back a copy of it")
        }
        return SecretBytes(taking: &tagged.data)
    }

    /// An RSA key pair in PEM; nil if there is none.
    package func readRSA(_ file: File, bits: Int? = nil) throws(FileError) -> RSAKeyPair? {
        guard let text = try readSecret(file) else { return nil }
        let pair: RSAKeyPair
        do throws(CryptoError) {
            pair = try RSAKeyPair(pem: text.bytes)
        } catch {
            throw self.error(file, "holds no RSA private key, or a damaged one; put back a copy of it")
        }
        guard bits == nil || pair.publicKey.bits == bits else {
            throw error(file, "holds an RSA key of \(pair.publicKey.bits) bits, not of \(bits ?? 0)")
        }
        return pair
    }

    /// An Ed25519 key pair as C Tor keeps it: expanded; nil if there is none.
    package func readEd25519(_ file: File, tag: String) throws(FileError) -> Ed25519.KeyPair? {
        guard
            let secret = try readTagged(
                file, type: "ed25519v1-secret", tag: tag,
                lengths: Ed25519.KeyPair.expandedLength...Ed25519.KeyPair.expandedLength)
        else { return nil }
        guard let pair = Ed25519.KeyPair(expandedSecret: secret.bytes) else {
            throw error(file, "holds no usable key; put back a copy of it")
        }
        return pair
    }

    /// A Curve25519 key pair, secret and public half behind each other; nil if there is none.
    package func readX25519(_ file: File) throws(FileError) -> X25519.KeyPair? {
        guard let halves = try readTagged(file, type: "c25519v1", tag: "onion", lengths: 64...64) else { return nil }
        let publicKey = X25519.PublicKey(halves.bytes.extracting(32..<64))
        guard let pair = X25519.KeyPair(secret: halves.bytes.extracting(0..<32)), pair.publicKey == publicKey else {
            throw error(file, "holds a public key that is not its secret's; put back a copy of it")
        }
        return pair
    }

    private func secrecy(of file: File) -> SecureFiles.Readers? {
        switch file {
        case .masterPublic, .signingCertificate, .authorityCertificate: nil
        default: readers
        }
    }
}

// MARK: - What is written

extension KeyFolder {
    /// An RSA key pair as a file holds it.
    func encode(_ file: File, _ pair: RSAKeyPair) throws(FileError) -> (file: File, bytes: [UInt8]) {
        do throws(CryptoError) {
            return (file, try pair.pem().copyToArray())
        } catch {
            throw self.error(file, "cannot be encoded: \(error)")
        }
    }

    /// An Ed25519 key pair as a file holds it.
    func encode(_ file: File, _ pair: Ed25519.KeyPair, tag: String) -> (file: File, bytes: [UInt8]) {
        let data = pair.copyExpandedSecret().copyToArray()
        return (file, TaggedFile(type: "ed25519v1-secret", tag: tag, data: data).bytes)
    }

    /// A Curve25519 key pair as a file holds it.
    func encode(_ file: File, _ pair: X25519.KeyPair) -> (file: File, bytes: [UInt8]) {
        let data = pair.copySecret().copyToArray() + pair.publicKey.bytes
        return (file, TaggedFile(type: "c25519v1", tag: "onion", data: data).bytes)
    }
}
