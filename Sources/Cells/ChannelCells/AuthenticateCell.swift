/// AUTHENTICATE: the initiator's proof of who it is (tor-spec §4.4).
package struct AuthenticateCell: VariableCellBody {
    package static let command = CellCommand.authenticate
    /// How: 3 is ours.
    package var method: UInt16
    /// For method 3 an `Authentication`.
    package var authentication: [UInt8]

    /// A method and what it says.
    package init(method: UInt16, authentication: [UInt8]) {
        self.method = method
        self.authentication = authentication
    }

    /// Wraps an authentication by our method.
    package init(_ authentication: Authentication) {
        method = CellsSpec.authenticationMethod
        var bytes = authentication.signedBytes
        bytes += authentication.signature
        self.authentication = bytes
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        method = try parser.readUInt16("authentication method")
        let length = Int(try parser.readUInt16("authentication length"))
        authentication = try parser.readBytes(length, "authentication")
        try parser.finish("bytes after the authentication")
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: method)
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: authentication.count))
        bytes += authentication
    }
}

extension AuthenticateCell {
    /// AUTH0003, the fields of method 3 (tor-spec §4.4.2): what both sides can compute, random bytes, a signature.
    package struct Authentication: Hashable, Sendable {
        /// How long all of it is.
        package static let length = 352
        /// How much of it the receiver computes for itself.
        package static let fixedLength = 264
        /// How much of it is signed.
        package static let signedLength = 288

        /// SHA-256 of the initiator's RSA identity key.
        package var initiatorRSADigest: [UInt8]
        /// SHA-256 of the responder's RSA identity key.
        package var responderRSADigest: [UInt8]
        /// The initiator's Ed25519 identity.
        package var initiator: Ed25519Identity
        /// The responder's Ed25519 identity.
        package var responder: Ed25519Identity
        /// SHA-256 of all that the responder has sent: SLOG.
        package var responderLog: [UInt8]
        /// SHA-256 of all that the initiator has sent: CLOG.
        package var initiatorLog: [UInt8]
        /// SHA-256 of the responder's TLS certificate.
        package var tlsCertificateDigest: [UInt8]
        /// Exported keying material of the TLS connection.
        package var exporter: [UInt8]
        /// 24 random bytes.
        package var random: [UInt8]
        /// Of `signedBytes`, by the authentication key; 64 bytes.
        package var signature: [UInt8]

        /// All the fields.
        package init(
            initiatorRSADigest: [UInt8], responderRSADigest: [UInt8], initiator: Ed25519Identity,
            responder: Ed25519Identity, responderLog: [UInt8], initiatorLog: [UInt8], tlsCertificateDigest: [UInt8],
            exporter: [UInt8], random: [UInt8], signature: [UInt8] = []
        ) {
            self.initiatorRSADigest = initiatorRSADigest
            self.responderRSADigest = responderRSADigest
            self.initiator = initiator
            self.responder = responder
            self.responderLog = responderLog
            self.initiatorLog = initiatorLog
            self.tlsCertificateDigest = tlsCertificateDigest
            self.exporter = exporter
            self.random = random
            self.signature = signature
        }

        /// Parses all 352 bytes.
        package init(parsing bytes: RawSpan) throws(WireError) {
            var parser = ByteParser(bytes)
            let tag = try parser.readBytes(8, "authentication type")
            guard tag == Self.tag else { throw WireError("authentication type", at: 0) }
            initiatorRSADigest = try parser.readBytes(32, "CID")
            responderRSADigest = try parser.readBytes(32, "SID")
            guard let initiator = Ed25519Identity(try parser.readBytes(32, "CID_ED")),
                let responder = Ed25519Identity(try parser.readBytes(32, "SID_ED"))
            else { throw WireError("identity", at: parser.offset) }
            self.initiator = initiator
            self.responder = responder
            responderLog = try parser.readBytes(32, "SLOG")
            initiatorLog = try parser.readBytes(32, "CLOG")
            tlsCertificateDigest = try parser.readBytes(32, "SCERT")
            exporter = try parser.readBytes(32, "TLSSECRETS")
            random = try parser.readBytes(24, "RAND")
            signature = try parser.readBytes(64, "SIG")
            try parser.finish("bytes after the signature")
        }

        private static let tag = Array("AUTH0003".utf8)

        /// The 264 bytes that both sides must agree on.
        package var fixedBytes: [UInt8] {
            Self.tag + initiatorRSADigest + responderRSADigest + initiator.bytes + responder.bytes + responderLog
                + initiatorLog + tlsCertificateDigest + exporter
        }

        /// The 288 bytes that are signed.
        package var signedBytes: [UInt8] { fixedBytes + random }
    }
}
