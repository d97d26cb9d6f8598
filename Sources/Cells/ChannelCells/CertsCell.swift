/// CERTS: certificates that say who the sender is (tor-spec §4.2). Opened and checked elsewhere.
package struct CertsCell: VariableCellBody {
    package static let command = CellCommand.certs

    /// One certificate, still closed.
    package struct Entry: Hashable, Sendable {
        /// What it certifies.
        package var type: CertsCellType
        /// X.509 in DER, an Ed25519 certificate, or a cross-certificate.
        package var certificate: [UInt8]

        /// A certificate of a type.
        package init(type: CertsCellType, certificate: [UInt8]) {
            self.type = type
            self.certificate = certificate
        }
    }

    /// In order, with unknown types, and possibly twice the same.
    package var entries: [Entry]

    /// Takes certificates, at most 255.
    package init(entries: [Entry]) {
        self.entries = entries
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        let count = try parser.readUInt8("number of certificates")
        entries = []
        for _ in 0..<count {
            let type = CertsCellType(rawValue: try parser.readUInt8("certificate type"))
            let length = Int(try parser.readUInt16("certificate length"))
            entries.append(Entry(type: type, certificate: try parser.readBytes(length, "certificate")))
        }
        try parser.finish("bytes after the certificates")
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: entries.count))
        for entry in entries {
            bytes.append(entry.type.rawValue)
            bytes.append(bigEndian: UInt16(truncatingIfNeeded: entry.certificate.count))
            bytes += entry.certificate
        }
    }

    /// The certificate of a type, the first if there are several.
    package func certificate(_ type: CertsCellType) -> [UInt8]? {
        entries.first { $0.type == type }?.certificate
    }

    /// True if some type comes twice, which tor-spec §4.2 forbids.
    package var hasDuplicates: Bool {
        Set(entries.map(\.type)).count != entries.count
    }
}

/// What a certificate in a CERTS cell certifies (tor-spec §4.2).
package struct CertsCellType: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    package let rawValue: UInt8

    /// Takes any number.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// X.509: the TLS key, signed by the RSA identity.
    package static let rsaLink = CertsCellType(rawValue: 1)
    /// X.509: the RSA identity, signed by itself.
    package static let rsaIdentity = CertsCellType(rawValue: 2)
    /// X.509: an RSA authentication key, signed by the RSA identity.
    package static let rsaAuthentication = CertsCellType(rawValue: 3)
    /// Ed25519: the signing key, signed by the identity.
    package static let ed25519Signing = CertsCellType(rawValue: 4)
    /// Ed25519: the TLS certificate, signed by the signing key.
    package static let ed25519Link = CertsCellType(rawValue: 5)
    /// Ed25519: an authentication key, signed by the signing key.
    package static let ed25519Authentication = CertsCellType(rawValue: 6)
    /// The Ed25519 identity, signed by the RSA identity.
    package static let rsaEd25519Cross = CertsCellType(rawValue: 7)
}
