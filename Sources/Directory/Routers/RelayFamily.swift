package import Cells

/// The relays that one relay's operator says are run together with it (dir-spec §2.1.1, "family").
package struct RelayFamily: Hashable, Sendable {
    /// The members, in the order in which they were written.
    package let members: [Member]

    /// One member.
    package enum Member: Hashable, Sendable {
        /// By RSA identity, which is how everybody names members.
        case identity(RSAIdentity)
        /// By nickname, in small letters.
        case nickname(String)
        /// In a form that we do not know; kept as it is.
        case unknown(String)

        /// As it stands in a microdescriptor.
        package var text: String {
            switch self {
            case .identity(let identity): "$" + DirectoryEncoding.hex(identity.bytes)
            case .nickname(let name), .unknown(let name): name
            }
        }

        /// Reads "$FINGERPRINT", "$FINGERPRINT=name", "$FINGERPRINT~name" or a nickname. The "$" may be missing.
        package init(_ text: String) {
            if Nickname.isValid(text) {
                self = .nickname(text.lowercased())
                return
            }
            let digits = text.hasPrefix("$") ? text.dropFirst() : text[...]
            let rest = digits.utf8.dropFirst(40)
            let isNamed = rest.first == UInt8(ascii: "=") || rest.first == UInt8(ascii: "~")
            guard rest.isEmpty || (isNamed && Nickname.isValid(String(decoding: rest.dropFirst(), as: UTF8.self))),
                let bytes = DirectoryEncoding.hex(
                    String(decoding: digits.utf8.prefix(40), as: UTF8.self), byteCount: 20),
                let identity = RSAIdentity(bytes)
            else {
                self = .unknown(text)
                return
            }
            self = .identity(identity)
        }
    }

    /// Takes members.
    package init(_ members: [Member]) {
        self.members = members
    }

    /// Reads the words of a "family" line.
    package init(words: [String]) {
        members = words.map { Member($0) }
    }

    /// True if a member is in a form that we do not know; a router descriptor with one is refused.
    package var hasUnknownMembers: Bool { members.contains(where: \.isUnknown) }

    /// True if the family names a relay by its identity or its nickname.
    package func contains(_ identity: RSAIdentity, nickname: String) -> Bool {
        members.contains { $0 == .identity(identity) || $0 == .nickname(nickname.lowercased()) }
    }

    /// The members as they stand in a microdescriptor: the relay itself added, each once, sorted bytewise.
    package func canonicalText(including relay: RSAIdentity) -> String {
        let known = Set(members.filter { !$0.isUnknown } + [.identity(relay)]).map(\.text)
        let unknown = members.filter(\.isUnknown).map(\.text)
        return (known + unknown).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.joined(separator: " ")
    }
}

extension RelayFamily.Member {
    fileprivate var isUnknown: Bool {
        if case .unknown = self { true } else { false }
    }
}
