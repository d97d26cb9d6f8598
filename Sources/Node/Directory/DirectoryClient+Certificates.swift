internal import Cells
internal import Configuration
internal import Directory

extension DirectoryClient {
    /// Asks for key certificates that are missing: of authorities of which we have none that counts, and of keys that
    /// signed a consensus.
    func updateCertificates(_ now: WallTime) {
        let snapshot = store.snapshot
        // They are fetched for a consensus's sake, and whoever has that has them.
        guard !certificatesUnderWay,
            flavors.contains(where: { consensuses[$0]?.waiting != nil || snapshot.consensus($0) != nil })
        else { return }
        let instant = ContinuousClock.now
        func isReady(_ identity: RSAIdentity) -> Bool { certificates[identity]?.isReady(at: instant) ?? true }
        let missing = settings.v3Identities.filter { identity in
            isReady(identity) && !(snapshot.certificates[identity] ?? []).contains { !$0.isExpired(at: now) }
        }
        let waiting = flavors.compactMap { consensuses[$0]?.waiting }
        let request: DirectoryRequest
        let asked: [RSAIdentity]
        if missing.isEmpty {
            // Keys that signed a consensus: the one that waits for them, or one that had enough without them.
            let signed = flavors.compactMap { consensuses[$0]?.waiting?.consensus ?? snapshot.consensus($0) }
            let trusted = Set(settings.v3Identities)
            let pairs = Set(
                signed.flatMap(\.signatures).filter {
                    trusted.contains($0.identity) && isReady($0.identity)
                        && snapshot.certificate($0.identity, signingKey: $0.signingKey) == nil
                }.map {
                    DirectoryResource.CertificateSelection.Pair(identity: $0.identity, signingKey: $0.signingKey)
                }
            ).sorted()
            guard !pairs.isEmpty else { return }
            request = .certificates(pairs)
            asked = pairs.map(\.identity)
        } else {
            // One of whom we have none is asked for by name: its newest certificate will be the right one.
            request = .certificates(of: missing)
            asked = missing
        }
        guard let choice = certificateSource(waiting.first?.source) else { return }
        certificatesUnderWay = true
        ask(request, choice) { [weak self] result in
            self?.receiveCertificates(asked, result)
        }
    }

    /// Whoever gave us the consensus has its certificates, too, unless asking it has failed.
    private func certificateSource(
        _ hint: RSAIdentity?
    ) -> (source: DirectorySources.Source, ticket: UInt64?)? {
        if let hint, let authority = settings.authorities.first(where: { $0.identity == hint }),
            !certificates.values.contains(where: { $0.failures > 0 })
        {
            return (DirectorySources.source(authority), nil)
        }
        return chooseSource(.certificates)
    }

    private func receiveCertificates(
        _ asked: [RSAIdentity], _ result: Result<DirectoryResponse, DirectoryFetchError>
    ) {
        certificatesUnderWay = false
        var found: [KeyCertificate] = []
        if case .success(let response) = result, response.status == 200 {
            let pieces = DocumentSplitter.split(response.body, startingWith: ["dir-key-certificate-version"])
            found = pieces.compactMap { try? KeyCertificate(Array(response.body[$0.range])) }
            let trusted = Set(settings.v3Identities)
            found.removeAll { !trusted.contains($0.identity) || !asked.contains($0.identity) }
        }
        let known = Set(found.map(\.identity))
        let now = ContinuousClock.now
        let added = store.add(found)
        for identity in asked {
            var schedule =
                certificates[identity] ?? DownloadSchedule(initialDelay: settings.documentDelay, now: now)
            if known.contains(identity), added > 0 {
                schedule.succeed(now: now)
            } else {
                schedule.fail(now: now, using: &random)
            }
            certificates[identity] = schedule
        }
        if added > 0 { judgeWaiting() }
        update()
    }
}
