internal import Cells
internal import OnionCrypto

extension Microdescriptor {
    /// The microdescriptor that an authority makes of a router descriptor under a consensus method (32 to 35): authorities
    /// must agree on every byte of it.
    ///
    /// Nil if the descriptor has no TAP key; such relays get no microdescriptor yet.
    package init?(of router: RouterDescriptor, method: Int) {
        guard let tap = router.tapOnionKey else { return nil }
        var writer = DocumentWriter()
        writer.line("onion-key")
        writer.object("RSA PUBLIC KEY", tap.der)
        writer.line("ntor-onion-key", DirectoryEncoding.base64(router.ntorOnionKey.bytes))
        if let family = router.family {
            writer.line("family", family.canonicalText(including: router.identity))
        }
        if method >= DirectorySpec.familyIDsMethod, !router.familyIDs.isEmpty {
            writer.line("family-ids", router.familyIDs.joined(separator: " "))
        }
        let summary = router.exitPolicy.summary(isIPv6: false)
        if !summary.rejectsEverything { writer.line("p", summary.description) }
        if let ipv6 = router.ipv6Policy, !ipv6.rejectsEverything { writer.line("p6", ipv6.description) }
        writer.line("id", "ed25519", router.ed25519Identity.base64)
        try? self.init(writer.bytes)
    }

    /// The microdescriptors of a router descriptor under several methods, in rising order: one for each run of methods
    /// that makes the same, as the `m` lines of a vote list them.
    package static func all(
        of router: RouterDescriptor, methods: [Int]
    ) -> [(methods: [Int], microdescriptor: Microdescriptor)] {
        var result: [(methods: [Int], microdescriptor: Microdescriptor)] = []
        for method in methods.sorted() {
            guard let microdescriptor = Microdescriptor(of: router, method: method) else { continue }
            if let last = result.last, last.microdescriptor.digest == microdescriptor.digest {
                result[result.count - 1].methods.append(method)
            } else {
                result.append((methods: [method], microdescriptor: microdescriptor))
            }
        }
        return result
    }
}
