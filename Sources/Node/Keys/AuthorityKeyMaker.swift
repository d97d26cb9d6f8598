package import Cells
internal import Directory
internal import Glibc
package import OnionCrypto

/// Makes a directory authority's keys and certificate, into the files that `tor-gencert` makes and C Tor reads.
package struct AuthorityKeyMaker: Sendable {
    /// Where the identity key is, encrypted.
    package var identityPath = "./authority_identity_key"
    /// Where the signing key goes.
    package var signingPath = "./authority_signing_key"
    /// Where the certificate goes.
    package var certificatePath = "./authority_certificate"
    /// For how many months the certificate is good.
    package var months = 12
    /// Where the authority's directory port is.
    package var address: SocketEndpoint?
    /// Makes an identity key, which must not exist yet.
    package var createsIdentity = false
    /// Keeps the signing key that there is.
    package var reusesSigningKey = false
    /// Hears what is being done.
    package var progress: @Sendable (String) -> Void = { _ in }

    /// The bits of a new identity key, as `tor-gencert` makes it.
    package static let identityBits = 3072
    /// The bits of a new signing key.
    package static let signingBits = 2048
    /// A shorter passphrase is refused.
    package static let minimumPassphraseLength = 4

    /// Starts with `tor-gencert`'s defaults.
    package init() {}

    /// Makes what is to be made. `passphrase` protects the identity key.
    package func run(passphrase: borrowing SecretBytes, now: WallTime) throws(FileError) {
        let identity = try createsIdentity ? makeIdentity(passphrase) : loadIdentity(passphrase)
        let signing = try reusesSigningKey ? loadSigningKey() : makeSigningKey()
        let builder = KeyCertificateBuilder(published: now, expires: now.adding(months: months), address: address)
        let bytes: [UInt8]
        do throws(CryptoError) {
            bytes = try builder.signed(by: identity, for: signing)
        } catch {
            throw FileError(path: certificatePath, reason: "cannot be signed: \(error)")
        }
        try SecureFiles.write(bytes, to: certificatePath)
    }

    /// Throws unless an identity key can be made, before anybody is asked for a passphrase.
    package func checkIdentity() throws(FileError) {
        let exists = try SecureFiles.read(identityPath, secretFor: .owner) != nil
        if createsIdentity, exists {
            throw FileError(
                path: identityPath, reason: "--create-identity-key was specified, but this file already exists")
        }
        if !createsIdentity, !exists {
            throw FileError(
                path: identityPath,
                reason: "no identity key found. To specify a location for an identity key, use -i. "
                    + "To generate a new identity key, use --create-identity-key")
        }
    }

    private func makeIdentity(_ passphrase: borrowing SecretBytes) throws(FileError) -> RSAKeyPair {
        try checkIdentity()
        guard passphrase.count >= Self.minimumPassphraseLength else {
            throw FileError(
                path: identityPath,
                reason:
                    "passphrase empty or too short; it needs to be at least \(Self.minimumPassphraseLength) characters")
        }
        progress("Generating \(Self.identityBits)-bit RSA identity key.")
        let pair = try generate(Self.identityBits, for: identityPath)
        let text: [UInt8]
        do throws(CryptoError) {
            text = try pair.encryptedPEM(passphrase: passphrase.bytes)
        } catch {
            throw FileError(path: identityPath, reason: "cannot be encrypted: \(error)")
        }
        try SecureFiles.write(text, to: identityPath)
        // Nobody writes to it again.
        chmod(identityPath, 0o400)
        return pair
    }

    private func loadIdentity(_ passphrase: borrowing SecretBytes) throws(FileError) -> RSAKeyPair {
        try checkIdentity()
        let text = try SecureFiles.read(identityPath, limit: KeyLimits.keyFileLength, secretFor: .owner) ?? []
        do throws(CryptoError) {
            do throws(CryptoError) {
                return try RSAKeyPair(encryptedPEM: text.span.bytes, passphrase: passphrase.bytes)
            } catch .badKey {
                return try RSAKeyPair(pem: text.span.bytes)
            }
        } catch .badPassphrase {
            throw FileError(path: identityPath, reason: "couldn't read identity key: the passphrase is wrong")
        } catch {
            throw FileError(path: identityPath, reason: "couldn't read identity key: it is none, or damaged")
        }
    }

    private func makeSigningKey() throws(FileError) -> RSAKeyPair {
        progress("Generating \(Self.signingBits)-bit RSA signing key.")
        let pair = try generate(Self.signingBits, for: signingPath)
        let text: [UInt8]
        do throws(CryptoError) {
            text = try pair.pem().copyToArray()
        } catch {
            throw FileError(path: signingPath, reason: "cannot be encoded: \(error)")
        }
        try SecureFiles.write(text, to: signingPath)
        return pair
    }

    private func loadSigningKey() throws(FileError) -> RSAKeyPair {
        guard let text = try SecureFiles.read(signingPath, limit: KeyLimits.keyFileLength, secretFor: .owner) else {
            throw FileError(path: signingPath, reason: "does not exist, so there is no signing key to reuse")
        }
        do throws(CryptoError) {
            return try RSAKeyPair(pem: text.span.bytes)
        } catch {
            throw FileError(path: signingPath, reason: "couldn't read signing key: it is none, or damaged")
        }
    }

    private func generate(_ bits: Int, for path: String) throws(FileError) -> RSAKeyPair {
        do throws(CryptoError) {
            return try RSAKeyPair(bits: bits)
        } catch {
            throw FileError(path: path, reason: "couldn't generate key: \(error)")
        }
    }
}

extension WallTime {
    /// The same day and time some months later. A day that the month has not counts on into the next one, as in C.
    func adding(months: Int) -> WallTime {
        let (date, second) = civil
        let month = date.month - 1 + months
        guard let first = WallTime(year: date.year + month / 12, month: month % 12 + 1, day: 1) else { return self }
        return first + Int64(date.day - 1) * 86_400 + Int64(second)
    }
}
