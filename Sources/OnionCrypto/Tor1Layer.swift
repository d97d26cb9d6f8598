internal import COpenSSL

/// One direction of one hop with tor's first relay cryptography: AES-128 in counter mode and a running SHA-1
/// (tor-spec §5.5 and §6.1).
///
/// Both ends of a direction hold one with the same keys: the end that makes the messages calls ``originate(command:_:)``,
/// the other ``receive(command:_:)``, and whoever only adds a layer calls ``crypt(command:_:)``.
///
/// The state lives behind a pointer, so the layer is a handle of one word that an enum can hold and borrow without moving
/// the state about for every cell. Cost of a layer: 104 bytes here and about 0.7 KiB of cipher context.
package struct Tor1Layer: ~Copyable, @unchecked Sendable {
    // Safe to send: the state is exclusively owned, and one loop at a time owns a circuit.
    private let state: UnsafeMutablePointer<State>

    private struct State: ~Copyable {
        let cipher: AES128CTR
        /// The digest of all messages that were recognised or made in this direction, after its seed.
        var digest: RunningSHA1
    }

    /// Makes a layer of one direction's digest seed (20 bytes) and key (16 bytes).
    package init(digestSeed: RawSpan, key: RawSpan) {
        precondition(digestSeed.byteCount == 20)
        var digest = RunningSHA1()
        digest.update(digestSeed)
        self.state = .allocate(capacity: 1)
        self.state.initialize(to: State(cipher: AES128CTR(key: key), digest: digest))
    }

    deinit {
        self.state.deinitialize(count: 1)
        // Safe: the state is ours alone, and nothing in it needs its bytes any more.
        OPENSSL_cleanse(self.state, MemoryLayout<State>.size)
        self.state.deallocate()
    }

    /// Finishes a relay message made here: writes `recognised` and the digest, then encrypts.
    ///
    /// - Parameter body: the 509 bytes of a v0 relay cell, with command, stream, length and data in place.
    /// - Returns: the tag that the other end will see.
    package mutating func originate(_ body: inout MutableRawSpan) -> OnionTag {
        precondition(body.byteCount == CryptoSpec.cellBodyLength)
        let state = self.state
        return body.withUnsafeMutableBytes { bytes in
            // tor-spec §6.1: the digest is computed "with the digest field set to zero".
            bytes[CryptoSpec.recognisedOffset] = 0
            bytes[CryptoSpec.recognisedOffset + 1] = 0
            for index in 0..<CryptoSpec.digestLength { bytes[CryptoSpec.digestOffset + index] = 0 }
            state.pointee.digest.update(UnsafeRawBufferPointer(bytes))
            let digest = state.pointee.digest.digest()
            for index in 0..<CryptoSpec.digestLength { bytes[CryptoSpec.digestOffset + index] = digest[index] }
            state.pointee.cipher.apply(to: bytes)
            return OnionTag(digest)
        }
    }

    /// Peels this layer off, and tells whether the message underneath is meant for this end.
    ///
    /// - Parameter body: the 509 bytes; peeled in any case.
    /// - Returns: the message's tag, or nil when it is not recognised here and must go on.
    package mutating func receive(_ body: inout MutableRawSpan) -> OnionTag? {
        precondition(body.byteCount == CryptoSpec.cellBodyLength)
        let state = self.state
        return body.withUnsafeMutableBytes { bytes in
            state.pointee.cipher.apply(to: bytes)
            guard bytes[CryptoSpec.recognisedOffset] | bytes[CryptoSpec.recognisedOffset + 1] == 0 else { return nil }
            // Safe: the four digest bytes lie inside the body.
            let received = bytes.loadUnaligned(fromByteOffset: CryptoSpec.digestOffset, as: UInt32.self)
            bytes.storeBytes(of: 0, toByteOffset: CryptoSpec.digestOffset, as: UInt32.self)
            var running = state.pointee.digest
            running.update(UnsafeRawBufferPointer(bytes))
            let digest = running.digest()
            let expected = digest.span.bytes.unsafeLoadUnaligned(as: UInt32.self)
            // The field goes back as it was: with a mismatch the next hop needs it, and a reader may like to see it.
            bytes.storeBytes(of: received, toByteOffset: CryptoSpec.digestOffset, as: UInt32.self)
            guard expected == received else { return nil }
            state.pointee.digest = running
            return OnionTag(digest)
        }
    }

    /// Adds or removes this layer without looking underneath.
    package mutating func crypt(_ body: inout MutableRawSpan) {
        precondition(body.byteCount == CryptoSpec.cellBodyLength)
        let state = self.state
        body.withUnsafeMutableBytes { state.pointee.cipher.apply(to: $0) }
    }
}
