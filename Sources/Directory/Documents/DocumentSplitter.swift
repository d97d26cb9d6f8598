/// Finds the documents in bytes that hold several, one behind the other, as uploads, downloads and caches do.
package enum DocumentSplitter {
    /// A document's first keyword and where it stands.
    package struct Piece: Hashable, Sendable {
        /// The keyword that it begins with.
        package let keyword: String
        /// Its bytes.
        package let range: Range<Int>
    }

    /// Every document that begins with one of `keywords`; annotations ("@" lines) and empty lines between them belong to
    /// none.
    package static func split(_ bytes: [UInt8], startingWith keywords: [String]) -> [Piece] {
        var pieces: [Piece] = []
        var open: (keyword: String, start: Int)?
        func close(at end: Int) {
            if let open {
                // C Tor ends its own documents with an empty line, which is not signed.
                var last = end
                while last - 2 >= open.start, bytes[last - 1] == 0x0A, bytes[last - 2] == 0x0A { last -= 1 }
                pieces.append(Piece(keyword: open.keyword, range: open.start..<last))
            }
            open = nil
        }
        var start = 0
        while start < bytes.count {
            let line = bytes[start...]
            if bytes[start] == UInt8(ascii: "@") {
                close(at: start)
            } else if let keyword = keywords.first(where: { begins(line, $0) }) {
                close(at: start)
                open = (keyword, start)
            }
            start = (line.firstIndex(of: 0x0A) ?? bytes.count - 1) + 1
        }
        close(at: bytes.count)
        return pieces
    }

    /// Reads every document that begins with one of `keywords`. One that is broken takes none of the others with it.
    package static func read<Document>(
        _ bytes: [UInt8], startingWith keywords: [String],
        _ parse: (_ keyword: String, _ document: [UInt8]) throws(DirectoryError) -> Document
    ) -> [(piece: Piece, document: Result<Document, DirectoryError>)] {
        split(bytes, startingWith: keywords).map { piece in
            do throws(DirectoryError) {
                return (piece, .success(try parse(piece.keyword, Array(bytes[piece.range]))))
            } catch {
                return (piece, .failure(error))
            }
        }
    }

    private static func begins(_ line: ArraySlice<UInt8>, _ keyword: String) -> Bool {
        guard line.starts(with: keyword.utf8), let next = line.dropFirst(keyword.utf8.count).first else { return false }
        return next == 0x20 || next == 0x09 || next == 0x0A
    }
}
