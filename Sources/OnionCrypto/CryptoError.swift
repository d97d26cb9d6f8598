/// Why a cryptographic operation failed. A peer can cause every one of these except ``systemFailure``.
///
/// None carries key material, and none needs to be told to a peer: the answer on the wire is the caller's reason code.
package enum CryptoError: Error, Equatable, Sendable {
    /// A message is shorter than its fixed fields, or an inner length runs past its end.
    case messageTooShort
    /// A message is longer than its format allows, or bytes follow where it ends.
    case messageTooLong
    /// A handshake names a relay identity that is not ours.
    case wrongIdentity
    /// A handshake names an onion key that we do not have, or no longer.
    case unknownOnionKey
    /// A point of small order: the shared secret would be all zero.
    case badPoint
    /// An authenticator, a MAC or a key confirmation does not match.
    case badAuthentication
    /// A key's encoding is malformed, not canonical, or of a kind or size that is not allowed here.
    case badKey
    /// A certificate's encoding is malformed or not DER.
    case badCertificate
    /// A signature does not verify.
    case badSignature
    /// The passphrase of an encrypted key is missing or wrong.
    case badPassphrase
    /// The library refused something that it never refuses a working machine.
    case systemFailure
}
