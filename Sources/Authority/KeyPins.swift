package import Cells
internal import Directory

/// Which RSA identity goes with which Ed25519 identity, for good: C Tor's key pinning (AuthDirPinKeys).
///
/// A relay that changes only one of its identities is refused, since whoever stole the other could pose as it.
package struct KeyPins: Sendable {
    private var byRSA: [RSAIdentity: Ed25519Identity] = [:]
    private var byEd25519: [Ed25519Identity: RSAIdentity] = [:]

    /// No pins.
    package init() {}

    /// What is known of a pair.
    package enum Verdict: Hashable, Sendable {
        /// Exactly this pair is known.
        case known
        /// Neither is known.
        case unknown
        /// One of them is known with another.
        case mismatch
    }

    /// Looks a pair up.
    package func check(_ identity: RSAIdentity, _ key: Ed25519Identity) -> Verdict {
        switch (byRSA[identity], byEd25519[key]) {
        case (key?, _): .known
        case (nil, nil): .unknown
        default: .mismatch
        }
    }

    /// Pins a pair; what contradicts it is forgotten.
    package mutating func pin(_ identity: RSAIdentity, _ key: Ed25519Identity) {
        if let other = byRSA[identity], other != key { byEd25519[other] = nil }
        if let other = byEd25519[key], other != identity { byRSA[other] = nil }
        byRSA[identity] = key
        byEd25519[key] = identity
    }

    /// Reads C Tor's `key-pinning-journal`: later lines rule; those that cannot be read are passed over.
    package init(journal: [UInt8]) {
        for line in journal.split(separator: 0x0A) {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            guard words.count == 2, let identity = RSAIdentity(base64: words[0]),
                let key = Ed25519Identity(base64: words[1])
            else { continue }
            pin(identity, key)
        }
    }

    /// A line of the journal.
    package static func line(_ identity: RSAIdentity, _ key: Ed25519Identity) -> [UInt8] {
        Array("\(identity.base64) \(key.base64)\n".utf8)
    }
}
