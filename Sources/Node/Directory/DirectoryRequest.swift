package import Cells
package import Directory

/// One request of a directory client: what is asked for, and what may come back.
package struct DirectoryRequest: Hashable, Sendable {
    /// The request, without the headers that every request has.
    package var http: HTTPRequest
    /// How long the answer may be once it is decompressed.
    package var bodyLimit = DirectoryClientLimits.documentLength
    /// Whether a part of the answer is of use: documents that each stand on their own.
    package var allowsPartial = false
    /// Whether the server must not learn who asks: then it learns nothing of how we compress either.
    package var isAnonymous = false

    /// A request for a path.
    package static func get(_ path: String) -> DirectoryRequest {
        DirectoryRequest(http: HTTPRequest(.get, path))
    }

    /// An upload to a path.
    package static func post(_ path: String, body: [UInt8]) -> DirectoryRequest {
        DirectoryRequest(http: HTTPRequest(.post, path, body: body))
    }

    /// The consensus, signed by more than half of `signers` and newer than `modifiedSince`; or its difference from one that
    /// we have, by SHA3-256 of that one's signed part.
    package static func consensus(
        _ flavor: ConsensusFlavor, signers: [RSAIdentity], modifiedSince: WallTime? = nil,
        orDiffFrom digest: [UInt8]? = nil
    ) -> DirectoryRequest {
        let suffix = flavor == .ns ? "" : "-\(flavor.rawValue)"
        let prefixes = signers.map { $0.hex.prefix(2 * DirectoryClientLimits.signerPrefixLength) }.sorted()
        var request = get("/tor/status-vote/current/consensus\(suffix)/\(prefixes.joined(separator: "+")).z")
        if let modifiedSince { request.http.headers.append("If-Modified-Since", HTTPDate.format(modifiedSince)) }
        if let digest {
            request.http.headers.append("X-Or-Diff-From-Consensus", Base16.encode(digest, uppercase: true))
        }
        return request
    }

    /// The newest certificates of authorities.
    package static func certificates(of authorities: [RSAIdentity]) -> DirectoryRequest {
        get("/tor/keys/fp/" + authorities.map(\.hex).joined(separator: "+"))
    }

    /// The certificates of these signing keys.
    package static func certificates(
        _ pairs: [DirectoryResource.CertificateSelection.Pair]
    ) -> DirectoryRequest {
        get("/tor/keys/fp-sk/" + pairs.map { "\($0.identity.hex)-\($0.signingKey.hex)" }.joined(separator: "+"))
    }

    /// Microdescriptors.
    package static func microdescriptors(_ digests: [MicrodescriptorDigest]) -> DirectoryRequest {
        var request = get(
            "/tor/micro/d/" + digests.map { Base64.encode($0.bytes, padding: false) }.joined(separator: "-"))
        request.allowsPartial = true
        return request
    }

    /// Router descriptors.
    package static func descriptors(_ digests: [DescriptorDigest]) -> DirectoryRequest {
        var request = get("/tor/server/d/" + hexadecimal(digests))
        request.allowsPartial = true
        return request
    }

    /// Extra-info documents.
    package static func extraInfo(_ digests: [DescriptorDigest]) -> DirectoryRequest {
        var request = get("/tor/extra/d/" + hexadecimal(digests))
        request.allowsPartial = true
        return request
    }

    /// Our own descriptor and extra-info document, to an authority.
    package static func upload(descriptor: [UInt8], because reason: String) -> DirectoryRequest {
        var request = post("/tor/", body: descriptor)
        request.http.headers.append("X-Desc-Gen-Reason", reason)
        return request
    }

    private static func hexadecimal(_ digests: [DescriptorDigest]) -> String {
        digests.map { Base16.encode($0.bytes, uppercase: true) }.joined(separator: "+")
    }

    /// The bytes to send, with the headers that C Tor sends.
    package func encode(host: String) -> [UInt8] {
        var request = http
        var headers = HTTPHeaders([.init("Host", host)])
        if !isAnonymous { headers.append("Accept-Encoding", CompressionMethod.acceptEncoding) }
        for entry in http.headers.entries { headers.append(entry.name, entry.value) }
        request.headers = headers
        return request.encode()
    }
}

/// What a directory answered.
package struct DirectoryResponse: Hashable, Sendable {
    /// The status: 200, 304, 404, 503, ...
    package var status: Int
    /// What stands behind it.
    package var reason: String
    /// The headers.
    package var headers: HTTPHeaders
    /// The body, decompressed.
    package var body: [UInt8]
    /// What the server's clock said.
    package var date: WallTime?

    /// How the server sees our address, if it says so.
    package var addressSuggestion: IPAddress? {
        headers["X-Your-Address-Is"].flatMap { IPAddress($0) }
    }

    /// Decompresses what a server sent in answer to `request`.
    init(_ response: HTTPResponse, to request: DirectoryRequest) throws(DirectoryFetchError) {
        status = response.status
        reason = response.reason
        headers = response.headers
        date = response.headers["Date"].flatMap { HTTPDate.parse($0) }
        let named = response.headers["Content-Encoding"]
        var method = named.flatMap { CompressionMethod(name: $0) }
        // Old caches answer to ".z" without naming the encoding; others name one and use another.
        if method == nil || method == .identity {
            method = CompressionMethod(detecting: response.body) ?? .identity
        }
        // C Tor refuses all but the common ones where the answer could tell a client by what it understands.
        if request.isAnonymous, method != .identity, method != .deflate, method != .gzip {
            throw .compression(.corrupt)
        }
        do throws(CompressionError) {
            body = try Decompressor.decompress(
                response.body, method ?? .identity, limit: request.bodyLimit, allowsPartial: request.allowsPartial)
        } catch {
            throw .compression(error)
        }
    }
}

/// Why there is no answer of a directory.
package enum DirectoryFetchError: Error, Hashable, Sendable {
    /// The circuit did not come about, or broke; whether the relay could not be reached at all.
    case circuitClosed(isChannelFailure: Bool)
    /// The relay ended the stream before the answer was whole.
    case streamEnded(UInt8)
    /// The TCP connection did not come about, or broke.
    case connectionFailed
    /// Nothing moved for too long.
    case timedOut
    /// What came is no HTTP.
    case http(HTTPError)
    /// The body cannot be decompressed.
    case compression(CompressionError)
    /// The fetcher was closed.
    case closed
}
