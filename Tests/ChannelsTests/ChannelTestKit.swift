import Cells
import OnionCrypto
import ProtocolTestKit
import Testing

@testable import Channels

/// 2026-01-01 00:00:00.
let testTime = WallTime(seconds: 1_767_225_600)

/// A relay's long-lived keys, and what it presents.
struct TestRelay: Sendable {
    let master = Ed25519.KeyPair()
    let keys: LinkIdentity.Keys
    let identity: LinkIdentity

    static let first = try! TestRelay(seed: 1)
    static let second = try! TestRelay(seed: 2)

    init(seed: UInt64, now: WallTime = testTime) throws {
        let signing = Ed25519.KeyPair()
        let certificate = try Ed25519Certificate(
            type: .signingKey, expirationHours: Ed25519Certificate.expirationHours(from: now, lifetime: 30 * 86_400),
            certifiedKey: signing.publicKey.bytes, signer: master, namesSigner: true)
        keys = LinkIdentity.Keys(
            rsaIdentity: try RSAKeyPair(bits: 1024), signingKey: signing, signingKeyCertificate: certificate)
        var random = SeededRandom(seed: seed)
        identity = try LinkIdentity(keys: keys, now: now, using: &random)
    }

    var expected: ExpectedPeer {
        ExpectedPeer(rsaIdentity: identity.rsaIdentity, ed25519Identity: identity.ed25519Identity)
    }
}

/// One cell as it stands on the wire.
struct WireCell: Equatable {
    var command: CellCommand
    var circuitID = CircuitID.zero
    var body: [UInt8]
    /// Only a first VERSIONS has a circuit ID of two bytes.
    var isFirst = false

    init(_ command: CellCommand, _ body: [UInt8] = []) {
        self.command = command
        self.body = body
    }

    init(_ cell: some VariableCellBody) {
        self.init(type(of: cell).command)
        cell.encode(into: &body)
        isFirst = command == .versions
    }

    init(_ cell: some FixedCellBody) {
        self.init(type(of: cell).command)
        cell.encode(into: &body)
    }

    var wire: [UInt8] {
        var bytes: [UInt8] = []
        if isFirst {
            bytes.append(bigEndian: UInt16(0))
        } else {
            bytes.append(bigEndian: circuitID.rawValue)
        }
        bytes.append(command.rawValue)
        if command.isVariableLength {
            bytes.append(bigEndian: UInt16(body.count))
            return bytes + body
        }
        return bytes + body + [UInt8](repeating: 0, count: 509 - body.count)
    }

    /// The cells that some bytes are.
    static func split(_ bytes: [UInt8]) throws -> [WireCell] {
        var parser = ByteParser(bytes.span.bytes)
        var cells: [WireCell] = []
        while !parser.isAtEnd {
            // A VERSIONS with a short circuit ID looks like circuit 7 of the others: 00 00 07.
            let isFirst = cells.isEmpty && bytes.count > 3 && bytes[2] == 7
            let circuitID = isFirst ? UInt32(try parser.readUInt16()) : try parser.readUInt32()
            let command = CellCommand(rawValue: try parser.readUInt8())
            let length = command.isVariableLength ? Int(try parser.readUInt16()) : 509
            var cell = WireCell(command, try parser.readBytes(length))
            cell.circuitID = CircuitID(rawValue: circuitID)
            cell.isFirst = isFirst
            cells.append(cell)
        }
        return cells
    }
}

/// A machine with the driver's part played by hand.
final class TestSide {
    var machine: ChannelMachine
    var wallTime = testTime
    var random = SeededRandom(seed: 7)
    var secret: [UInt8] = [1, 2, 3]
    var channel: OpenChannel?
    var fault: ChannelFault?

    init(
        _ role: ChannelRole, responder: LinkIdentity, remote: String = "192.0.2.7", own: [String] = [],
        now: ContinuousClock.Instant = .now
    ) {
        let connection = ChannelConnection(
            responderCertificate: responder.tlsCertificate, remoteAddress: IPAddress(remote)!,
            ownAddresses: own.map { IPAddress($0)! })
        machine = ChannelMachine(role, connection: connection, now: now)
    }

    // Test macros cannot hold what cannot be copied.
    var isOpen: Bool { machine.isOpen }
    var nextDeadline: ContinuousClock.Instant? { machine.nextDeadline }
    var exporterContext: [UInt8]? { machine.exporterContext }
    var firstBytes: [UInt8] { machine.firstBytes }

    func timedOut(now: ContinuousClock.Instant) -> ChannelMachine.ReceiveAction {
        machine.timedOut(now: now)
    }

    /// Hands a cell over, and exports keying material where it is wanted.
    func receive(_ cell: WireCell) -> ChannelMachine.ReceiveAction {
        if let context = machine.exporterContext { machine.provide(exporter: SHA256.hash(secret + context)) }
        let wire = cell.wire
        let action =
            cell.command.isVariableLength
            ? machine.receiveVariable(
                cell.command, circuitID: cell.circuitID, body: cell.body.span.bytes, wire: wire.span.bytes,
                wallTime: wallTime, using: &random)
            : machine.receiveFixed(cell.command, body: wire.span.bytes.extracting(5...), wallTime: wallTime)
        switch action {
        case .open(let channel, _): self.channel = channel
        case .close(let fault): self.fault = fault
        case .wait, .send: break
        }
        return action
    }

    /// Hands cells over; what is to be sent.
    func receive(all cells: [WireCell]) throws -> [WireCell] {
        var answers: [WireCell] = []
        for cell in cells where fault == nil {
            switch receive(cell) {
            case .send(let bytes), .open(_, let bytes): answers += try WireCell.split(bytes)
            case .wait, .close: break
            }
        }
        return answers
    }
}

/// Two machines, joined; cells can be changed on their way.
func joined(
    _ initiator: TestSide, _ responder: TestSide,
    change: (_ fromInitiator: Bool, WireCell) -> [WireCell] = { [$1] }
) throws {
    var toResponder = try WireCell.split(initiator.machine.firstBytes)
    var toInitiator: [WireCell] = []
    while !toResponder.isEmpty || !toInitiator.isEmpty {
        toInitiator += try responder.receive(all: toResponder.flatMap { change(true, $0) })
        toResponder = try initiator.receive(all: toInitiator.flatMap { change(false, $0) })
        toInitiator = []
    }
}
