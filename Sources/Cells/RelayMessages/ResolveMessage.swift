/// RESOLVE: look this name up; or, given as `...in-addr.arpa` or `...ip6.arpa`, this address (tor-spec §6.4).
package struct ResolveMessage: RelayMessage {
    package static let command = RelayCommand.resolve
    /// What to look up.
    package var name: String

    /// Takes a name.
    package init(name: String) {
        self.name = name
    }

    /// Parses a name, with or without its zero byte, since C Tor takes both.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        var bytes = parser.readRest()
        if bytes.last == 0 { bytes.removeLast() }
        guard !bytes.isEmpty, bytes.allSatisfy({ (33...126).contains($0) }) else { throw WireError("host name", at: 0) }
        name = String(decoding: bytes, as: UTF8.self)
    }

    /// Appends name and zero byte.
    package func encode(into bytes: inout [UInt8]) {
        bytes += Array(name.utf8)
        bytes.append(0)
    }
}

/// RESOLVED: what was found (tor-spec §6.4).
package struct ResolvedMessage: RelayMessage {
    package static let command = RelayCommand.resolved

    /// One thing that was found.
    package enum Value: Hashable, Sendable {
        /// Type 0.
        case hostName(String)
        /// Types 4 and 6.
        case address(IPAddress)
        /// Type 0xF0: it failed, this time.
        case transientError
        /// Type 0xF1: it failed, and will.
        case permanentError
        /// Any other type.
        case unknown(type: UInt8, value: [UInt8])
    }

    /// One answer.
    package struct Answer: Hashable, Sendable {
        /// What was found.
        package var value: Value
        /// For how many seconds it may be remembered.
        package var timeToLive: UInt32

        /// What was found, and for how long.
        package init(_ value: Value, timeToLive: UInt32) {
            self.value = value
            self.timeToLive = timeToLive
        }
    }

    /// In order of preference.
    package var answers: [Answer]

    /// Takes answers.
    package init(answers: [Answer]) {
        self.answers = answers
    }

    /// Parses answers to the end.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        answers = []
        while !parser.isAtEnd {
            let start = parser.offset
            let type = try parser.readUInt8("answer type")
            let length = Int(try parser.readUInt8("answer length"))
            let bytes = try parser.readBytes(length, "answer")
            let timeToLive = try parser.readUInt32("TTL")
            let value: Value
            switch (type, length) {
            case (0, _): value = .hostName(String(decoding: bytes, as: UTF8.self))
            case (4, 4), (6, 16):
                guard let address = IPAddress(bytes: bytes) else { throw WireError("answer address", at: start) }
                value = .address(address)
            case (4, _), (6, _): throw WireError("answer address length", at: start + 1)
            case (0xF0, _): value = .transientError
            case (0xF1, _): value = .permanentError
            default: value = .unknown(type: type, value: bytes)
            }
            answers.append(Answer(value, timeToLive: timeToLive))
        }
    }

    /// Appends as many answers as a message holds.
    package func encode(into bytes: inout [UInt8]) {
        let start = bytes.count
        for answer in answers {
            let type: UInt8
            let value: [UInt8]
            switch answer.value {
            case .hostName(let name): (type, value) = (0, Array(name.utf8.prefix(255)))
            case .address(let address): (type, value) = (address.isV4 ? 4 : 6, address.bytes)
            // tor-spec §6.4: the value of an error is for people; C Tor sends such a text too.
            case .transientError: (type, value) = (0xF0, [])
            case .permanentError: (type, value) = (0xF1, [])
            case .unknown(let kept, let bytes): (type, value) = (kept, bytes)
            }
            guard bytes.count - start + value.count + 6 <= CellsSpec.relayDataLength else { return }
            bytes.append(type)
            bytes.append(UInt8(truncatingIfNeeded: value.count))
            bytes += value
            bytes.append(bigEndian: answer.timeToLive)
        }
    }
}
