import Foundation
import Testing

/// Everything that is tried on one running network of both programs: authorities of C Tor, and of each kind a guard, a
/// middle and an exit. The first client is of C Tor, the second of Fanion.
@Suite(
    .serialized, .enabled(if: NetworkScript.hasTor),
    .mixedNetwork(
        "--relays", "6", "--exits", "2", "--clients", "2", "--tor", "authorities,relay1,relay2,exit1,client1",
        "--timeout", "240"))
enum MixedNetwork {}

extension FanionNetwork {
    /// The relays of Fanion, by what the authorities were asked to make of them.
    var relaysOfOurs: [Node] { nodes.filter { !$0.isTor && $0.kind != "client" } }

    /// What an authority's consensus says: when it begins to count, and each relay's flags by nickname.
    func consensus(of authority: String = "auth1") async throws -> (validAfter: String, flags: [String: Set<String>]) {
        let node = try node(authority)
        let (code, said) = try await ChildProcess.run([
            "curl", "--silent", "--fail", "--max-time", "10",
            "http://\(node.address):\(node.dirPort)/tor/status-vote/current/consensus",
        ])
        guard code == 0 else { throw Failure("no consensus of \(authority)") }
        var (validAfter, name) = ("", "")
        var flags: [String: Set<String>] = [:]
        for line in said.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "valid-after": validAfter = words.dropFirst().joined(separator: " ")
            case "r": name = words.count > 1 ? words[1] : ""
            case "s": flags[name] = Set(words.dropFirst())
            default: break
            }
        }
        return (validAfter, flags)
    }

    /// Warnings and errors in the logs of C Tor's nodes that name one of ours, by nickname or address.
    var complaints: [String] {
        let ours = relaysOfOurs.flatMap { [$0.name, $0.address] }
        return nodes.filter(\.isTor).flatMap { node in
            log(of: node.name).split(separator: "\n").filter { line in
                // That tests name relays by nickname is no relay's fault.
                (line.contains("[warn]") || line.contains("[err]")) && !line.contains("You specified a relay")
                    && ours.contains { line.contains($0) }
            }.map { "\(node.name): \($0)" }
        }
    }

    /// Has a node of C Tor log a domain in detail, to a file of its own.
    func watch(_ name: String, _ domain: String) async throws {
        let folder = folder(of: name)
        _ = try await control(
            name, "SETCONF Log=\"notice file \(folder)/log\" Log=\"[\(domain)]info file \(folder)/\(domain)\"")
    }

    /// What it has logged there.
    func detail(_ name: String, _ domain: String) -> String {
        (try? String(contentsOfFile: folder(of: name) + "/" + domain, encoding: .utf8)) ?? ""
    }

    /// Sends a file through SOCKS both ways with curl; what is wrong, if anything is.
    func carry(_ name: String, client: String, user: String) async throws -> String? {
        let (www, socks) = (script.folder + "/www/", try node(client))
        let proxy = ["--socks5-hostname", "\(socks.address):\(socks.socksPort)", "--proxy-user", "\(user):x"]
        let quiet = ["curl", "--silent", "--show-error", "--fail", "--max-time", "110"] + proxy
        let url = "http://\(Self.serverAddress):\(port)/"
        let (received, sent) = (name + "-received-" + user, name + "-sent-" + user)
        for words in [
            ["--output", www + received, url + name],
            ["--header", "Expect:", "--output", "/dev/null", "--upload-file", www + name, url + sent],
        ] {
            let (code, said) = try await ChildProcess.run(quiet + words, within: .seconds(120))
            guard code == 0 else { return "curl: \(code ?? -1) \(said)" }
        }
        let sums = try await ChildProcess.run(["sha256sum"] + [name, received, sent].map { www + $0 })
        for file in [received, sent] { unlink(www + file) }
        return Set(sums.said.split(separator: "\n").map { $0.prefix(64) }).count == 1 ? nil : "changed: \(sums.said)"
    }
}
