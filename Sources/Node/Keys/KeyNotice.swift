package import Cells

/// What the operator should hear about keys; `description` is for the log.
package enum KeyNotice: Hashable, Sendable, CustomStringConvertible {
    /// A new relay was born.
    case madeIdentity
    /// The master key's public half was missing, and was written again.
    case restoredMasterPublicKey
    /// There is a new signing key, because there was none that could be used.
    case madeSigningKey(expires: WallTime)
    /// There is a new signing key in the place of one that was about to end.
    case renewedSigningKey(expires: WallTime)
    /// The signing key ends soon, and the master key is not here to sign another.
    case cannotRenewSigningKey(expires: WallTime)

    /// True if the operator has to do something.
    package var isWarning: Bool {
        if case .cannotRenewSigningKey = self { true } else { false }
    }

    /// For the log.
    package var description: String {
        switch self {
        case .madeIdentity: "This is a new relay: its identity keys were made just now. Keep a copy of the key folder"
        case .restoredMasterPublicKey: "The public half of the master identity key was missing; it was written again"
        case .madeSigningKey(let expires): "Made a medium-term signing key, good until \(expires) UTC"
        case .renewedSigningKey(let expires): "Renewed the medium-term signing key, good until \(expires) UTC"
        case .cannotRenewSigningKey(let expires):
            "The signing key ends at \(expires) UTC, and the master identity key is not here to sign another. Make one "
                + "where the master key is (--keygen), and copy ed25519_signing_secret_key and ed25519_signing_cert here"
        }
    }
}
