internal import Cells
package import Configuration
internal import OnionCrypto

/// What a controller must know to be let in.
package struct ControlAuthentication: Sendable {
    /// The cookie, and where controllers find it; nil without `CookieAuthentication`.
    package var cookie: Cookie?
    /// Any of these passwords will do.
    package var passwords: [HashedPassword]

    /// A random file that only this user can read.
    package struct Cookie: Sendable {
        /// Thirty-two bytes.
        package var bytes: [UInt8]
        /// Where they are.
        package var path: String

        /// A cookie.
        package init(bytes: [UInt8], path: String) {
            self.bytes = bytes
            self.path = path
        }
    }

    /// What must be known; with neither, anybody is let in.
    package init(cookie: Cookie? = nil, passwords: [HashedPassword] = []) {
        self.cookie = cookie
        self.passwords = passwords
    }

    /// `AUTH METHODS=...`, as PROTOCOLINFO says it.
    var methods: String {
        var methods: [String] = []
        if cookie != nil { methods += ["COOKIE", "SAFECOOKIE"] }
        if !passwords.isEmpty { methods.append("HASHEDPASSWORD") }
        if methods.isEmpty { methods = ["NULL"] }
        var text = "AUTH METHODS=" + methods.joined(separator: ",")
        if let cookie { text += " COOKIEFILE=" + Self.quoted(cookie.path) }
        return text
    }

    /// What is wrong with an answer; nil if it is right.
    func refusal(of answer: [UInt8], isQuoted: Bool) -> String? {
        if cookie == nil, passwords.isEmpty { return nil }
        if let cookie, answer.count == ControlSpec.cookieLength, constantTimeEqual(answer, cookie.bytes) { return nil }
        for password in passwords where password.matches(answer) { return nil }
        switch (cookie != nil, !passwords.isEmpty) {
        case (true, false):
            return answer.count == ControlSpec.cookieLength
                ? "Authentication cookie did not match expected value." : "Wrong length on authentication cookie."
        case (true, true): return "Password did not match HashedControlPassword *or* authentication cookie."
        default:
            let text = "Password did not match HashedControlPassword value from configuration"
            return isQuoted
                ? text
                : text
                    + ". Maybe you tried a plain text password? "
                    + "If so, the standard requires that you put it in double quotes."
        }
    }

    /// Both proofs of a safe-cookie exchange (control-spec §3.24); nil without a cookie.
    func proofs(clientNonce: [UInt8], serverNonce: [UInt8]) -> (server: [UInt8], controller: [UInt8])? {
        guard let cookie else { return nil }
        let text = cookie.bytes + clientNonce + serverNonce
        func code(_ key: String) -> [UInt8] { HMACSHA256.code(text.span.bytes, key: Array(key.utf8).span.bytes) }
        return (code(ControlSpec.serverToController), code(ControlSpec.controllerToServer))
    }

    /// A C string literal, as C Tor escapes them.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += "\\" + String(UnicodeScalar(byte))
            case 10: result += "\\n"
            case 13: result += "\\r"
            case 9: result += "\\t"
            case 32...126: result += String(UnicodeScalar(byte))
            default:
                let octal = String(byte, radix: 8)
                result += "\\" + String(repeating: "0", count: 3 - octal.count) + octal
            }
        }
        return result + "\""
    }
}

extension HashedPassword {
    /// Whether this is the hash of a password: OpenPGP's iterated and salted S2K (RFC 4880 §3.7.1.3).
    package func matches(_ password: [UInt8]) -> Bool {
        let block = salt + password
        guard !block.isEmpty else { return false }
        var hash = SHA1()
        var left = max(byteCount, block.count)
        // Hashed in larger pieces, for speed.
        let piece = Array(repeatElement(block, count: max(1, 4_096 / block.count)).joined())
        while left >= piece.count {
            hash.update(piece.span.bytes)
            left -= piece.count
        }
        hash.update(Array(piece[..<left]).span.bytes)
        return constantTimeEqual(hash.digest(), digest)
    }

    /// The hash of a password under a fresh salt, as `--hash-password` prints it.
    package static func hashing(_ password: [UInt8], salt: [UInt8]) -> HashedPassword {
        let empty = HashedPassword(salt: salt, countIndicator: 96, digest: [])
        let block = salt + password
        var hash = SHA1()
        var left = max(empty.byteCount, block.count)
        while left > 0 {
            let count = min(left, block.count)
            hash.update(Array(block[..<count]).span.bytes)
            left -= count
        }
        return HashedPassword(salt: salt, countIndicator: 96, digest: hash.digest())
    }
}
