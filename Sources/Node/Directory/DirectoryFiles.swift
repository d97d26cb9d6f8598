internal import Cells
package import Directory
internal import Glibc

/// The cached documents on disk, under C Tor's names and in its formats, so that either program can go on from the
/// other's cache.
///
/// A consensus and the certificates are written whole or not at all. Microdescriptors and router descriptors are appended
/// to a journal (`.new`), which is folded into the main file now and then. After a crash the journal may end in the
/// middle of a document, and may repeat what the main file has: both are noticed on loading and do no harm. For one
/// thread at a time.
package struct DirectoryFiles: Sendable {
    private let folder: String
    private let readers: SecureFiles.Readers

    /// Documents that are kept with a journal.
    package enum Collection: String, Hashable, Sendable {
        /// Microdescriptors.
        case microdescriptors = "cached-microdescs"
        /// Router descriptors.
        case descriptors = "cached-descriptors"
        /// Extra-info documents.
        case extraInfo = "cached-extrainfo"
    }

    /// One document of a collection.
    package struct Record: Hashable, Sendable {
        /// Annotations, whole lines, each beginning with "@".
        package var annotations: String
        /// The document.
        package var bytes: [UInt8]

        /// A document.
        package init(annotations: String = "", bytes: [UInt8]) {
            self.annotations = annotations
            self.bytes = bytes
        }
    }

    /// The files of a `CacheDirectory`, which is made if it is not there.
    package init(folder: String, isGroupReadable: Bool = false) throws(FileError) {
        self.folder = folder
        readers = isGroupReadable ? .group : .owner
        try SecureFiles.makeFolder(folder, for: readers)
    }

    private static let certificatesName = "cached-certs"
    private static let limit = 256 << 20

    private static func consensusName(_ flavor: ConsensusFlavor) -> String {
        switch flavor {
        case .ns: "cached-consensus"
        case .microdesc: "cached-microdesc-consensus"
        }
    }

    /// All key certificates, one behind the other; nil if there is no file.
    package func certificates() throws(FileError) -> [UInt8]? {
        try SecureFiles.read("\(folder)/\(Self.certificatesName)", limit: Self.limit)
    }

    /// Replaces the key certificates.
    package func saveCertificates(_ certificates: [[UInt8]]) throws(FileError) {
        try SecureFiles.write(Array(certificates.joined()), to: "\(folder)/\(Self.certificatesName)", for: readers)
    }

    /// A consensus; nil if there is no file.
    package func consensus(_ flavor: ConsensusFlavor) throws(FileError) -> [UInt8]? {
        try SecureFiles.read("\(folder)/\(Self.consensusName(flavor))", limit: Self.limit)
    }

    /// Replaces a consensus.
    package func saveConsensus(_ text: [UInt8], _ flavor: ConsensusFlavor) throws(FileError) {
        try SecureFiles.write(text, to: "\(folder)/\(Self.consensusName(flavor))", for: readers)
    }

    /// The documents of a collection that begin with one of `keywords`, the journal's last, and how long the two files
    /// are.
    package func records(
        _ collection: Collection, startingWith keywords: [String]
    ) throws(FileError) -> (records: [Record], sizes: Sizes) {
        let main = try SecureFiles.read("\(folder)/\(collection.rawValue)", limit: Self.limit) ?? []
        let journal = try SecureFiles.read("\(folder)/\(collection.rawValue).new", limit: Self.limit) ?? []
        return (
            Self.split(main, keywords) + Self.split(journal, keywords),
            Sizes(main: main.count, journal: journal.count)
        )
    }

    /// How long a collection's files are.
    package struct Sizes: Hashable, Sendable {
        /// The main file.
        package var main = 0
        /// The journal.
        package var journal = 0

        /// Whether it is time to fold the journal in, as C Tor finds: it is no trifle, and more than half of the rest.
        package var shouldRebuild: Bool { journal >= 16_384 && journal > main / 2 }
    }

    /// Adds documents to a collection's journal.
    ///
    /// - Returns: how many bytes were added.
    @discardableResult
    package func append(_ records: [Record], to collection: Collection) throws(FileError) -> Int {
        let path = "\(folder)/\(collection.rawValue).new"
        let mode: mode_t = if case .owner = readers { 0o600 } else { 0o640 }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw Self.error(path, errno) }
        defer { close(descriptor) }
        let bytes = Self.join(records)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.error(path, errno)
            }
            written += count
        }
        return bytes.count
    }

    /// Replaces a collection by these documents; its journal is gone afterwards.
    ///
    /// - Returns: how long the main file is now.
    @discardableResult
    package func rebuild(_ collection: Collection, _ records: [Record]) throws(FileError) -> Int {
        let bytes = Self.join(records)
        try SecureFiles.write(bytes, to: "\(folder)/\(collection.rawValue)", for: readers)
        // A crash here leaves documents in both files, which is harmless.
        try SecureFiles.remove("\(folder)/\(collection.rawValue).new")
        return bytes.count
    }

    private static func join(_ records: [Record]) -> [UInt8] {
        var bytes: [UInt8] = []
        for record in records {
            bytes += record.annotations.utf8
            bytes += record.bytes
        }
        return bytes
    }

    private static func split(_ bytes: [UInt8], _ keywords: [String]) -> [Record] {
        var behind = 0
        return DocumentSplitter.split(bytes, startingWith: keywords).map { piece in
            let before = bytes[behind..<piece.range.lowerBound]
            behind = piece.range.upperBound
            let lines = before.split(separator: 0x0A).filter { $0.first == UInt8(ascii: "@") }
            let annotations = lines.map { String(decoding: $0, as: UTF8.self) + "\n" }.joined()
            return Record(annotations: annotations, bytes: Array(bytes[piece.range]))
        }
    }

    private static func error(_ path: String, _ code: Int32) -> FileError {
        FileError(path: path, reason: "cannot be written: \(String(cString: strerror(code)))")
    }
}
