/// The keys of one hop, as a circuit handshake yields them for tor1 (tor-spec §5.2.2).
///
/// Not the layers themselves: the hop's owner makes those, once, on its own event loop.
package struct CircuitKeys: ~Copyable, Sendable {
    /// How many bytes a handshake derives: Df, Db, Kf, Kb and KH.
    package static let byteCount = 92

    /// Df(20) Db(20) Kf(16) Kb(16) KH(20), whatever order the handshake made them in.
    private let material: SecretBytes

    /// Takes 92 bytes in the order Df, Db, Kf, Kb, KH.
    init(_ material: consuming SecretBytes) {
        precondition(material.count == Self.byteCount)
        self.material = material
    }

    /// Df, the seed of the forward digest: 20 bytes.
    package var forwardDigestSeed: RawSpan {
        @_lifetime(borrow self)
        get { self.material.bytes.extracting(0..<20) }
    }

    /// Db, the seed of the backward digest: 20 bytes.
    package var backwardDigestSeed: RawSpan {
        @_lifetime(borrow self)
        get { self.material.bytes.extracting(20..<40) }
    }

    /// Kf, the forward key: 16 bytes.
    package var forwardKey: RawSpan {
        @_lifetime(borrow self)
        get { self.material.bytes.extracting(40..<56) }
    }

    /// Kb, the backward key: 16 bytes.
    package var backwardKey: RawSpan {
        @_lifetime(borrow self)
        get { self.material.bytes.extracting(56..<72) }
    }

    /// KH, which binds later messages to this handshake (ESTABLISH_INTRO, legacy rendezvous): 20 bytes.
    package var handshakeNonce: RawSpan {
        @_lifetime(borrow self)
        get { self.material.bytes.extracting(72..<92) }
    }

    /// A fresh layer for the forward direction.
    package func makeForwardLayer() -> OnionLayer {
        .tor1(Tor1Layer(digestSeed: self.forwardDigestSeed, key: self.forwardKey))
    }

    /// A fresh layer for the backward direction.
    package func makeBackwardLayer() -> OnionLayer {
        .tor1(Tor1Layer(digestSeed: self.backwardDigestSeed, key: self.backwardKey))
    }
}

/// What a circuit handshake has agreed on, before it is cut into keys.
///
/// Kept apart from ``CircuitKeys`` since the length depends on the kind of layer, which an ntor-v3 extension may decide:
/// tor1 takes 92 bytes, another kind takes another number from the same stream.
package struct CircuitKeyStream: ~Copyable, Sendable {
    private enum Source {
        /// KDF-TOR over the two halves of CREATE_FAST; KH comes first.
        case torKDF
        /// HKDF's extracted key, to be expanded with ntor's label.
        case ntor
        /// The whole input of ntor-v3's SHAKE-256, and how many bytes the handshake itself has used.
        case ntorV3(used: Int)
    }

    private let source: Source
    private let secret: SecretBytes

    private init(_ source: Source, _ secret: consuming SecretBytes) {
        self.source = source
        self.secret = secret
    }

    static func torKDF(secret: consuming SecretBytes) -> CircuitKeyStream {
        CircuitKeyStream(.torKDF, secret)
    }

    static func ntor(extractedKey: consuming SecretBytes) -> CircuitKeyStream {
        CircuitKeyStream(.ntor, extractedKey)
    }

    static func ntorV3(input: consuming SecretBytes, used: Int) -> CircuitKeyStream {
        CircuitKeyStream(.ntorV3(used: used), input)
    }

    /// The first `count` bytes of the stream.
    package func bytes(count: Int) -> SecretBytes {
        switch self.source {
        case .torKDF:
            return KDFTor.derive(secret: self.secret.bytes, count: count)
        case .ntor:
            let label = Array((CryptoSpec.ntorProtocol + ":key_expand").utf8)
            return HKDFSHA256.expand(key: self.secret.bytes, info: label.span.bytes, count: count)
        case .ntorV3(let used):
            var shake = SHAKE256()
            shake.update(self.secret.bytes)
            let all = shake.secret(count: used + count)
            return SecretBytes(copying: all.bytes.extracting(used..<(used + count)))
        }
    }

    /// The keys of a tor1 hop.
    package func circuitKeys() -> CircuitKeys {
        switch self.source {
        case .torKDF:
            // tor-spec §5.2.1: KH comes first with KDF-TOR, and last with the others.
            let bytes = self.bytes(count: CircuitKeys.byteCount)
            var ordered = SecretBytes(capacity: CircuitKeys.byteCount)
            ordered.append(bytes.bytes.extracting(20..<92))
            ordered.append(bytes.bytes.extracting(0..<20))
            return CircuitKeys(ordered)
        case .ntor, .ntorV3:
            return CircuitKeys(self.bytes(count: CircuitKeys.byteCount))
        }
    }
}
