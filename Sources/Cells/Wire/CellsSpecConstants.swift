/// What the specification says about cells, with its sections.
@usableFromInline
package enum CellsSpec {
    /// A whole fixed-length cell with a four-byte circuit ID (tor-spec §0.2, CELL_LEN(v)).
    @inlinable package static var cellLength: Int { 514 }
    /// Circuit ID and command before a fixed body (tor-spec §3).
    @inlinable package static var cellHeaderLength: Int { 5 }
    /// The body of a fixed-length cell (tor-spec §0.2, CELL_BODY_LEN).
    @inlinable package static var bodyLength: Int { 509 }
    /// Circuit ID, command and length before a variable body (tor-spec §3).
    @inlinable package static var variableHeaderLength: Int { 7 }
    /// The same for a first VERSIONS, whose circuit ID has two bytes (tor-spec §4.1).
    @inlinable package static var versionsHeaderLength: Int { 5 }
    /// Command, recognized, stream ID, digest and length before a relay message of format v0 (tor-spec §6.1).
    @inlinable package static var relayHeaderLength: Int { 11 }
    /// What a relay message of format v0 holds at most (tor-spec §6.1).
    @inlinable package static var relayDataLength: Int { 498 }
    /// Zero bytes between a relay message and its random padding (tor-spec §6.1).
    @inlinable package static var relayPaddingZeros: Int { 4 }
    /// The digest of a CREATE_FAST handshake's secrets, and their length (tor-spec §5.1.4).
    @inlinable package static var fastLength: Int { 20 }
    /// The challenge of AUTH_CHALLENGE (tor-spec §4.3).
    package static let challengeLength = 32
    /// RSA_SHA256... and its successors are gone: this is Ed25519-SHA256-RFC5705 (tor-spec §4.4).
    package static let authenticationMethod: UInt16 = 3
}
