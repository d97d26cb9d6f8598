import Cells
import NIOCore
import NIOPosix
import Synchronization

/// A real name server on 127.0.0.1: answers A, AAAA and PTR from a table, and counts what it is asked.
final class TestNameServer: Sendable {
    /// What a name has.
    struct Record: Sendable {
        var addresses: [IPAddress] = []
        var pointer: String?
        var timeToLive: UInt32 = 600
        /// 0 is success, 2 SERVFAIL, 3 NXDOMAIN.
        var code: UInt8 = 0
        /// Answer in lower case whatever was asked.
        var forgetsCase = false
        /// Never answer.
        var isSilent = false
    }

    let endpoint: SocketEndpoint
    private let socket: any Channel
    private let log: Log

    final class Log: Sendable {
        let asked = Mutex<[String]>([])
    }

    /// Names as they were asked, in the case they had.
    var asked: [String] { log.asked.withLock { $0 } }

    init(_ records: [String: Record]) async throws {
        let log = Log()
        self.log = log
        socket = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { socket in
                socket.eventLoop.makeCompletedFuture {
                    try socket.pipeline.syncOperations.addHandler(Handler(records: records, log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        endpoint = SocketEndpoint(address: IPAddress("127.0.0.1")!, port: UInt16(socket.localAddress!.port!))
    }

    func stop() async throws {
        try await socket.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        let records: [String: Record]
        let log: Log

        init(records: [String: Record], log: Log) {
            self.records = records
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            let query = Array(envelope.data.readableBytesView)
            guard query.count > 16 else { return }
            var index = 12
            var labels: [String] = []
            while query[index] != 0 {
                let length = Int(query[index])
                labels.append(String(decoding: query[(index + 1)...(index + length)], as: UTF8.self))
                index += 1 + length
            }
            let question = Array(query[12..<(index + 5)])
            let type = query[index + 2]
            let name = labels.joined(separator: ".")
            log.asked.withLock { $0.append(name) }
            let record = records[name.lowercased()] ?? Record(code: 3)
            guard !record.isSilent else { return }
            var answers: [[UInt8]] = []
            switch type {
            case 1: answers = record.addresses.filter(\.isV4).map(\.bytes)
            case 28: answers = record.addresses.filter(\.isV6).map(\.bytes)
            case 12:
                if let pointer = record.pointer {
                    answers = [pointer.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]]
                }
            default: break
            }
            var reply = Array(query[0..<2]) + [0x81, 0x80 | record.code, 0, 1, 0, UInt8(answers.count), 0, 0, 0, 0]
            reply += record.forgetsCase ? Array(String(decoding: question, as: UTF8.self).lowercased().utf8) : question
            for answer in answers {
                reply += [0xC0, 12, 0, type, 0, 1]
                reply.append(bigEndian: record.timeToLive)
                reply += [0, UInt8(answer.count)] + answer
            }
            context.writeAndFlush(
                wrapOutboundOut(
                    AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: reply))),
                promise: nil)
        }
    }
}
