/// What PLUGIN_CODE carries: a plugin's file and what speaks for it, padded to one of three sizes (docs/plugin-protocol.md §4).
package struct PluginBundle: Equatable, Sendable {
    /// Signatures, proofs and checkpoints, as the policies want them; opaque here.
    package var evidence: [UInt8]
    /// The ELF object.
    package var file: [UInt8]

    /// A file with its evidence.
    package init(file: [UInt8], evidence: [UInt8] = []) {
        self.file = file
        self.evidence = evidence
    }

    /// The size of its transfer; nil if it is too large to travel.
    package var size: UInt32? { PluginWire.transferSize(for: 8 + evidence.count + file.count) }

    /// The bundle as it travels; empty if it is too large.
    package var bytes: [UInt8] {
        guard let size else { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(size))
        bytes.append(bigEndian: UInt32(evidence.count))
        bytes += evidence
        bytes.append(bigEndian: UInt32(file.count))
        bytes += file
        return bytes + [UInt8](repeating: 0, count: Int(size) - bytes.count)
    }

    /// Parses what has travelled.
    package init(bytes: RawSpan) throws(WireError) {
        var parser = ByteParser(bytes)
        evidence = try parser.readBytes(Int(try parser.readUInt32("evidence length")), "evidence")
        file = try parser.readBytes(Int(try parser.readUInt32("file length")), "file")
        while !parser.isAtEnd {
            guard try parser.readUInt8("padding") == 0 else { throw WireError("bundle padding", at: parser.offset - 1) }
        }
    }
}
