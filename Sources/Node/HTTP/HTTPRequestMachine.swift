/// Reads one request as a directory server gets it: bytes in, a request or a refusal out.
///
/// HTTP/1.0 as Tor's directory protocol uses it: one request per connection or stream, `GET` and `POST`, a body only by
/// `Content-Length`. Stricter than C Tor, which takes a `POST` without a length and counts what happens to have arrived.
/// Not for responses, and not for what a path means (`DirectoryResource`).
package struct HTTPRequestMachine: ~Copyable {
    private enum State: ~Copyable {
        case head(HTTPHeadBuffer)
        case body(HTTPRequest, missing: Int)
        case finished
    }

    private var state: State

    /// Awaits a request from the start.
    package init() {
        state = .head(HTTPHeadBuffer())
    }

    private init(state: consuming State) {
        self.state = state
    }

    /// What bytes from the client lead to.
    package enum ReceiveAction: Equatable {
        /// More must come.
        case wait
        /// The request is whole.
        case handle(HTTPRequest)
        /// Answer `400 Bad request`, and close.
        case refuse(HTTPError)
        /// It is no directory client: close without an answer.
        case close(HTTPError)
        /// The request was complete already; what follows means nothing.
        case ignore
    }

    /// Bytes came from the client.
    package mutating func receive(_ bytes: RawSpan) -> ReceiveAction {
        switch consume self.state {
        case .head(var buffer):
            do throws(HTTPError) {
                guard let head = try buffer.receive(bytes) else {
                    self = Self(state: .head(buffer))
                    return .wait
                }
                var action = ReceiveAction.wait
                self = Self(state: try Self.readHead(head.lines, rest: head.rest, &action))
                return action
            } catch {
                self = Self(state: .finished)
                return .close(error)
            }
        case .body(var request, let missing):
            let taken = min(missing, bytes.byteCount)
            bytes.extracting(first: taken).withUnsafeBytes { request.body.append(contentsOf: $0) }
            guard taken < missing else {
                self = Self(state: .finished)
                return .handle(request)
            }
            self = Self(state: .body(request, missing: missing - taken))
            return .wait
        case .finished:
            self = Self(state: .finished)
            return .ignore
        }
    }

    /// The client closed its side: whether a request was under way that will never be whole.
    package mutating func receiveEnd() -> Bool {
        switch consume self.state {
        case .head:
            self = Self(state: .finished)
            return true
        case .body:
            self = Self(state: .finished)
            return true
        case .finished:
            self = Self(state: .finished)
            return false
        }
    }

    private static func readHead(
        _ lines: [ArraySlice<UInt8>], rest: ArraySlice<UInt8>, _ action: inout ReceiveAction
    ) throws(HTTPError) -> State {
        let words = lines[0].split(separator: 0x20)
        guard let first = words.first,
            let method = HTTPRequest.Method(rawValue: String(decoding: first, as: UTF8.self).uppercased())
        else { throw .malformedFirstLine }
        guard words.count == 3, isVersion(words[2]), words[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            action = .refuse(.malformedFirstLine)
            return .finished
        }
        var request = HTTPRequest(method, String(decoding: words[1], as: UTF8.self))
        request.headers = try HTTPHeaders(lines: lines.dropFirst())
        guard let length = try request.headers.contentLength() else {
            action = method == .get ? .handle(request) : .refuse(.badContentLength)
            return .finished
        }
        guard length <= HTTPLimits.uploadLength else { throw .bodyTooLong }
        request.body = Array(rest.prefix(length))
        let missing = length - request.body.count
        guard missing == 0 else { return .body(request, missing: missing) }
        action = .handle(request)
        return .finished
    }

    /// `HTTP/1.` and a number.
    private static func isVersion(_ word: ArraySlice<UInt8>) -> Bool {
        let digits = word.dropFirst(7)
        return word.starts(with: "HTTP/1.".utf8) && (1...2).contains(digits.count)
            && digits.allSatisfy { (0x30...0x39).contains($0) }
    }
}
