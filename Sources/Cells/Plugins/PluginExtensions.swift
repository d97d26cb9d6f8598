/// Extension 0xF0: what a client asks of a hop in the circuit handshake, always 200 bytes (docs/plugin-protocol.md §2).
package struct PluginRequestExtension: Equatable, Sendable {
    /// How a plugin is named.
    package enum Name: Hashable, Sendable {
        /// By the SHA3-256 of its file.
        case identity([UInt8])
        /// By its place in a recommended set.
        case recommended(set: UInt32, place: UInt8)
    }

    /// One plugin.
    package struct Entry: Hashable, Sendable {
        /// What it will be called on this link.
        package let slot: UInt8
        /// Which one.
        package let name: Name
        /// What its `init` gets.
        package let arguments: [UInt8]

        /// An entry; it must fit.
        package init(slot: UInt8, name: Name, arguments: [UInt8] = []) {
            self.slot = slot
            self.name = name
            self.arguments = arguments
        }

        /// Bytes that it takes.
        package var length: Int {
            switch name {
            case .identity: 3 + PluginWire.identityLength + arguments.count
            case .recommended: 3 + 5 + arguments.count
            }
        }
    }

    /// In order.
    package private(set) var entries: [Entry] = []

    /// Asks for nothing.
    package init() {}

    /// Adds an entry.
    ///
    /// - Returns: false if it does not fit.
    package mutating func add(_ entry: Entry) -> Bool {
        let used = entries.reduce(2) { $0 + $1.length }
        guard entries.count < PluginWire.extensionEntries, used + entry.length <= PluginWire.extensionLength,
            entry.arguments.count <= PluginWire.argumentLength
        else { return false }
        entries.append(entry)
        return true
    }

    /// Parses the body of an extension.
    package init(body: RawSpan) throws(WireError) {
        guard body.byteCount == PluginWire.extensionLength else { throw WireError("plugin extension length", at: 0) }
        var parser = ByteParser(body)
        guard try parser.readUInt8("version") == PluginWire.version else { throw WireError("plugin version", at: 0) }
        let count = try parser.readUInt8("count")
        guard count <= PluginWire.extensionEntries else { throw WireError("plugin count", at: 1) }
        for _ in 0..<count {
            let slot = try parser.readUInt8("slot")
            guard PluginWire.isSlot(slot), slot & PluginWire.hopSlots == 0,
                !entries.contains(where: { $0.slot == slot })
            else { throw WireError("plugin slot", at: parser.offset - 1) }
            let name: Name
            switch try parser.readUInt8("kind") {
            case 0: name = .identity(try parser.readBytes(PluginWire.identityLength, "identity"))
            case 1:
                let set = try parser.readUInt32("set")
                name = .recommended(set: set, place: try parser.readUInt8("place"))
            default: throw WireError("plugin kind", at: parser.offset - 1)
            }
            let length = Int(try parser.readUInt8("argument length"))
            entries.append(Entry(slot: slot, name: name, arguments: try parser.readBytes(length, "arguments")))
        }
        try parser.finishZeros()
    }

    /// The body of the extension.
    package var body: [UInt8] {
        var bytes: [UInt8] = [PluginWire.version, UInt8(truncatingIfNeeded: entries.count)]
        for entry in entries {
            bytes.append(entry.slot)
            switch entry.name {
            case .identity(let identity):
                bytes.append(0)
                bytes += identity
            case .recommended(let set, let place):
                bytes.append(1)
                bytes.append(bigEndian: set)
                bytes.append(place)
            }
            bytes.append(UInt8(truncatingIfNeeded: entry.arguments.count))
            bytes += entry.arguments
        }
        return bytes + [UInt8](repeating: 0, count: max(0, PluginWire.extensionLength - bytes.count))
    }
}

/// Extension 0xF1: what a hop answers to each entry of 0xF0, always 200 bytes (docs/plugin-protocol.md §2).
package struct PluginAnswerExtension: Equatable, Sendable {
    /// An answer.
    package enum Status: UInt8, Sendable {
        /// The hop has it.
        case ready = 0
        /// The hop wants it.
        case needCode = 1
        /// The hop does not want it.
        case refused = 2
    }

    /// One answer.
    package struct Entry: Hashable, Sendable {
        /// As in the request.
        package let slot: UInt8
        /// What the hop says.
        package let status: Status

        /// An answer.
        package init(slot: UInt8, status: Status) {
            self.slot = slot
            self.status = status
        }
    }

    /// In the order of the request.
    package let entries: [Entry]

    /// Answers these; as many as a request may have.
    package init(entries: [Entry] = []) {
        self.entries = Array(entries.prefix(PluginWire.extensionEntries))
    }

    /// Parses the body of an extension.
    package init(body: RawSpan) throws(WireError) {
        guard body.byteCount == PluginWire.extensionLength else { throw WireError("plugin extension length", at: 0) }
        var parser = ByteParser(body)
        guard try parser.readUInt8("version") == PluginWire.version else { throw WireError("plugin version", at: 0) }
        let count = try parser.readUInt8("count")
        guard count <= PluginWire.extensionEntries else { throw WireError("plugin count", at: 1) }
        var entries: [Entry] = []
        for _ in 0..<count {
            let slot = try parser.readUInt8("slot")
            guard let status = Status(rawValue: try parser.readUInt8("status")) else {
                throw WireError("plugin status", at: parser.offset - 1)
            }
            entries.append(Entry(slot: slot, status: status))
        }
        try parser.finishZeros()
        self.entries = entries
    }

    /// The body of the extension.
    package var body: [UInt8] {
        var bytes: [UInt8] = [PluginWire.version, UInt8(truncatingIfNeeded: entries.count)]
        for entry in entries { bytes += [entry.slot, entry.status.rawValue] }
        return bytes + [UInt8](repeating: 0, count: PluginWire.extensionLength - bytes.count)
    }
}

extension ByteParser {
    /// Throws if anything but zeros is left.
    fileprivate mutating func finishZeros() throws(WireError) {
        while !isAtEnd {
            guard try readUInt8("zeros") == 0 else { throw WireError("plugin extension padding", at: offset - 1) }
        }
    }
}
