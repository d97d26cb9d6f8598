package import Cells
internal import Directory

/// The answers of a directory to `GET`, by what is known at one moment: what C Tor answers, header for header.
///
/// Pure: a snapshot and a request in, a response out. Uploads are `DirectoryServer`'s.
package struct DirectoryAnswers {
    /// What is known.
    package var snapshot: DirectorySnapshot
    /// Votes and signatures, at an authority.
    package var authority: (any DirectoryAuthorityService)?
    /// Onion services' descriptors.
    package var onionServices: (any OnionServiceDirectory)?
    /// Our own address, as far as we know it.
    package var ownAddress: IPAddress?
    /// The time.
    package var now: WallTime

    /// Answers from a snapshot.
    package init(snapshot: DirectorySnapshot, now: WallTime) {
        self.snapshot = snapshot
        self.now = now
    }

    /// For how long proxies may keep what we answer, in seconds.
    private enum Lifetime {
        static let statusVote: Int64 = 60
        static let bandwidthFile: Int64 = 30 * 60
        static let certificates: Int64 = 3600
        static let allDescriptors: Int64 = 3600
        static let byDigest: Int64 = 48 * 3600
        static let robots: Int64 = 24 * 3600
    }

    /// Answers a request.
    package func get(_ request: HTTPRequest, from peer: DirectoryPeer) -> HTTPResponse {
        let (path, asksForDeflate) = DirectoryResource.path(of: request.target)
        var methods = CompressionMethod.accepted(by: request.headers["Accept-Encoding"])
        if asksForDeflate { methods.insert(.deflate) }
        let modifiedSince = request.headers["If-Modified-Since"].flatMap { HTTPDate.parse($0) }
        guard let resource = DirectoryResource(path: path) else { return short(404, "Not found") }
        switch resource {
        case .frontPage:
            return short(404, "Not found")
        case .robots:
            return whole("User-agent: *\r\nDisallow: /\r\n".utf8.map { $0 }, lifetime: Lifetime.robots, peer)
        case .consensus(let selection):
            return consensus(selection, request, methods, modifiedSince, peer)
        case .statusVote(let path):
            let documents = authority?.statusVoteDocuments(path) ?? []
            guard !documents.isEmpty else { return short(404, "Not found") }
            return streamed(documents, methods, lifetime: Lifetime.statusVote, hasLength: true, peer)
        case .bandwidthFile:
            guard let file = authority?.bandwidthFile() else { return short(404, "Not found") }
            return streamed([file], methods, lifetime: Lifetime.bandwidthFile, hasLength: true, peer)
        case .microdescriptors(let digests):
            // C Tor takes the last of a sorted list first.
            let documents = digests.reversed().compactMap { snapshot.microdescriptors[$0]?.bytes }
            guard !documents.isEmpty else { return short(404, "Not found") }
            return streamed(documents, methods, lifetime: Lifetime.byDigest, hasLength: false, peer)
        case .descriptors(let selection):
            return descriptors(selection, isExtraInfo: false, methods, peer)
        case .extraInfo(let selection):
            return descriptors(selection, isExtraInfo: true, methods, peer)
        case .certificates(let selection):
            return certificates(selection, methods, modifiedSince, peer)
        case .onionServiceDescriptor(let key):
            guard peer.isAnonymous else { return short(503, "Rejecting single hop HS v3 descriptor request") }
            guard let document = onionServices?.descriptor(blindedKey: key, now: now) else {
                return short(404, "Not found")
            }
            return whole(document, lifetime: 0, peer)
        }
    }

    // MARK: - Documents

    private func consensus(
        _ selection: DirectoryResource.ConsensusSelection, _ request: HTTPRequest, _ methods: Set<CompressionMethod>,
        _ modifiedSince: WallTime?, _ peer: DirectoryPeer
    ) -> HTTPResponse {
        var known = (request.headers["X-Or-Diff-From-Consensus"] ?? "").split(separator: " ").compactMap {
            Base16.decode($0)
        }
        switch selection.difference {
        case .malformed: return short(404, "Couldn't parse request")
        case .from(let digest): known = [digest]
        case nil: break
        }
        let stored = snapshot.consensuses[selection.flavor]
        if let stored, known.contains(stored.signedSHA3) { return short(304, "Not modified") }
        let difference = stored.flatMap { stored in
            known.lazy.compactMap { stored.difference(from: $0, accepting: methods) }.first
        }
        guard selection.difference == nil || difference != nil else { return short(404, "No such diff available") }
        guard let stored else { return short(404, "Not found") }
        let consensus = stored.consensus
        guard now >= consensus.validAfter - DirectoryClientLimits.reasonablyLive else {
            return short(404, "Consensus is too new")
        }
        guard now <= consensus.validUntil + DirectoryClientLimits.reasonablyLive else {
            return short(404, "Consensus is too old")
        }
        guard isSigned(stored, by: selection.signers) else {
            return short(404, "Consensus not signed by sufficient number of requested authorities")
        }
        if let modifiedSince, consensus.validAfter < modifiedSince { return short(304, "Not modified") }
        let form = difference ?? stored.form(accepting: methods)
        let lifetime = max(0, consensus.freshUntil - now)
        var response = ok(form.method, length: nil, lifetime: lifetime, peer)
        response.headers.append("Vary", "X-Or-Diff-From-Consensus")
        response.body = form.bytes
        return response
    }

    /// Whether more than half of the authorities that a client trusts have signed.
    private func isSigned(_ stored: StoredConsensus, by wanted: [String]) -> Bool {
        guard !wanted.isEmpty, !stored.signers.isEmpty else { return true }
        let signers = stored.signers.map(\.hex)
        let count = wanted.count { prefix in signers.contains { $0.hasPrefix(prefix) } }
        return count >= wanted.count / 2 + 1
    }

    private func descriptors(
        _ selection: DirectoryResource.DescriptorSelection, isExtraInfo: Bool, _ methods: Set<CompressionMethod>,
        _ peer: DirectoryPeer
    ) -> HTTPResponse {
        let cutoff = now - DirectoryClientLimits.descriptorAgeToServe
        /// What is there of a relay, and how many were asked for.
        func byIdentity(_ identities: some Sequence<RSAIdentity>) -> [[UInt8]] {
            identities.compactMap { identity in
                guard let descriptor = snapshot.descriptor(of: identity) else { return nil }
                guard isExtraInfo else { return descriptor.published < cutoff ? nil : descriptor.bytes }
                let document = descriptor.extraInfoDigest.flatMap { snapshot.extraInfo($0) }
                return document.flatMap { $0.published < cutoff ? nil : $0.bytes }
            }
        }
        let documents: [[UInt8]]
        let asked: Int
        var lifetime: Int64 = 0
        switch selection {
        case .unknown: return short(404, "Not found")
        case .all:
            var identities = Set(snapshot.newestDescriptors.keys)
            if let own = snapshot.ownDescriptor { identities.insert(own.identity) }
            documents = byIdentity(identities.sorted(by: >))
            asked = identities.count
            lifetime = Lifetime.allDescriptors
        case .own:
            let identities = snapshot.ownDescriptor.map { [$0.identity] } ?? []
            documents = byIdentity(identities)
            asked = identities.count
        case .identities(let identities):
            documents = byIdentity(identities.reversed())
            asked = identities.count
        case .digests(let digests):
            documents = digests.reversed().compactMap {
                isExtraInfo ? snapshot.extraInfo($0)?.bytes : snapshot.descriptor($0)?.bytes
            }
            asked = digests.count
        }
        guard !documents.isEmpty else {
            // C Tor looks whether it has anything before it looks whether that is recent, but not for circuits.
            return short(404, asked == 0 || !peer.isEncrypted ? "Servers unavailable" : "Not found")
        }
        if selection != .all, (peer.isEncrypted ? asked : documents.count) == 1 { lifetime = Lifetime.byDigest }
        return streamed(documents, methods, lifetime: lifetime, hasLength: false, peer)
    }

    private func certificates(
        _ selection: DirectoryResource.CertificateSelection?, _ methods: Set<CompressionMethod>,
        _ modifiedSince: WallTime?, _ peer: DirectoryPeer
    ) -> HTTPResponse {
        var found: [KeyCertificate]
        switch selection {
        case nil: return short(400, "Bad request")
        case .all: found = snapshot.certificates.sorted { $0.key < $1.key }.flatMap(\.value)
        case .own: found = snapshot.ownCertificate.map { [$0] } ?? []
        case .identities(let identities): found = identities.compactMap { snapshot.certificates[$0]?.first }
        case .signingKeys(let keys):
            found = keys.compactMap { key in
                snapshot.certificates.values.joined().first { $0.signingKeyDigest == key }
            }
        case .pairs(let pairs):
            found = pairs.compactMap { snapshot.certificate($0.identity, signingKey: $0.signingKey) }
        }
        guard !found.isEmpty else { return short(404, "Not found") }
        if let modifiedSince { found.removeAll { $0.published < modifiedSince } }
        guard !found.isEmpty else { return short(304, "Not modified") }
        return streamed(found.map(\.bytes), methods, lifetime: Lifetime.certificates, hasLength: true, peer)
    }

    // MARK: - Responses

    /// A status and nothing else.
    package func short(_ status: Int, _ reason: String) -> HTTPResponse {
        HTTPResponse(status, reason, headers: HTTPHeaders([.init("Date", HTTPDate.format(now))]))
    }

    /// The head of `200 OK`. A lifetime of 0 means that it must not be kept.
    private func ok(
        _ method: CompressionMethod, length: Int?, lifetime: Int64, _ peer: DirectoryPeer
    ) -> HTTPResponse {
        var headers = HTTPHeaders()
        headers.append("Date", HTTPDate.format(now))
        headers.append("Content-Type", "text/plain")
        if let address = peer.address, !isNear(address) { headers.append("X-Your-Address-Is", "\(address)") }
        headers.append("Content-Encoding", method.rawValue)
        if let length { headers.append("Content-Length", "\(length)") }
        if lifetime > 0 {
            headers.append("Expires", HTTPDate.format(now + lifetime))
        } else {
            headers.append("Pragma", "no-cache")
        }
        return HTTPResponse(200, "OK", headers: headers)
    }

    private func whole(_ document: [UInt8], lifetime: Int64, _ peer: DirectoryPeer) -> HTTPResponse {
        var response = ok(.identity, length: document.count, lifetime: lifetime, peer)
        response.body = document
        return response
    }

    /// Documents one behind the other, compressed for this client.
    private func streamed(
        _ documents: [[UInt8]], _ methods: Set<CompressionMethod>, lifetime: Int64, hasLength: Bool,
        _ peer: DirectoryPeer
    ) -> HTTPResponse {
        let body = Array(documents.joined())
        let best = CompressionMethod.streamedPreference.first { methods.contains($0) } ?? .identity
        let compressed = best == .identity ? nil : try? Compressor.compress(body, best, level: .low)
        var response = ok(
            compressed == nil ? .identity : best, length: hasLength && compressed == nil ? body.count : nil,
            lifetime: lifetime, peer)
        response.body = compressed ?? body
        return response
    }

    /// Whether the peer is so near that its address says nothing of how the world sees it: a private one, or in our /24.
    private func isNear(_ address: IPAddress) -> Bool {
        if address.isInternal { return true }
        guard let ownAddress, ownAddress.isV4 == address.isV4 else { return false }
        let bits = address.isV4 ? 24 : 48
        return ownAddress.prefix(bits) == address.prefix(bits)
    }
}
