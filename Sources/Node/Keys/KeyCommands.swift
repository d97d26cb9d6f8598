package import Cells
package import Configuration
internal import Directory

/// What the program does with a relay's keys when it is asked to and then ends: `--list-fingerprint` and `--keygen`.
package enum KeyCommands {
    /// Why a command failed: a sentence for the operator.
    package struct Failure: Error, Hashable, CustomStringConvertible {
        /// The sentence.
        package let description: String
    }

    /// The line that `--list-fingerprint [rsa|ed25519]` prints: the nickname, and the fingerprint of one identity. Makes
    /// keys that are missing, as C Tor does.
    package static func listFingerprint(
        _ settings: Settings, kind: String = "", now: WallTime
    ) throws(Failure) -> String {
        guard ["", "rsa", "ed25519"].contains(kind) else {
            throw Failure(
                description: "If you give a key type, you must specify 'rsa' or 'ed25519'. Exiting.")
        }
        guard settings.relay.isRelay else {
            throw Failure(description: "Clients don't have long-term identity keys. Exiting.")
        }
        let store = KeyStore(settings)
        do throws(FileError) {
            if settings.authority.isAuthority { _ = try store.loadAuthorityKeys() }
            let keys = try store.load(now: now).keys
            try store.writeFingerprints(of: keys)
            let fingerprint = kind == "ed25519" ? keys.ed25519Identity.base64 : keys.identity.spacedHex
            return "\(settings.relay.nickname) \(fingerprint)"
        } catch {
            throw Failure(description: "Error initializing keys; exiting. \(error)")
        }
    }

    /// Makes a signing key with its certificate, and a master key if there is none: what `--keygen` does.
    ///
    /// - Returns: lines to tell.
    package static func keygen(_ settings: Settings, now: WallTime) throws(Failure) -> [String] {
        let store = KeyStore(settings)
        do throws(FileError) {
            return try store.keygen(now: now).map(\.description)
        } catch {
            throw Failure(description: error.description)
        }
    }
}
