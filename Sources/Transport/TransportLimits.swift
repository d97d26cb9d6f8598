package import NIOCore

/// Numbers of our own choice, each with its reason.
package enum TransportLimits {
    /// How many cells make a TLS record: 31 of 514 bytes fill one (16,384) as far as whole cells can.
    package static let cellsPerRecord = 31
    /// The plaintext of a full record.
    package static let recordLength = cellsPerRecord * TransportSpec.cellLength
    /// Dispatch takes no more cells once so much waits for the socket: one burst.
    package static let pendingBytes = 65_536
    /// One socket read: as much as the kernel commonly has, so that one call serves a burst of cells.
    static let readLength = 131_072
    /// Plaintext handed over at once. It stays in the second-level cache.
    static let scratchLength = 65_536
    /// A ciphertext buffer: exactly four full records with their overhead, and a power of two for the allocator.
    static let ciphertextLength = 65_536
    /// What a TLS record adds to its plaintext, generously (header 5, explicit nonce or IV, padding, MAC).
    static let recordOverhead = 512
    /// How many spare ciphertext buffers a loop keeps: 4 MiB.
    static let spareCiphertexts = 64
    /// How many spare record buffers a loop keeps: 1 MiB.
    static let spareRecords = 64
    /// What the kernel may hold unsent before it says "not writable": two bursts, so that it never runs dry.
    static let notSentLowAt = 131_072
    /// More bytes than any honest TLS handshake with Tor's certificates sends one way.
    static let handshakeBytes = 65_536
    /// A relay's whole handshake, TLS and link.
    package static let handshakeTime = TimeAmount.seconds(60)
    /// How long a connection that we close may take to drain.
    static let lingerTime = TimeAmount.seconds(15)
    /// The longest variable cell during the link handshake. CERTS with every certificate is under 4 KiB.
    package static let variableCellInHandshake = 16_384
    /// The longest variable cell whose body is kept afterwards; longer ones are skipped, since all are ignored by then.
    package static let variableCellWhenOpen = 1_024
    /// How often connections that wait for bandwidth are looked at.
    static let meterInterval = TimeAmount.milliseconds(20)
    /// A waiting connection counts for so many bytes when the meter decides how many to wake.
    static let meterWakeShare = 32_768
    /// Connections that may wait in `accept`'s queue.
    static let listenBacklog = 4_096
}
