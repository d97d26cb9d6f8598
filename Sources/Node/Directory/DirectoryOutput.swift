/// What remains to be sent of a response: the head, then the body, neither of them copied.
struct DirectoryOutput {
    private var pieces: [[UInt8]]
    private var offset = 0

    init(_ response: HTTPResponse) {
        pieces = [response.body, response.encodeHead()].filter { !$0.isEmpty }
    }

    init(bytes: [UInt8]) {
        pieces = [bytes].filter { !$0.isEmpty }
    }

    var isEmpty: Bool { pieces.isEmpty }

    /// Shows the next bytes that are to be sent.
    func withNext<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard let piece = pieces.last else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return piece.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
    }

    /// So many of them were sent.
    mutating func advance(by count: Int) {
        offset += count
        guard let piece = pieces.last, offset >= piece.count else { return }
        pieces.removeLast()
        offset = 0
    }
}
