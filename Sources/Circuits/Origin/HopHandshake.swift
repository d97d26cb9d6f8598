package import Cells
package import OnionCrypto

/// The client's half of a circuit handshake with one hop, of whichever kind, until the hop has answered.
package enum HopHandshake: ~Copyable, Sendable {
    /// CREATE_FAST; the first hop only.
    case fast(CreateFastHandshake.Client)
    /// ntor.
    case ntor(NtorHandshake.Client)
    /// ntor-v3.
    case ntorV3(NtorV3Handshake.Client)

    /// What a finished handshake yields.
    package struct Result: ~Copyable, Sendable {
        /// What both ends share.
        package let keys: CircuitKeys
        /// What the hop said beside; ntor-v3 only.
        package let extensions: [HandshakeExtension]
    }

    /// Starts a handshake: ntor-v3 if the hop takes it and we know its Ed25519 identity, else ntor, else CREATE_FAST.
    ///
    /// - Throws: if the hop's onion key is not one, or the extensions are too long.
    package init(with target: HopTarget, extensions: [HandshakeExtension]) throws(CryptoError) {
        guard let onionKey = target.onionKey else {
            self = .fast(CreateFastHandshake.Client())
            return
        }
        if target.supportsNtorV3, let identity = target.ed25519Identity {
            self = .ntorV3(
                try NtorV3Handshake.Client(
                    ed25519Identity: identity.bytes, onionKey: onionKey, extensions: extensions))
        } else {
            self = .ntor(NtorHandshake.Client(rsaIdentity: target.rsaIdentity.bytes, onionKey: onionKey))
        }
    }

    /// The type for CREATE2 and EXTEND2; nil for CREATE_FAST, which has a cell of its own.
    package var type: HandshakeType? {
        switch self {
        case .fast: nil
        case .ntor: .ntor
        case .ntorV3: .ntorV3
        }
    }

    /// What to send.
    package var message: [UInt8] {
        switch self {
        case .fast(let client): client.message
        case .ntor(let client): client.message
        case .ntorV3(let client): client.message
        }
    }

    /// Checks the hop's answer.
    package consuming func finish(_ reply: RawSpan) throws(CryptoError) -> Result {
        switch consume self {
        case .fast(let client):
            return Result(keys: try client.finish(reply).circuitKeys(), extensions: [])
        case .ntor(let client):
            return Result(keys: try client.finish(reply).circuitKeys(), extensions: [])
        case .ntorV3(let client):
            let result = try client.finish(reply)
            return Result(keys: result.keyStream.circuitKeys(), extensions: result.extensions)
        }
    }
}
