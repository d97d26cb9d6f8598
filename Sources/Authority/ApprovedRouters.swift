internal import Cells
package import Directory

/// C Tor's file `approved-routers`: what an authority's operator says of single relays, by their identities.
///
/// Lines are `!MARK IDENTITY`, the identity an RSA one in hexadecimal or an Ed25519 one in base 64; of lines that begin
/// with a nickname nothing follows any more.
package struct ApprovedRouters: Sendable {
    private var byRSA: [RSAIdentity: Marks] = [:]
    private var byEd25519: [Ed25519Identity: Marks] = [:]
    /// How many lines could not be read.
    package private(set) var brokenLines = 0

    /// What can be said of a relay.
    package struct Marks: OptionSet, Hashable, Sendable {
        /// One bit for each mark.
        package let rawValue: UInt8

        /// These marks.
        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// Its descriptors are refused.
        package static let reject = Marks(rawValue: 1)
        /// It never gets the Valid flag.
        package static let invalid = Marks(rawValue: 2)
        /// It gets the BadExit flag.
        package static let badExit = Marks(rawValue: 4)
        /// It gets the MiddleOnly flag.
        package static let middleOnly = Marks(rawValue: 8)
        /// It never gets the Guard flag.
        package static let stripGuard = Marks(rawValue: 16)
        /// It never gets the HSDir flag.
        package static let stripHSDir = Marks(rawValue: 32)
        /// It never gets the V2Dir flag.
        package static let stripV2Dir = Marks(rawValue: 64)

        fileprivate static let named: [String: Marks] = [
            "!reject": .reject, "!invalid": .invalid, "!badexit": .badExit, "!middleonly": .middleOnly,
            "!stripguard": .stripGuard, "!striphsdir": .stripHSDir, "!stripv2dir": .stripV2Dir,
        ]
    }

    /// Nothing is said of any relay.
    package init() {}

    /// Reads the file; lines that cannot be read are counted and passed over.
    package init(file: [UInt8]) {
        for line in String(decoding: file, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            let marks = Marks.named[first.lowercased()] ?? []
            let identity = words.dropFirst().joined()
            if let identity = RSAIdentity(hex: identity) {
                byRSA[identity, default: []].formUnion(marks)
            } else if let identity = Ed25519Identity(base64: identity) {
                byEd25519[identity, default: []].formUnion(marks)
            } else {
                brokenLines += 1
            }
        }
    }

    /// What is said of the relay that a descriptor is of.
    package func marks(of router: RouterDescriptor) -> Marks {
        (byRSA[router.identity] ?? []).union(byEd25519[router.ed25519Identity] ?? [])
    }
}
