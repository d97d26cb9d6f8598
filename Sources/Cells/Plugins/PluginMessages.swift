/// PLUGIN_OFFER: a plugin for the other end (docs/plugin-protocol.md §3.1).
package struct PluginOfferMessage: RelayMessage {
    package static let command = RelayCommand.pluginOffer
    /// What it will be called on this link.
    package var slot: UInt8
    /// The slot that it takes over from; 0: none.
    package var replaces: UInt8 = 0
    /// SHA3-256 of the file: 32 bytes.
    package var identity: [UInt8]
    /// What would be transferred.
    package var size: UInt32
    /// What its `init` gets: at most 255 bytes.
    package var arguments: [UInt8]

    /// All the fields.
    package init(slot: UInt8, replaces: UInt8 = 0, identity: [UInt8], size: UInt32, arguments: [UInt8] = []) {
        self.slot = slot
        self.replaces = replaces
        self.identity = identity
        self.size = size
        self.arguments = arguments
    }

    /// slot(1) replaces(1) identity(32) size(4) length(1) arguments.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        slot = try parser.readSlot()
        replaces = try parser.readUInt8("replaces")
        identity = try parser.readBytes(PluginWire.identityLength, "identity")
        size = try parser.readUInt32("size")
        arguments = try parser.readBytes(Int(try parser.readUInt8("argument length")), "arguments")
        try parser.finish()
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes += [slot, replaces]
        bytes += identity
        bytes.append(bigEndian: size)
        bytes.append(UInt8(truncatingIfNeeded: arguments.count))
        bytes += arguments
    }
}

/// PLUGIN_ANSWER: what becomes of an offer (docs/plugin-protocol.md §3.1).
package struct PluginAnswerMessage: RelayMessage {
    package static let command = RelayCommand.pluginAnswer

    /// The three answers.
    package enum Answer: Equatable, Sendable {
        /// The taker has it; PLUGIN_READY follows.
        case ready
        /// Send it: so many bytes may come.
        case needCode(credit: UInt32)
        /// No.
        case refused(PluginRefusal)
    }

    /// Whose offer.
    package var slot: UInt8
    /// The answer.
    package var answer: Answer

    /// All the fields.
    package init(slot: UInt8, _ answer: Answer) {
        self.slot = slot
        self.answer = answer
    }

    /// slot(1) status(1) reason(1) credit(4); what does not belong to the status is zero.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        slot = try parser.readSlot()
        let status = try parser.readUInt8("status")
        let reason = try parser.readUInt8("reason")
        let credit = try parser.readUInt32("credit")
        switch (status, reason, credit) {
        case (0, 0, 0): answer = .ready
        case (1, 0, 1...): answer = .needCode(credit: credit)
        case (2, 1..., 0): answer = .refused(PluginRefusal(rawValue: reason))
        default: throw WireError("plugin answer", at: 1)
        }
        try parser.finish()
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        switch answer {
        case .ready: bytes += [slot, 0, 0, 0, 0, 0, 0]
        case .needCode(let credit):
            bytes += [slot, 1, 0]
            bytes.append(bigEndian: credit)
        case .refused(let reason): bytes += [slot, 2, reason.rawValue, 0, 0, 0, 0]
        }
    }
}

/// PLUGIN_CODE: a fragment of a bundle (docs/plugin-protocol.md §3.2).
package struct PluginCodeMessage: RelayMessage {
    package static let command = RelayCommand.pluginCode
    /// Whose.
    package var slot: UInt8
    /// How much came before.
    package var offset: UInt32
    /// 1 to 472 bytes.
    package var bytes: [UInt8]

    /// All the fields.
    package init(slot: UInt8, offset: UInt32, bytes: [UInt8]) {
        self.slot = slot
        self.offset = offset
        self.bytes = bytes
    }

    /// slot(1) offset(4) data.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        slot = try parser.readSlot()
        offset = try parser.readUInt32("offset")
        guard 1...PluginWire.fragmentLength ~= parser.remaining else { throw WireError("plugin fragment", at: 5) }
        bytes = parser.readRest()
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(slot)
        bytes.append(bigEndian: offset)
        bytes += self.bytes
    }
}

/// PLUGIN_READY: the plugin is in force in the sender's direction (docs/plugin-protocol.md §3.3).
package struct PluginReadyMessage: RelayMessage {
    package static let command = RelayCommand.pluginReady
    /// Whose.
    package var slot: UInt8
    /// What `init` answered; none from a bringer.
    package var answer: [UInt8]

    /// All the fields.
    package init(slot: UInt8, answer: [UInt8] = []) {
        self.slot = slot
        self.answer = answer
    }

    /// slot(1) answer.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        slot = try parser.readSlot()
        guard parser.remaining <= PluginWire.answerLength else { throw WireError("plugin init answer", at: 1) }
        answer = parser.readRest()
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(slot)
        bytes += answer
    }
}

/// PLUGIN_DETACH, and its echo (docs/plugin-protocol.md §3.5).
package struct PluginDetachMessage: RelayMessage {
    package static let command = RelayCommand.pluginDetach
    /// Whose.
    package var slot: UInt8
    /// Why.
    package var reason: PluginDetachReason

    /// All the fields.
    package init(slot: UInt8, reason: PluginDetachReason) {
        self.slot = slot
        self.reason = reason
    }

    /// slot(1) reason(1).
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        slot = try parser.readSlot()
        reason = PluginDetachReason(rawValue: try parser.readUInt8("reason"))
        try parser.finish()
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) { bytes += [slot, reason.rawValue] }
}

/// PLUGIN_MESSAGE: from one half of a plugin to the other (docs/plugin-protocol.md §3.4).
package struct PluginHalfMessage: RelayMessage {
    package static let command = RelayCommand.pluginMessage
    /// Whose.
    package var slot: UInt8
    /// The plugin's own command.
    package var local: UInt16
    /// At most 475 bytes.
    package var body: [UInt8]

    /// All the fields.
    package init(slot: UInt8, local: UInt16, body: [UInt8]) {
        self.slot = slot
        self.local = local
        self.body = body
    }

    /// slot(1) command(2) body.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        slot = try parser.readSlot()
        local = try parser.readUInt16("command")
        guard parser.remaining <= PluginWire.messageLength else { throw WireError("plugin message", at: 3) }
        body = parser.readRest()
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(slot)
        bytes.append(bigEndian: local)
        bytes += body
    }
}

/// PLUGIN_COUNTERS: what a plugin has counted, or the question (docs/plugin-protocol.md §3.4).
package struct PluginCountersMessage: RelayMessage {
    package static let command = RelayCommand.pluginCounters
    /// Whose.
    package var slot: UInt8
    /// The values; nil is the question.
    package var values: [UInt64]?

    /// All the fields.
    package init(slot: UInt8, values: [UInt64]? = nil) {
        self.slot = slot
        self.values = values
    }

    /// slot(1), or slot(1) count(1) values.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        slot = try parser.readSlot()
        guard !parser.isAtEnd else { return }
        let count = Int(try parser.readUInt8("count"))
        guard count <= PluginWire.counters else { throw WireError("plugin counters", at: 1) }
        var values: [UInt64] = []
        for _ in 0..<count { values.append(try parser.readUInt64("counter")) }
        try parser.finish()
        self.values = values
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(slot)
        guard let values else { return }
        bytes.append(UInt8(truncatingIfNeeded: values.count))
        for value in values { bytes.append(bigEndian: value) }
    }
}

extension ByteParser {
    /// Reads a slot, which is never 0 but for the bit that says whose it is.
    fileprivate mutating func readSlot() throws(WireError) -> UInt8 {
        let slot = try readUInt8("slot")
        guard PluginWire.isSlot(slot) else { throw WireError("plugin slot", at: 0) }
        return slot
    }
}
