package import Configuration
package import Node
internal import OnionCrypto

/// Files by which controllers find the control port and prove that they may use it.
package enum ControlFiles {
    /// What the settings ask for: a fresh cookie, written to its file, and the passwords.
    package static func authentication(
        _ settings: ControlSettings, dataDirectory: String
    ) throws(FileError) -> ControlAuthentication {
        guard settings.usesCookie else { return ControlAuthentication(passwords: settings.hashedPasswords) }
        let path = settings.cookieFile ?? dataDirectory + "/control_auth_cookie"
        let bytes = SystemRandom.bytes(ControlSpec.cookieLength)
        try SecureFiles.write(bytes, to: path, for: settings.cookieIsGroupReadable ? .group : .owner)
        return ControlAuthentication(cookie: .init(bytes: bytes, path: path), passwords: settings.hashedPasswords)
    }

    /// `ControlPortWriteToFile`: where the control ports are, a line each.
    package static func writePorts(_ places: [String], _ settings: ControlSettings) throws(FileError) {
        guard let path = settings.portFile else { return }
        let lines = places.map { place in
            place.hasPrefix("unix:") ? "UNIX_PORT=\(place.dropFirst("unix:".count))\n" : "PORT=\(place)\n"
        }
        try SecureFiles.write(
            Array(lines.joined().utf8), to: path, for: settings.portFileIsGroupReadable ? .group : .owner)
    }
}
