/// Why a peer's HTTP is no HTTP/1.0 as the directory protocol uses it.
package enum HTTPError: Error, Hashable, Sendable {
    /// The head is longer than it may be.
    case headTooLong
    /// The first line is not what it should be.
    case malformedFirstLine
    /// A line is no header.
    case malformedHeader
    /// `Content-Length` is no number, or there are two that differ.
    case badContentLength
    /// The body is longer than it may be.
    case bodyTooLong
    /// The peer closed before all was there.
    case truncated
}
