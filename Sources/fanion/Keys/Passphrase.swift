import ArgumentParser
import Glibc
import OnionCrypto

/// Where the passphrase of an identity key comes from.
enum Passphrase {
    /// Longer ones are not read.
    private static let limit = 1023

    /// The first line of a file descriptor.
    static func read(fromDescriptor descriptor: Int32) throws -> SecretBytes {
        var secret = SecretBytes(capacity: limit)
        var byte: [UInt8] = [0]
        while secret.count < limit {
            let count = Glibc.read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw ValidationError("Couldn't read from passphrase fd: \(String(cString: strerror(errno)))")
            }
            if count == 0 || byte[0] == 0x0A { break }
            secret.append(byte.span.bytes)
        }
        byte = [0]
        return secret
    }

    /// Asks at the terminal, without showing what is typed.
    static func ask(twice: Bool) throws -> SecretBytes {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else {
            throw ValidationError("There is no terminal to ask for the passphrase; use --passphrase-fd")
        }
        defer { close(terminal) }
        var settings = termios()
        guard tcgetattr(terminal, &settings) == 0 else {
            throw ValidationError("The terminal cannot hide what is typed; use --passphrase-fd")
        }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(terminal, TCSAFLUSH, &silent)
        defer { tcsetattr(terminal, TCSAFLUSH, &settings) }
        while true {
            let first = try prompt("Enter PEM pass phrase:", terminal)
            if !twice { return first }
            let second = try prompt("Verifying - Enter PEM pass phrase:", terminal)
            if first == second { return first }
            say("That didn't match.")
        }
    }

    /// Writes a line to standard error.
    static func say(_ text: String) {
        let line = text + "\n"
        _ = write(STDERR_FILENO, line, line.utf8.count)
    }

    private static func prompt(_ text: String, _ terminal: Int32) throws -> SecretBytes {
        _ = write(terminal, text, text.utf8.count)
        let answer = try read(fromDescriptor: terminal)
        _ = write(terminal, "\n", 1)
        return answer
    }
}
