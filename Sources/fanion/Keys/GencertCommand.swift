import ArgumentParser
import Cells
import Glibc
import Node
import OnionCrypto

/// `fanion gencert`: `tor-gencert`'s options and files.
struct GencertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gencert", abstract: "Make a directory authority's keys and certificate.",
        discussion: """
            The identity key is encrypted, and should be kept away from the authority's machine. The signing key and \
            the certificate go into its key folder.
            """)

    @Flag(name: .customShort("v"), help: "Say what is being done.")
    var isVerbose = false

    @Flag(
        name: [.customShort("r"), .customLong("reuse")], help: "Make a certificate for the signing key that there is.")
    var reuses = false

    @Flag(name: .customLong("create-identity-key"), help: "Make an identity key.")
    var createsIdentity = false

    @Option(name: .customShort("i"), help: "The file of the identity key.")
    var identityFile = "./authority_identity_key"

    @Option(name: .customShort("s"), help: "The file of the signing key.")
    var signingFile = "./authority_signing_key"

    @Option(name: .customShort("c"), help: "The file of the certificate.")
    var certificateFile = "./authority_certificate"

    @Option(name: .customShort("m"), help: "For how many months the certificate is good.")
    var months = 12

    @Option(name: .customShort("a"), help: "The address and directory port of the authority.")
    var address: String?

    @Option(
        name: .customLong("passphrase-fd"),
        help: "Read the passphrase of the identity key from this file descriptor, instead of the terminal.")
    var passphraseDescriptor: Int32?

    func validate() throws {
        guard (0...24).contains(months) else { throw ValidationError("Lifetime (in months) was out of range.") }
        if let passphraseDescriptor, passphraseDescriptor < 0 {
            throw ValidationError("--passphrase-fd must not be negative.")
        }
    }

    func run() throws {
        var maker = AuthorityKeyMaker()
        maker.identityPath = identityFile
        maker.signingPath = signingFile
        maker.certificatePath = certificateFile
        maker.months = months
        maker.createsIdentity = createsIdentity
        maker.reusesSigningKey = reuses
        if isVerbose { maker.progress = { Passphrase.say($0) } }
        if let address {
            guard let endpoint = Self.resolve(address) else {
                throw ValidationError("Can't resolve address/port for \(address), or it is no IPv4 address")
            }
            maker.address = endpoint
        }
        try maker.checkIdentity()
        let passphrase =
            if let passphraseDescriptor {
                try Passphrase.read(fromDescriptor: passphraseDescriptor)
            } else {
                try Passphrase.ask(twice: createsIdentity)
            }
        try maker.run(passphrase: passphrase, now: WallTime(seconds: Int64(time(nil))))
    }

    /// An IPv4 address or a host name, with a port.
    private static func resolve(_ text: String) -> SocketEndpoint? {
        if let endpoint = SocketEndpoint(text) { return endpoint.address.isV4 && endpoint.port != 0 ? endpoint : nil }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port != 0
        else { return nil }
        var hints = addrinfo()
        hints.ai_family = AF_INET
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(String(text[..<colon]), nil, &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        guard let address = list.pointee.ai_addr, list.pointee.ai_family == AF_INET else { return nil }
        // Safe: the family says that it is an IPv4 address.
        let number = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee.sin_addr.s_addr }
        return SocketEndpoint(address: .v4(UInt32(bigEndian: number)), port: port)
    }
}
