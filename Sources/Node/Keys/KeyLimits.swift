/// What we refuse or decide about keys although nobody tells us to.
package enum KeyLimits {
    /// A key file; an RSA key of 4096 bits in PEM takes 3.2 KiB, a certificate less.
    package static let keyFileLength = 128 * 1024
    /// What C Tor's relays use for identity and TAP keys, and authorities insist on.
    package static let relayKeyBits = 1024
}
