package import Cells

extension SharedRandomState {
    /// Takes back what was saved in C Tor's `sr-state`; nil if it cannot be read, or its run has ended.
    package init?(file: [UInt8], now: WallTime, interval: Int64) {
        self.init(now: now, interval: interval)
        var values: [String: ByteText] = [:]
        var commits: [SharedRandomCommit] = []
        for line in file.split(separator: 0x0A) where line.first != UInt8(ascii: "#") {
            let parts = line.split(separator: 0x20, maxSplits: 1)
            guard parts.count == 2 else { continue }
            let key = String(decoding: parts[0], as: UTF8.self)
            let value = ByteText(parts[1])
            if key == "Commit" {
                if let commit = SharedRandomCommit(words: value.split(separator: 0x20)) { commits.append(commit) }
            } else {
                guard values.updateValue(value, forKey: key) == nil else { return nil }
            }
        }
        guard values["Version"] == "1",
            let validAfter = values["ValidAfter"].flatMap({ WallTime(text: $0.description) }),
            let validUntil = values["ValidUntil"].flatMap({ WallTime(text: $0.description) }),
            validUntil >= now, validAfter < validUntil
        else { return nil }
        func value(_ key: String) -> SharedRandomValue? {
            guard let text = values[key]?.bytes else { return nil }
            let scanner = NetworkStatusScanner(text)
            return SharedRandomValue(scanner, scanner.words(0..<text.count))
        }
        restore(
            validAfter: validAfter, validUntil: validUntil, phase: Self.phase(at: validAfter, interval: interval),
            commits: commits, previous: value("SharedRandPreviousValue"), current: value("SharedRandCurrentValue"))
    }

    /// The file's bytes, for 0600: they hold our secret until it is revealed.
    package func file(now: WallTime, version: String) -> [UInt8] {
        var writer = DocumentWriter()
        writer.line("# Tor shared random state file last generated on \(now) UTC")
        writer.line("# Please *do not* edit this file.")
        writer.text("\n")
        for commit in statement.commits { writer.line("Commit", commit.text) }
        writer.line("SharedRandPreviousValue", previous?.text)
        writer.line("SharedRandCurrentValue", current?.text)
        writer.line("TorVersion", version)
        writer.line("ValidAfter", validAfter.description)
        writer.line("ValidUntil", validUntil.description)
        writer.line("Version", "1")
        return writer.bytes
    }
}
