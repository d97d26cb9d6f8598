internal import Cells
internal import OnionCrypto
internal import PluginHost

/// What a client's handshake asks of plugins, judged on a worker: the answer, and what was promised with it.
struct HandshakePlugins: Sendable {
    /// An entry of the request.
    struct Entry: Sendable {
        let slot: UInt8
        let status: PluginAnswerExtension.Status
        let identity: [UInt8]
        let arguments: [UInt8]
        /// What was promised.
        let plugin: Plugin?
    }

    let entries: [Entry]

    /// The answer's extension.
    var answer: HandshakeExtension {
        HandshakeExtension(
            type: PluginWire.answerExtension,
            body: PluginAnswerExtension(entries: entries.map { .init(slot: $0.slot, status: $0.status) }).body)
    }

    /// Reads and judges the request among a handshake's extensions; nil if there is none.
    init?(_ extensions: [HandshakeExtension], _ shelf: PluginShelf) throws(WireError) {
        let bodies = extensions.filter { $0.type == PluginWire.requestExtension }.map(\.body)
        guard let body = bodies.first else { return nil }
        guard bodies.count == 1 else { throw WireError("plugin extension twice", at: 0) }
        let request = try PluginRequestExtension(body: body.span.bytes)
        entries = request.entries.map { entry in
            let judgement: PluginShelf.Judgement
            var identity: [UInt8] = []
            switch entry.name {
            case .identity(let name):
                identity = name
                judgement = shelf.judge(name, bringer: .client)
            case .recommended(let set, let place):
                judgement = shelf.judge(set: set, place: place, bringer: .client)
            }
            switch judgement {
            case .ready(let plugin):
                return Entry(
                    slot: entry.slot, status: .ready, identity: plugin.file.identity, arguments: entry.arguments,
                    plugin: plugin)
            case .needCode:
                return Entry(
                    slot: entry.slot, status: .needCode, identity: identity, arguments: entry.arguments, plugin: nil)
            case .refused:
                return Entry(
                    slot: entry.slot, status: .refused, identity: identity, arguments: entry.arguments, plugin: nil)
            }
        }
    }
}
