package import Configuration
internal import Glibc

/// Reads configuration files from disk, with what they include.
package enum IncludeFiles {
    /// One file, which must exist.
    package static func file(_ path: String) throws(IncludeFailure) -> TorrcFile {
        do throws(FileError) {
            guard let bytes = try SecureFiles.read(path) else { throw FileError(path: path, reason: "does not exist") }
            return TorrcFile(path: path, bytes: bytes)
        } catch {
            throw IncludeFailure(error.description)
        }
    }

    /// What an `%include` names: a file, the files of a folder, or the matches of a pattern.
    package static func read(_ pattern: String) throws(IncludeFailure) -> [TorrcFile] {
        var files: [TorrcFile] = []
        for path in try expand(pattern) {
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw IncludeFailure("\(path): \(String(cString: strerror(errno)))")
            }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                files.append(try file(path))
                continue
            }
            let folder = path.hasSuffix("/") ? path : path + "/"
            for name in try names(in: path) {
                guard stat(folder + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
                files.append(try file(folder + name))
            }
        }
        return files
    }

    private static func expand(_ pattern: String) throws(IncludeFailure) -> [String] {
        guard pattern.contains(where: { "*?[".contains($0) }) else { return [pattern] }
        var matches = glob_t()
        defer { globfree(&matches) }
        switch glob(pattern, GLOB_ERR, nil, &matches) {
        case 0: break
        case GLOB_NOMATCH: return []
        default: throw IncludeFailure("the folders of \(pattern) cannot be read")
        }
        // glob() sorts by the locale; C Tor by bytes.
        return (0..<Int(matches.gl_pathc)).compactMap { index in
            matches.gl_pathv[index].map { String(cString: $0) }
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func names(in path: String) throws(IncludeFailure) -> [String] {
        guard let folder = opendir(path) else { throw IncludeFailure("\(path): \(String(cString: strerror(errno)))") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            // Safe: the record's name is a C string that lives until the next readdir.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
