import Glibc

/// An open file, for whole lines.
struct FileDescriptor: Sendable {
    /// The system's number.
    let number: CInt

    /// 1.
    static let standardOutput = FileDescriptor(number: STDOUT_FILENO)
    /// 2.
    static let standardError = FileDescriptor(number: STDERR_FILENO)

    /// Writes all of a text, as one call if the system takes it so. What cannot be written is lost.
    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
