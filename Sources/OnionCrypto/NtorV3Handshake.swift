/// ntor-v3: ntor with a message in each direction, encrypted and authenticated (proposal 332, handshake type 0x0003).
///
/// The client's message is readable by whoever holds the relay's onion key (no forward secrecy); the relay's message has
/// the secrecy of the finished handshake. For circuits both are lists of ``HandshakeExtension``, and what a published
/// vector needs beside that takes raw messages, a verification string and a key pair.
package enum NtorV3Handshake {
    /// ID(32) B(32) X(32) and, last, MAC(32): what a client message has beside its encrypted part.
    package static let clientOverhead = 128
    /// Y(32) AUTH(32), before the encrypted part of the answer.
    package static let serverOverhead = 64

    static let circuitVerification = Array(CryptoSpec.ntorV3CircuitVerification.utf8)

    /// The client's state between CREATE2 and CREATED2.
    package struct Client: ~Copyable, Sendable {
        /// The handshake data of CREATE2: 128 bytes and the encrypted extensions.
        package let message: [UInt8]
        private let parties: NtorV3Parties
        private let ephemeral: X25519.KeyPair
        private let onionSecret: SecretBytes
        private let mac: [UInt8]

        /// Starts a handshake with the relay of this Ed25519 identity (32 bytes) and onion key.
        ///
        /// Fails if the onion key has small order, or the extensions do not fit into a CREATE2 cell.
        package init(
            ed25519Identity: [UInt8], onionKey: X25519.PublicKey, extensions: [HandshakeExtension]
        ) throws(CryptoError) {
            try self.init(
                ed25519Identity: ed25519Identity, onionKey: onionKey, body: HandshakeExtension.encode(extensions),
                verification: circuitVerification, ephemeral: X25519.KeyPair())
        }

        init(
            ed25519Identity: [UInt8], onionKey: X25519.PublicKey, body: [UInt8], verification: [UInt8],
            ephemeral: X25519.KeyPair
        ) throws(CryptoError) {
            precondition(ed25519Identity.count == 32)
            guard body.count <= CryptoLimits.clientHandshakeLength - clientOverhead else { throw .messageTooLong }
            let parties = NtorV3Parties(
                identity: ed25519Identity, onionKey: onionKey, clientKey: ephemeral.publicKey,
                verification: verification)
            let onionSecret = try ephemeral.sharedSecret(with: onionKey)
            let keys = parties.messageKeys(onionSecret)
            let encrypted = keys.crypt(body.span.bytes)
            let mac = parties.messageMAC(keys, encrypted: encrypted)
            self.message = ed25519Identity + onionKey.bytes + ephemeral.publicKey.bytes + encrypted + mac
            self.parties = parties
            self.ephemeral = ephemeral
            self.onionSecret = onionSecret
            self.mac = mac
        }

        /// Checks the relay's answer and reads its extensions.
        package consuming func finish(_ reply: RawSpan) throws(CryptoError) -> ClientResult {
            let result = try self.finishRaw(reply)
            let message = result.message
            return ClientResult(
                extensions: try HandshakeExtension.decode(message.span.bytes), keyStream: result.keyStream)
        }

        consuming func finishRaw(_ reply: RawSpan) throws(CryptoError) -> HandshakeReply {
            guard reply.byteCount >= serverOverhead, let serverKey = X25519.PublicKey(reply.extracting(0..<32)) else {
                throw .messageTooShort
            }
            guard reply.byteCount <= CryptoLimits.serverHandshakeLength else { throw .messageTooLong }
            let encrypted = reply.extracting(serverOverhead...).withUnsafeBytes { [UInt8]($0) }
            let agreement = NtorV3Agreement(
                self.parties, ephemeralSecret: try self.ephemeral.sharedSecret(with: serverKey),
                onionSecret: self.onionSecret, serverKey: serverKey)
            let expected = agreement.authenticator(self.parties, mac: self.mac, encrypted: encrypted)
            guard constantTimeEqual(expected.span.bytes, reply.extracting(32..<64)) else { throw .badAuthentication }
            return HandshakeReply(message: agreement.crypt(encrypted), keyStream: agreement.keyStream())
        }
    }

    /// What a client has at the end.
    package struct ClientResult: ~Copyable, Sendable {
        /// The relay's extensions, in the order they came; which are allowed is the caller's affair.
        package let extensions: [HandshakeExtension]
        /// What both ends now share.
        package let keyStream: CircuitKeyStream
    }

    /// The relay's state after a client's message was read, and before it is answered: the answer's extensions depend on
    /// the client's.
    package struct Server: ~Copyable, Sendable {
        /// The client's extensions, in the order they came; which are allowed is the caller's affair.
        package let extensions: [HandshakeExtension]
        let message: [UInt8]
        private let parties: NtorV3Parties
        private let onionSecret: SecretBytes
        private let mac: [UInt8]

        /// Reads the handshake data of a CREATE2.
        package init(_ message: RawSpan, keys: OnionKeySnapshot) throws(CryptoError) {
            try self.init(message, keys: keys, verification: circuitVerification, readsExtensions: true)
        }

        init(
            _ message: RawSpan, keys: OnionKeySnapshot, verification: [UInt8], readsExtensions: Bool
        ) throws(CryptoError) {
            guard message.byteCount >= clientOverhead,
                let keyID = X25519.PublicKey(message.extracting(32..<64)),
                let clientKey = X25519.PublicKey(message.extracting(64..<96))
            else { throw .messageTooShort }
            guard message.byteCount <= CryptoLimits.clientHandshakeLength else { throw .messageTooLong }
            guard constantTimeEqual(message.extracting(0..<32), keys.ed25519Identity.span.bytes) else {
                throw .wrongIdentity
            }
            guard let onionKey = keys.keyPair(for: keyID) else { throw .unknownOnionKey }
            let macStart = message.byteCount - 32
            let parties = NtorV3Parties(
                identity: keys.ed25519Identity, onionKey: onionKey.publicKey, clientKey: clientKey,
                verification: verification)
            let onionSecret = try onionKey.sharedSecret(with: clientKey)
            let messageKeys = parties.messageKeys(onionSecret)
            let encrypted = message.extracting(96..<macStart).withUnsafeBytes { [UInt8]($0) }
            let mac = parties.messageMAC(messageKeys, encrypted: encrypted)
            guard constantTimeEqual(mac.span.bytes, message.extracting(macStart...)) else { throw .badAuthentication }
            let clear = messageKeys.crypt(encrypted.span.bytes)
            self.extensions = readsExtensions ? try HandshakeExtension.decode(clear.span.bytes) : []
            self.message = clear
            self.parties = parties
            self.onionSecret = onionSecret
            self.mac = mac
        }

        /// Makes the answer, with these extensions. Fails if they do not fit into an EXTENDED2 message.
        package consuming func respond(extensions: [HandshakeExtension]) throws(CryptoError) -> HandshakeReply {
            try self.respond(body: HandshakeExtension.encode(extensions), ephemeral: X25519.KeyPair())
        }

        consuming func respond(body: [UInt8], ephemeral: X25519.KeyPair) throws(CryptoError) -> HandshakeReply {
            guard body.count <= CryptoLimits.serverHandshakeLength - serverOverhead else { throw .messageTooLong }
            let agreement = NtorV3Agreement(
                self.parties, ephemeralSecret: try ephemeral.sharedSecret(with: self.parties.clientKey),
                onionSecret: self.onionSecret, serverKey: ephemeral.publicKey)
            let encrypted = agreement.crypt(body)
            let authenticator = agreement.authenticator(self.parties, mac: self.mac, encrypted: encrypted)
            return HandshakeReply(
                message: ephemeral.publicKey.bytes + authenticator + encrypted, keyStream: agreement.keyStream())
        }
    }
}

/// What both ends know from the client's message on: names in proposal 332's notation.
struct NtorV3Parties: Sendable {
    /// ID
    let identity: [UInt8]
    /// B
    let onionKey: X25519.PublicKey
    /// X
    let clientKey: X25519.PublicKey
    /// VER
    let verification: [UInt8]

    /// ENC_K1 and MAC_K1.
    struct MessageKeys: ~Copyable {
        let material: SecretBytes

        func crypt(_ message: RawSpan) -> [UInt8] {
            applyAES256(key: self.material.bytes.extracting(0..<32), to: message)
        }
    }

    func messageKeys(_ onionSecret: borrowing SecretBytes) -> MessageKeys {
        var shake = SHAKE256()
        shake.updateTweak(":kdf_phase1")
        shake.update(onionSecret.bytes)
        shake.update(self.identity.span.bytes)
        shake.update(self.clientKey.bytes.span.bytes)
        shake.update(self.onionKey.bytes.span.bytes)
        shake.update(CryptoSpec.ntorV3Name.span.bytes)
        shake.update(encapsulated(self.verification).span.bytes)
        return MessageKeys(material: shake.secret(count: 64))
    }

    /// MAC over ID | B | X | the encrypted message.
    func messageMAC(_ keys: borrowing MessageKeys, encrypted: [UInt8]) -> [UInt8] {
        var digest = SHA3_256()
        digest.updateTweak(":msg_mac")
        digest.update(encapsulatedLength(32).span.bytes)
        digest.update(keys.material.bytes.extracting(32..<64))
        digest.update(self.identity.span.bytes)
        digest.update(self.onionKey.bytes.span.bytes)
        digest.update(self.clientKey.bytes.span.bytes)
        digest.update(encrypted.span.bytes)
        return digest.digest()
    }
}

/// What both ends compute once the relay's key is there.
private struct NtorV3Agreement: ~Copyable {
    /// `verify`
    private let verify: SecretBytes
    /// ENCAP(t_final) | ntor_key_seed: what SHAKE-256 makes RAW_KEYSTREAM of.
    private let keyStreamInput: SecretBytes
    private let serverKey: X25519.PublicKey

    init(
        _ parties: NtorV3Parties, ephemeralSecret: consuming SecretBytes, onionSecret: borrowing SecretBytes,
        serverKey: X25519.PublicKey
    ) {
        let tail =
            parties.identity + parties.onionKey.bytes + parties.clientKey.bytes + serverKey.bytes
            + CryptoSpec.ntorV3Name + encapsulated(parties.verification)
        var input = SecretBytes(capacity: 64 + tail.count)
        input.append(ephemeralSecret.bytes)
        input.append(onionSecret.bytes)
        input.append(tail.span.bytes)

        var seedDigest = SHA3_256()
        seedDigest.updateTweak(":key_seed")
        seedDigest.update(input.bytes)
        var seed = seedDigest.digest()
        let tweak = encapsulated(CryptoSpec.ntorV3Name + Array(":kdf_final".utf8))
        var keyStreamInput = SecretBytes(capacity: tweak.count + seed.count)
        keyStreamInput.append(tweak.span.bytes)
        keyStreamInput.append(SecretBytes(taking: &seed).bytes)
        self.keyStreamInput = keyStreamInput

        var verifyDigest = SHA3_256()
        verifyDigest.updateTweak(":verify")
        verifyDigest.update(input.bytes)
        var verify = verifyDigest.digest()
        self.verify = SecretBytes(taking: &verify)
        self.serverKey = serverKey
    }

    /// AUTH.
    func authenticator(_ parties: NtorV3Parties, mac: [UInt8], encrypted: [UInt8]) -> [UInt8] {
        var digest = SHA3_256()
        digest.updateTweak(":auth_final")
        digest.update(self.verify.bytes)
        digest.update(parties.identity.span.bytes)
        digest.update(parties.onionKey.bytes.span.bytes)
        digest.update(self.serverKey.bytes.span.bytes)
        digest.update(parties.clientKey.bytes.span.bytes)
        digest.update(mac.span.bytes)
        digest.update(encapsulated(encrypted).span.bytes)
        digest.update(CryptoSpec.ntorV3Name.span.bytes)
        digest.update(Array(CryptoSpec.ntorServer.utf8).span.bytes)
        return digest.digest()
    }

    /// ENC or DEC of the relay's message under ENC_KEY, the first 32 bytes of the stream.
    func crypt(_ message: [UInt8]) -> [UInt8] {
        var shake = SHAKE256()
        shake.update(self.keyStreamInput.bytes)
        return applyAES256(key: shake.secret(count: 32).bytes, to: message.span.bytes)
    }

    func keyStream() -> CircuitKeyStream {
        .ntorV3(input: self.keyStreamInput.copy(), used: 32)
    }
}

extension CryptoSpec {
    fileprivate static let ntorV3Name = Array(ntorV3Protocol.utf8)
}

/// `htonll(len(s))`, the first part of ENCAP(s).
private func encapsulatedLength(_ count: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
}

/// ENCAP(s).
private func encapsulated(_ bytes: [UInt8]) -> [UInt8] {
    encapsulatedLength(bytes.count) + bytes
}

private func applyAES256(key: RawSpan, to message: RawSpan) -> [UInt8] {
    var bytes = message.withUnsafeBytes { [UInt8]($0) }
    var cipher = AES256CTR(key: key)
    var elements = bytes.mutableSpan
    var span = elements.mutableBytes
    cipher.apply(to: &span)
    return bytes
}

extension SHA3_256 {
    /// ENCAP(t) of H(s, t).
    fileprivate mutating func updateTweak(_ tweak: String) {
        self.update(encapsulated(CryptoSpec.ntorV3Name + Array(tweak.utf8)).span.bytes)
    }
}

extension SHAKE256 {
    /// ENCAP(t) of KDF(s, t).
    fileprivate mutating func updateTweak(_ tweak: String) {
        self.update(encapsulated(CryptoSpec.ntorV3Name + Array(tweak.utf8)).span.bytes)
    }
}
