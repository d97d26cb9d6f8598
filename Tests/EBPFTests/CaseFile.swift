import EBPF
import Foundation
import Testing

/// One data file: assembly, memory, and what must come of it.
struct CaseFile: CustomTestStringConvertible {
    let name: String
    var assembly = ""
    var memory: [UInt8] = []
    var result: UInt64?
    var fault: String?

    var testDescription: String { name }

    static let directory = URL(filePath: #filePath).deletingLastPathComponent()

    /// Every file of a folder beside this one, by name.
    static func all(in folder: String) -> [CaseFile] {
        let folder = directory.appending(path: folder)
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "data" }.sorted { $0.path < $1.path }.compactMap(CaseFile.init)
    }

    init?(_ url: URL) {
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
        name = url.deletingPathExtension().lastPathComponent
        var section = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("-- ") {
                section = String(line.dropFirst(3))
                continue
            }
            switch section {
            case "asm": assembly += line + "\n"
            case "mem": memory += line.split(separator: " ").compactMap { UInt8($0, radix: 16) }
            case "result" where !line.isEmpty: result = UInt64(line.dropFirst(2), radix: 16)
            case "fault" where !line.isEmpty: fault = String(line)
            default: break
            }
        }
    }
}

/// What the data files may call.
let identity = Helper(number: 5, name: "identity", parameters: [.scalar]) { call in call[1] }
