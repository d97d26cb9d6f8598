/// VERSIONS: the link protocols that the sender speaks (tor-spec §4.1).
package struct VersionsCell: VariableCellBody {
    package static let command = CellCommand.versions
    /// As they came: unknown ones and repetitions are harmless.
    package var versions: [UInt16]

    /// A list of versions.
    package init(versions: [UInt16]) {
        self.versions = versions
    }

    /// Parses a body, whose length must be even.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        versions = []
        while !parser.isAtEnd { versions.append(try parser.readUInt16("odd length of VERSIONS")) }
    }

    /// Appends the list.
    package func encode(into bytes: inout [UInt8]) {
        for version in versions { bytes.append(bigEndian: version) }
    }

    /// The highest version that both sides speak (tor-spec §4.1), if any.
    package func highestCommon(with ours: [LinkProtocol] = LinkProtocol.allCases) -> LinkProtocol? {
        ours.filter { versions.contains($0.rawValue) }.max()
    }
}
