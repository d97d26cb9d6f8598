/// ntor: a one-way authenticated key agreement over Curve25519 (tor-spec §5.1.4, handshake type 0x0002).
///
/// The client knows the relay's RSA identity and onion key; the relay does not know the client.
package enum NtorHandshake {
    /// ID(20) KEYID(32) X(32).
    package static let clientMessageLength = 84
    /// Y(32) AUTH(32).
    package static let serverMessageLength = 64

    /// The client's state between CREATE2 and CREATED2.
    package struct Client: ~Copyable, Sendable {
        /// The handshake data of CREATE2: 84 bytes.
        package let message: [UInt8]
        private let identity: [UInt8]
        private let onionKey: X25519.PublicKey
        private let ephemeral: X25519.KeyPair

        /// Starts a handshake with the relay of this RSA identity (20 bytes) and onion key.
        package init(rsaIdentity: [UInt8], onionKey: X25519.PublicKey) {
            self.init(rsaIdentity: rsaIdentity, onionKey: onionKey, ephemeral: X25519.KeyPair())
        }

        init(rsaIdentity: [UInt8], onionKey: X25519.PublicKey, ephemeral: X25519.KeyPair) {
            precondition(rsaIdentity.count == 20)
            self.message = rsaIdentity + onionKey.bytes + ephemeral.publicKey.bytes
            self.identity = rsaIdentity
            self.onionKey = onionKey
            self.ephemeral = ephemeral
        }

        /// Checks the relay's answer.
        package consuming func finish(_ reply: RawSpan) throws(CryptoError) -> CircuitKeyStream {
            guard reply.byteCount >= serverMessageLength, let serverKey = X25519.PublicKey(reply.extracting(0..<32))
            else { throw .messageTooShort }
            guard reply.byteCount == serverMessageLength else { throw .messageTooLong }
            let agreement = Agreement(
                first: try self.ephemeral.sharedSecret(with: serverKey),
                second: try self.ephemeral.sharedSecret(with: self.onionKey),
                identity: self.identity, onionKey: self.onionKey, clientKey: self.ephemeral.publicKey,
                serverKey: serverKey)
            guard constantTimeEqual(agreement.authenticator().span.bytes, reply.extracting(32..<64)) else {
                throw .badAuthentication
            }
            return agreement.keyStream()
        }
    }

    /// Answers the handshake data of a CREATE2.
    package static func respond(to message: RawSpan, keys: OnionKeySnapshot) throws(CryptoError) -> HandshakeReply {
        try respond(to: message, keys: keys, ephemeral: X25519.KeyPair())
    }

    static func respond(
        to message: RawSpan, keys: OnionKeySnapshot, ephemeral: @autoclosure () -> X25519.KeyPair
    ) throws(CryptoError) -> HandshakeReply {
        guard message.byteCount >= clientMessageLength else { throw .messageTooShort }
        guard message.byteCount == clientMessageLength,
            let keyID = X25519.PublicKey(message.extracting(20..<52)),
            let clientKey = X25519.PublicKey(message.extracting(52..<84))
        else { throw .messageTooLong }
        guard constantTimeEqual(message.extracting(0..<20), keys.rsaIdentity.span.bytes) else { throw .wrongIdentity }
        guard let onionKey = keys.keyPair(for: keyID) else { throw .unknownOnionKey }
        let ephemeral = ephemeral()
        let agreement = Agreement(
            first: try ephemeral.sharedSecret(with: clientKey), second: try onionKey.sharedSecret(with: clientKey),
            identity: keys.rsaIdentity, onionKey: onionKey.publicKey, clientKey: clientKey,
            serverKey: ephemeral.publicKey)
        return HandshakeReply(
            message: ephemeral.publicKey.bytes + agreement.authenticator(), keyStream: agreement.keyStream())
    }

    /// What both ends compute alike once the two Diffie-Hellman results are there.
    private struct Agreement: ~Copyable {
        /// EXP(X,y) | EXP(X,b) | ID | B | X | Y | PROTOID
        private let secretInput: SecretBytes
        /// ID | B | Y | X | PROTOID | "Server": what follows `verify` in the authenticator's input.
        private let publicInput: [UInt8]

        init(
            first: consuming SecretBytes, second: consuming SecretBytes, identity: [UInt8], onionKey: X25519.PublicKey,
            clientKey: X25519.PublicKey, serverKey: X25519.PublicKey
        ) {
            let name = Array(CryptoSpec.ntorProtocol.utf8)
            let tail = identity + onionKey.bytes + clientKey.bytes + serverKey.bytes + name
            var input = SecretBytes(capacity: 64 + tail.count)
            input.append(first.bytes)
            input.append(second.bytes)
            input.append(tail.span.bytes)
            self.secretInput = input
            self.publicInput =
                identity + onionKey.bytes + serverKey.bytes + clientKey.bytes + name
                + Array(CryptoSpec.ntorServer.utf8)
        }

        /// H(auth_input, t_mac), where H(x, t) is HMAC-SHA256 of x under the key t.
        func authenticator() -> [UInt8] {
            var verify = self.tweaked(":verify", self.secretInput.bytes)
            var input = SecretBytes(capacity: verify.count + self.publicInput.count)
            input.append(verify.span.bytes)
            input.append(self.publicInput.span.bytes)
            _ = SecretBytes(taking: &verify)
            return self.tweaked(":mac", input.bytes)
        }

        func keyStream() -> CircuitKeyStream {
            var seed = self.tweaked(":key_extract", self.secretInput.bytes)
            return .ntor(extractedKey: SecretBytes(taking: &seed))
        }

        private func tweaked(_ tweak: String, _ bytes: RawSpan) -> [UInt8] {
            let key = Array((CryptoSpec.ntorProtocol + tweak).utf8)
            return HMACSHA256.code(bytes, key: key.span.bytes)
        }
    }
}
