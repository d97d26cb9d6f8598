/// What PADDING_NEGOTIATE wants of a padding machine (padding-spec §3.2).
package enum PaddingMachineCommand: UInt8, Sendable {
    /// Let it end.
    case stop = 1
    /// Let it begin.
    case start = 2
}

/// PADDING_NEGOTIATE: a client has a hop start or stop a padding machine.
package struct PaddingNegotiateMessage: RelayMessage, Hashable {
    package static let command = RelayCommand.paddingNegotiate
    /// Start or stop.
    package var machineCommand: PaddingMachineCommand
    /// Which kind of machine.
    package var machine: UInt8
    /// Which of those that the circuit has had, from 1; 0 means any.
    package var counter: UInt32

    /// Start or stop of a machine.
    package init(_ command: PaddingMachineCommand, machine: UInt8, counter: UInt32) {
        machineCommand = command
        self.machine = machine
        self.counter = counter
    }

    /// Parses a message. C Tor passes over what stands behind it.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        guard try parser.readUInt8("version") == 0 else { throw WireError("version of PADDING_NEGOTIATE", at: 0) }
        guard let command = PaddingMachineCommand(rawValue: try parser.readUInt8("command")) else {
            throw WireError("command of PADDING_NEGOTIATE", at: 1)
        }
        machineCommand = command
        machine = try parser.readUInt8("machine")
        guard try parser.readUInt8("echo request") <= 1 else { throw WireError("echo request", at: 3) }
        counter = try parser.readUInt32("counter")
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes += [0, machineCommand.rawValue, machine, 0]
        bytes.append(bigEndian: counter)
    }
}

/// PADDING_NEGOTIATED: what a hop says to PADDING_NEGOTIATE, or that its machine has ended by itself.
package struct PaddingNegotiatedMessage: RelayMessage, Hashable {
    package static let command = RelayCommand.paddingNegotiated
    /// What was asked for.
    package var machineCommand: PaddingMachineCommand
    /// Whether it is done.
    package var isAccepted: Bool
    /// Which kind of machine.
    package var machine: UInt8
    /// Which one, as it was asked for.
    package var counter: UInt32

    /// An answer.
    package init(_ command: PaddingMachineCommand, isAccepted: Bool, machine: UInt8, counter: UInt32) {
        machineCommand = command
        self.isAccepted = isAccepted
        self.machine = machine
        self.counter = counter
    }

    /// Parses a message.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        guard try parser.readUInt8("version") == 0 else { throw WireError("version of PADDING_NEGOTIATED", at: 0) }
        guard let command = PaddingMachineCommand(rawValue: try parser.readUInt8("command")) else {
            throw WireError("command of PADDING_NEGOTIATED", at: 1)
        }
        machineCommand = command
        let response = try parser.readUInt8("response")
        guard response == 1 || response == 2 else { throw WireError("response", at: 2) }
        isAccepted = response == 1
        machine = try parser.readUInt8("machine")
        counter = try parser.readUInt32("counter")
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes += [0, machineCommand.rawValue, isAccepted ? 1 : 2, machine]
        bytes.append(bigEndian: counter)
    }
}
