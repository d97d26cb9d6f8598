/// The vote on which subprotocols are recommended and required (dir-spec, "recommended-client-protocols" and its kin).
enum ProtocolElection {
    /// The versions that at least `threshold` of the lists have, as a list sorted by name.
    static func elect(_ lists: [ByteText], threshold: Int) -> ProtocolList {
        let votes = lists.compactMap { list($0) }
        let names = Set(votes.flatMap(\.names)).sorted()
        return ProtocolList(
            names.compactMap { name in
                var elected: UInt64 = 0
                for version in 0..<64 where votes.count(where: { $0.supports(name, version) }) >= max(1, threshold) {
                    elected |= 1 << UInt64(version)
                }
                return elected == 0 ? nil : (name, elected)
            })
    }

    /// A list that can be voted on; nil if it is none, also if it begins with a space.
    static func list(_ text: ByteText) -> ProtocolList? {
        text.bytes.first == 0x20 ? nil : ProtocolList(text.description)
    }
}
