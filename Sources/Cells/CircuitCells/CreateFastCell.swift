/// CREATE_FAST: a circuit of one hop whose keys come from two random numbers (tor-spec §5.1.4).
package struct CreateFastCell: FixedCellBody {
    package static let command = CellCommand.createFast
    /// X, the client's 20 random bytes.
    package var clientRandom: [UInt8]

    /// Takes X.
    package init(clientRandom: [UInt8]) {
        self.clientRandom = clientRandom
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        clientRandom = try parser.readBytes(CellsSpec.fastLength, "X")
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes += clientRandom
    }
}

/// CREATED_FAST: the relay's answer to CREATE_FAST (tor-spec §5.1.4).
package struct CreatedFastCell: FixedCellBody {
    package static let command = CellCommand.createdFast
    /// Y, the relay's 20 random bytes.
    package var relayRandom: [UInt8]
    /// KH, which proves that the relay has both numbers; 20 bytes.
    package var keyDigest: [UInt8]

    /// Takes Y and KH.
    package init(relayRandom: [UInt8], keyDigest: [UInt8]) {
        self.relayRandom = relayRandom
        self.keyDigest = keyDigest
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        relayRandom = try parser.readBytes(CellsSpec.fastLength, "Y")
        keyDigest = try parser.readBytes(CellsSpec.fastLength, "KH")
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes += relayRandom
        bytes += keyDigest
    }
}
