/// What we refuse although the specification sets no limit. C Tor draws the same lines.
package enum DirectoryLimits {
    /// One line: more is an attack or a bug.
    package static let lineLength = 128 * 1024
    /// The base 64 of one object.
    package static let objectLength = 128 * 1024
    /// Any document that is read by the tokenizer.
    package static let documentLength = 1024 * 1024
    /// A router descriptor as an authority takes it.
    package static let routerDescriptorLength = 20_000
    /// An extra-info document as an authority takes it.
    package static let extraInfoLength = 50_000
    /// A key certificate.
    package static let keyCertificateLength = 128 * 1024
    /// The summary of an exit policy.
    package static let policySummaryLength = 1000
}
