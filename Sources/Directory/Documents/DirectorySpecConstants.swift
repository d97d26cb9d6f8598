/// What the specification says about documents, with its sections.
package enum DirectorySpec {
    /// How many seconds an onion key is used (dir-spec §2.1.1; the parameter `onion-key-rotation-days`, by default).
    package static let onionKeyLifetime: Int64 = 28 * 86_400
    /// How many seconds more an onion key is answered with after that (`onion-key-grace-period-days`, by default).
    package static let onionKeyGracePeriod: Int64 = 7 * 86_400
    /// How many seconds a family's certificate of a relay lasts (proposal 321).
    package static let familyCertificateLifetime: Int64 = 30 * 86_400
    /// From which consensus method on microdescriptors name families by key (proposal 321).
    package static let familyIDsMethod = 35
}
