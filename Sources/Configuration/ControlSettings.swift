internal import Cells

/// The control port and how a controller proves itself.
package struct ControlSettings: Sendable {
    /// `ControlPort` and `ControlSocket`.
    package let ports: [ControlPort]
    /// `CookieAuthentication`.
    package let usesCookie: Bool
    /// `CookieAuthFile`; `nil` is `control_auth_cookie` in the data folder.
    package let cookieFile: String?
    /// `CookieAuthFileGroupReadable`.
    package let cookieIsGroupReadable: Bool
    /// `HashedControlPassword` and `__HashedControlSessionPassword`.
    package let hashedPasswords: [HashedPassword]
    /// `ControlPortWriteToFile`.
    package let portFile: String?
    /// `ControlPortFileGroupReadable`.
    package let portFileIsGroupReadable: Bool

    init(_ values: inout OptionValues, _ environment: ConfigurationEnvironment) throws(ConfigurationError) {
        usesCookie = values.flag("CookieAuthentication")
        cookieFile = values.text("CookieAuthFile").map(environment.expand)
        cookieIsGroupReadable = values.flag("CookieAuthFileGroupReadable")
        var passwords: [HashedPassword] = []
        for option in ["HashedControlPassword", "__HashedControlSessionPassword"] {
            for line in values.lines(option) {
                guard let password = HashedPassword(line.value) else {
                    throw ConfigurationError(
                        location: line.location, option: option,
                        reason: "not what --hash-password prints: \"16:\" and 58 hexadecimal digits")
                }
                passwords.append(password)
            }
        }
        hashedPasswords = passwords
        let isAuthenticated = usesCookie || !passwords.isEmpty
        let groupWritable = values.flag("ControlSocketsGroupWritable")
        var tcp = PortReader(name: "ControlPort", defaultAddress: .v4(127 << 24 | 1))
        var unix = PortReader(name: "ControlSocket", defaultAddress: nil)
        ports =
            try tcp.controlPorts(
                values.lines("ControlPort"), groupWritable: groupWritable, isAuthenticated: isAuthenticated)
            + unix.controlPorts(
                values.lines("ControlSocket"), groupWritable: groupWritable, isAuthenticated: isAuthenticated)
        for warning in tcp.warnings + unix.warnings {
            values.warn(warning.reason, option: warning.option, at: warning.location)
        }
        if !ports.isEmpty, !isAuthenticated {
            values.warn(
                "every program of this machine can control this node; CookieAuthentication 1 would be better",
                option: "ControlPort", at: values.location("ControlPort"))
        }
        portFile = values.text("ControlPortWriteToFile").map(environment.expand)
        portFileIsGroupReadable = values.flag("ControlPortFileGroupReadable")
    }
}

/// A control password as `tor --hash-password` prints it: OpenPGP's iterated and salted S2K with SHA-1.
package struct HashedPassword: Hashable, Sendable {
    /// Eight random bytes.
    package let salt: [UInt8]
    /// How many bytes are hashed, in OpenPGP's one-byte form.
    package let countIndicator: UInt8
    /// The SHA-1 digest of salt and password, repeated.
    package let digest: [UInt8]

    /// How many bytes are hashed.
    package var byteCount: Int { (16 + Int(countIndicator & 15)) << (Int(countIndicator >> 4) + 6) }

    /// A password's parts.
    package init(salt: [UInt8], countIndicator: UInt8, digest: [UInt8]) {
        self.salt = salt
        self.countIndicator = countIndicator
        self.digest = digest
    }

    /// Reads `16:` with 58 hexadecimal digits.
    package init?(_ text: String) {
        guard text.hasPrefix("16:"), text.utf8.count == 3 + 58 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text.utf8.dropFirst(3) {
            guard let digit = character.hexDigit else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        self.init(salt: Array(bytes[..<8]), countIndicator: bytes[8], digest: Array(bytes[9...]))
    }

    /// `16:` and upper-case hexadecimal digits, as `tor --hash-password` prints it.
    package var text: String {
        let digits = Array("0123456789ABCDEF")
        return "16:"
            + (salt + [countIndicator] + digest).map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined()
    }
}
