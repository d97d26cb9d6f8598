package import Cells

/// What a program asked for on the SocksPort, and what keeps its streams apart from others.
package struct SOCKSRequest: Hashable, Sendable {
    /// What is to be done with the host.
    package enum Command: UInt8, Sendable {
        /// Open a stream to it.
        case connect = 0x01
        /// Find its address (Tor's extension).
        case resolve = 0xF0
        /// Find its name (Tor's extension).
        case resolvePointer = 0xF1
    }

    /// Which host is meant.
    package enum Host: Hashable, Sendable {
        /// An address.
        case address(IPAddress)
        /// A valid host name, in lower case.
        case name(String)
    }

    /// 4 or 5. Streams of different versions are different protocols for `IsolateClientProtocol`.
    package let version: UInt8
    /// What is wanted.
    package let command: Command
    /// Of whom.
    package let host: Host
    /// Not 0 when `command` is `connect`.
    package let port: UInt16
    /// What `IsolateSOCKSAuth` goes by; `nil` when the program sent none.
    package let credentials: SOCKSCredentials?
    /// The port is one of `WarnPlaintextPorts`.
    package let isPlaintextPort: Bool
}

/// User name and password, which are never checked: different ones mean different circuits.
///
/// They may identify the user, so they have no description.
package struct SOCKSCredentials: Hashable, Sendable, CustomStringConvertible {
    /// The user name, as it was sent.
    package let username: [UInt8]
    /// The password; empty with SOCKS 4.
    package let password: [UInt8]

    /// Both as they were sent.
    package init(username: [UInt8], password: [UInt8]) {
        self.username = username
        self.password = password
    }

    package var description: String { "[scrubbed]" }
}

/// Host names as C Tor accepts them from programs.
enum HostName {
    /// Letters, digits, hyphens and underscores between dots; no label begins with a hyphen or underscore, and the last
    /// is not a number (that would be a broken address).
    static func isValid(_ name: some Collection<UInt8>) -> Bool {
        guard !name.isEmpty, name.count < SOCKSLimits.hostName else { return false }
        var labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)[...]
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        guard let last = labels.last, !last.allSatisfy({ (48...57).contains($0) }) else { return false }
        return labels.allSatisfy { label in
            guard let first = label.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "_") else { return false }
            return label.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        }
    }

    /// Whether the name can only mean this machine or its network.
    static func isLocal(_ name: String) -> Bool {
        let name = name.hasSuffix(".") ? name.dropLast() : name[...]
        return name == "localhost" || name.hasSuffix(".localhost") || name.hasSuffix(".local")
    }

    /// Whether the name lies under a top-level domain.
    static func isUnder(_ domain: String, _ name: String) -> Bool {
        let name = name.hasSuffix(".") ? name.dropLast() : name[...]
        return name == domain || name.hasSuffix("." + domain)
    }
}

/// Bounds that C Tor chose.
enum SOCKSLimits {
    /// A message that is longer and still incomplete is no SOCKS. The longest legal one has 513 bytes (a user name and a
    /// password of 255 bytes each); C Tor gives up on SOCKS 4 at 512.
    static let message = 512
    /// A host name must be shorter than this.
    static let hostName = 256
}
