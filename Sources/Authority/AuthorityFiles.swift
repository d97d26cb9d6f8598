internal import Glibc
package import Node

/// What an authority keeps on the disk besides the directory's cache, under C Tor's names and in its formats.
package struct AuthorityFiles: Sendable {
    private let folder: String

    /// The files.
    package enum File: String, Sendable {
        /// The votes of the last round.
        case votes = "v3-status-votes"
        /// Pairs of identities, one a line, appended to.
        case keyPins = "key-pinning-journal"
        /// How reachable relays were.
        case stability = "router-stability"
        /// The drawing of shared random values, with our secret.
        case sharedRandom = "sr-state"
        /// What the operator says of single relays.
        case approvedRouters = "approved-routers"
        /// The consensus as we computed it, unsigned.
        case unsignedConsensus = "my-consensus-ns"
        /// The microdescriptor consensus as we computed it, unsigned.
        case unsignedMicrodescConsensus = "my-consensus-microdesc"
    }

    /// Uses the data folder, which must exist.
    package init(folder: String) {
        self.folder = folder
    }

    private func path(_ file: File) -> String { "\(folder)/\(file.rawValue)" }

    /// The bytes of a file, if it exists.
    package func read(_ file: File) throws(FileError) -> [UInt8]? {
        try SecureFiles.read(path(file))
    }

    /// Replaces a file, whole or not at all.
    package func write(_ bytes: [UInt8], to file: File) throws(FileError) {
        try SecureFiles.write(bytes, to: path(file))
    }

    /// Adds to a file. A line that a crash cuts off is passed over when it is read.
    package func append(_ bytes: [UInt8], to file: File) throws(FileError) {
        let path = path(file)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.error(path, errno) }
        defer { close(descriptor) }
        // Safe: the buffer is read within its bounds.
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw Self.error(path, errno) }
    }

    private static func error(_ path: String, _ code: Int32) -> FileError {
        FileError(path: path, reason: "cannot be written: \(String(cString: strerror(code)))")
    }
}
