/// CREATE_FAST: two random halves over a channel that TLS protects, no public keys (tor-spec §5.1.5, "CREATE_FAST/CREATED_FAST").
///
/// Only for a first hop that the client knows no onion key of; it adds no secrecy to TLS.
package enum CreateFastHandshake {
    /// The length of the client's half.
    package static let clientMessageLength = 20
    /// The length of the relay's answer: its half, and KH as proof.
    package static let serverMessageLength = 40

    /// The client's state between CREATE_FAST and CREATED_FAST.
    package struct Client: ~Copyable, Sendable {
        /// The body of CREATE_FAST: 20 bytes.
        package let message: [UInt8]

        /// Draws the client's half.
        package init() {
            self.message = SystemRandom.bytes(clientMessageLength)
        }

        init(half: [UInt8]) {
            self.message = half
        }

        /// Checks the 40 bytes of CREATED_FAST.
        package consuming func finish(_ reply: RawSpan) throws(CryptoError) -> CircuitKeyStream {
            guard reply.byteCount >= serverMessageLength else { throw .messageTooShort }
            guard reply.byteCount == serverMessageLength else { throw .messageTooLong }
            let stream = keyStream(client: self.message.span.bytes, server: reply.extracting(0..<20))
            let proof = stream.bytes(count: 20)
            guard constantTimeEqual(proof.bytes, reply.extracting(20..<40)) else { throw .badAuthentication }
            return stream
        }
    }

    /// Answers the 20 bytes of a CREATE_FAST.
    package static func respond(to message: RawSpan) throws(CryptoError) -> HandshakeReply {
        try respond(to: message, half: SystemRandom.bytes(clientMessageLength))
    }

    static func respond(to message: RawSpan, half: [UInt8]) throws(CryptoError) -> HandshakeReply {
        guard message.byteCount >= clientMessageLength else { throw .messageTooShort }
        guard message.byteCount == clientMessageLength else { throw .messageTooLong }
        let stream = keyStream(client: message, server: half.span.bytes)
        return HandshakeReply(message: half + stream.bytes(count: 20).copyToArray(), keyStream: stream)
    }

    private static func keyStream(client: RawSpan, server: RawSpan) -> CircuitKeyStream {
        var secret = SecretBytes(capacity: 40)
        secret.append(client)
        secret.append(server)
        return .torKDF(secret: secret)
    }
}
