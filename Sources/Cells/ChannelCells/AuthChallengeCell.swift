/// AUTH_CHALLENGE: asks the initiator to say who it is (tor-spec §4.3).
package struct AuthChallengeCell: VariableCellBody {
    package static let command = CellCommand.authChallenge
    /// 32 random bytes.
    package var challenge: [UInt8]
    /// The ways to authenticate that the sender takes.
    package var methods: [UInt16]

    /// A challenge and the methods that may answer it.
    package init(challenge: [UInt8], methods: [UInt16] = [CellsSpec.authenticationMethod]) {
        self.challenge = challenge
        self.methods = methods
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        challenge = try parser.readBytes(CellsSpec.challengeLength, "challenge")
        let count = try parser.readUInt16("number of methods")
        methods = []
        for _ in 0..<count { methods.append(try parser.readUInt16("authentication method")) }
        try parser.finish("bytes after the methods")
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes += challenge
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: methods.count))
        for method in methods { bytes.append(bigEndian: method) }
    }

    /// True if we know how to answer.
    package var offersOurMethod: Bool { methods.contains(CellsSpec.authenticationMethod) }
}
