internal import Glibc

/// Why a file or folder cannot be used: which one, what was being done, and why it failed.
package struct FileError: Error, Hashable, CustomStringConvertible {
    /// The file or folder.
    package let path: String
    /// What was being done and why it failed.
    package let reason: String

    /// A failure.
    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package var description: String { "\(path): \(reason)" }
}

/// Files that hold keys and state: private, written whole or not at all.
package enum SecureFiles {
    /// Who besides the owner may read.
    package enum Readers: Sendable {
        /// Nobody: files 0600, folders 0700.
        case owner
        /// The group: files 0640, folders 0750.
        case group
        /// Anybody may read files, as is right for fingerprints; folders as `group`.
        case everybody
    }

    /// The bytes of a file, or `nil` if it does not exist.
    ///
    /// - Parameters:
    ///   - limit: a longer file is an error.
    ///   - secretFor: when given, permissions beyond these and foreign owners are errors.
    package static func read(
        _ path: String, limit: Int = 16 << 20, secretFor readers: Readers? = nil
    ) throws(FileError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw error(path, "cannot be opened for reading", errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw error(path, "cannot be examined", errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError(path: path, reason: "is not a regular file") }
        if let readers { try check(path, status, readers) }
        guard status.st_size <= limit else {
            throw FileError(path: path, reason: "has \(status.st_size) bytes, more than the \(limit) that it may have")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw error(path, "cannot be read", errno)
            }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw FileError(path: path, reason: "has more than \(limit) bytes") }
        }
        return bytes
    }

    /// Writes a file whole or not at all: to a neighbour, which takes its place once it is on the disk.
    package static func write(
        _ bytes: some Collection<UInt8>, to path: String, for readers: Readers = .owner
    ) throws(FileError) {
        let temporary = path + ".tmp"
        // A leftover of a crash; its content is worthless.
        unlink(temporary)
        let mode: mode_t
        switch readers {
        case .owner: mode = 0o600
        case .group: mode = 0o640
        case .everybody: mode = 0o644
        }
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw error(temporary, "cannot be created", errno) }
        do throws(FileError) {
            try fill(descriptor, Array(bytes), temporary, mode)
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        // Some file systems report a full disk only now.
        guard close(descriptor) == 0, Glibc.rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw error(path, "cannot be written", code)
        }
        try synchronizeFolder(of: path)
    }

    private static func fill(
        _ descriptor: Int32, _ bytes: [UInt8], _ path: String, _ mode: mode_t
    ) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw error(path, "cannot be written", errno)
            }
            written += count
        }
        // The mode given to open() passes through the process's mask.
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else {
            throw error(path, "cannot be written", errno)
        }
    }

    /// Removes a file that need not exist.
    package static func remove(_ path: String) throws(FileError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw error(path, "cannot be removed", errno) }
    }

    /// Gives a file another name, replacing what has it.
    package static func rename(_ old: String, to new: String) throws(FileError) {
        guard Glibc.rename(old, new) == 0 else { throw error(old, "cannot be renamed to \(new)", errno) }
        try synchronizeFolder(of: new)
    }

    /// Makes sure that a private folder exists. Permissions that are too wide are narrowed, as C Tor does; a foreign
    /// owner is an error.
    ///
    /// - Returns: whether permissions had to be changed.
    @discardableResult
    package static func makeFolder(_ path: String, for readers: Readers = .owner) throws(FileError) -> Bool {
        let mode: mode_t = if case .owner = readers { 0o700 } else { 0o750 }
        var status = stat()
        if stat(path, &status) != 0 {
            guard errno == ENOENT else { throw error(path, "cannot be examined", errno) }
            if mkdir(path, mode) != 0 {
                guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
                    throw error(path, "cannot be created", errno)
                }
                try makeFolder(String(path[..<slash]), for: readers)
                guard mkdir(path, mode) == 0 else { throw error(path, "cannot be created", errno) }
            }
            return false
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw FileError(path: path, reason: "is not a folder") }
        guard status.st_uid == geteuid() else {
            throw FileError(
                path: path, reason: "belongs to user \(status.st_uid), not to user \(geteuid()) who runs this")
        }
        let excess = status.st_mode & 0o777 & ~mode
        guard excess != 0 else { return false }
        guard chmod(path, status.st_mode & 0o777 & mode) == 0 else {
            throw error(path, "others may use it, and its permissions cannot be changed", errno)
        }
        return true
    }

    private static func check(_ path: String, _ status: stat, _ readers: Readers) throws(FileError) {
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw FileError(
                path: path, reason: "belongs to user \(status.st_uid), not to user \(geteuid()) who runs this")
        }
        let allowed: mode_t
        switch readers {
        case .owner: allowed = 0o700
        case .group: allowed = 0o740
        case .everybody: allowed = 0o755
        }
        let excess = status.st_mode & 0o777 & ~allowed
        guard excess == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw FileError(
                path: path,
                reason:
                    "has permissions 0\(mode), so others may use this secret; run: chmod 0\(String(allowed & 0o640, radix: 8)) \(path)"
            )
        }
    }

    /// A new name is safe only once the folder is on the disk.
    private static func synchronizeFolder(of path: String) throws(FileError) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error(folder, "cannot be opened", errno) }
        defer { close(descriptor) }
        // Some file systems cannot do this for folders; then there is nothing to wait for.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw error(folder, "cannot be written", errno) }
    }

    private static func error(_ path: String, _ what: String, _ code: Int32) -> FileError {
        FileError(path: path, reason: "\(what): \(String(cString: strerror(code)))")
    }
}
