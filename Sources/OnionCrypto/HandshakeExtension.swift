/// One extension of an ntor-v3 handshake's message: a type and up to 255 bytes (proposal 332, A.2).
///
/// What the types mean, which are known and whether one may occur twice is for the circuit's owner to say.
package struct HandshakeExtension: Equatable, Sendable {
    /// The type of the field.
    package let type: UInt8
    /// Its bytes, at most 255.
    package let body: [UInt8]

    /// Makes an extension.
    package init(type: UInt8, body: [UInt8]) {
        self.type = type
        self.body = body
    }

    /// n_ext(1), then type(1) length(1) body for each, in ascending order of type.
    package static func encode(_ extensions: [HandshakeExtension]) throws(CryptoError) -> [UInt8] {
        guard extensions.count <= 255 else { throw .messageTooLong }
        var bytes = [UInt8(extensions.count)]
        // Proposal 332: "Extensions SHOULD be sent in numerically ascending order by type." Stable among equals.
        for item in extensions.sorted(by: { $0.type < $1.type }) {
            guard item.body.count <= 255 else { throw .messageTooLong }
            bytes.append(item.type)
            bytes.append(UInt8(item.body.count))
            bytes.append(contentsOf: item.body)
        }
        return bytes
    }

    /// Reads a whole list: what is missing and what is left over are both errors.
    package static func decode(_ bytes: RawSpan) throws(CryptoError) -> [HandshakeExtension] {
        var extensions: [HandshakeExtension] = []
        var offset = 1
        guard bytes.byteCount >= 1 else { throw .messageTooShort }
        // Safe, here and below: every offset is checked against the count first.
        let count = bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
        for _ in 0..<count {
            guard bytes.byteCount - offset >= 2 else { throw .messageTooShort }
            let type = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            let length = Int(bytes.unsafeLoad(fromByteOffset: offset + 1, as: UInt8.self))
            offset += 2
            guard bytes.byteCount - offset >= length else { throw .messageTooShort }
            let body = bytes.extracting(offset..<(offset + length)).withUnsafeBytes { [UInt8]($0) }
            offset += length
            extensions.append(HandshakeExtension(type: type, body: body))
        }
        guard offset == bytes.byteCount else { throw .messageTooLong }
        return extensions
    }
}
