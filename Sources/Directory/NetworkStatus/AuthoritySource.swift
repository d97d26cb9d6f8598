package import Cells

/// An authority as a vote or consensus names it: a `dir-source` line and those that belong to it.
package struct AuthoritySource: Hashable, Sendable {
    /// What its operator calls it; ends in "-legacy" for an entry of an old identity key.
    package var nickname: ByteText
    /// SHA-1 of its v3 identity key.
    package var identity: RSAIdentity
    /// Its host name, or its address once more.
    package var hostname: ByteText
    /// Its IPv4 address, as a number.
    package var address: UInt32
    /// Its directory port.
    package var dirPort: UInt16
    /// Its OR port.
    package var orPort: UInt16
    /// How to reach its operator; none in an entry of an old identity key.
    package var contact: ByteText?
    /// SHA-1 of its vote, in a consensus.
    package var voteDigest: DescriptorDigest?

    /// Takes what a `dir-source` line has.
    package init(
        nickname: ByteText, identity: RSAIdentity, hostname: ByteText, address: UInt32, dirPort: UInt16,
        orPort: UInt16, contact: ByteText? = nil
    ) {
        self.nickname = nickname
        self.identity = identity
        self.hostname = hostname
        self.address = address
        self.dirPort = dirPort
        self.orPort = orPort
        self.contact = contact
    }

    /// Reads a `dir-source` line.
    init(
        _ scanner: borrowing NetworkStatusScanner, _ line: NetworkStatusScanner.Line
    ) throws(NetworkStatusError) {
        let words = scanner.words(line.arguments)
        guard words.count >= 6,
            let identity = DirectoryEncoding.hex(scanner.bytes, in: words[1], byteCount: 20)
                .flatMap({ RSAIdentity($0) }),
            let address = scanner.address(words[3]), let dirPort = scanner.number(words[4], max: 65_535),
            let orPort = scanner.number(words[5], max: 65_535)
        else { throw scanner.bad("dir-source", line) }
        self.init(
            nickname: scanner.text(words[0]), identity: identity, hostname: scanner.text(words[2]), address: address,
            dirPort: UInt16(dirPort), orPort: UInt16(orPort))
    }

    /// Appends the `dir-source` line with another nickname's ending and identity, as old keys have it.
    func encode(suffix: String = "", identity: RSAIdentity? = nil, into output: inout [UInt8]) {
        output.append(contentsOf: "dir-source ".utf8)
        output.append(contentsOf: nickname.bytes)
        output.append(contentsOf: "\(suffix) \((identity ?? self.identity).hex) ".utf8)
        output.append(contentsOf: hostname.bytes)
        output.append(contentsOf: " \(IPAddress(ipv4: address)) \(dirPort) \(orPort)\n".utf8)
    }
}
