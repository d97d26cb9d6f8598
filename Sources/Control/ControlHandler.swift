internal import Cells
internal import NIOCore
internal import OnionCrypto

/// Drives one controller's connection: lines to the machine, its answers to the socket, one command at a time.
final class ControlHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var machine: ControlMachine
    private let service: ControlService
    private var received = ByteBuffer()
    private var isBusy = false
    private var isOwner = false
    private var random = SystemRandom()

    /// A conversation that begins.
    init(service: ControlService) {
        self.service = service
        machine = ControlMachine(authentication: service.authentication, version: service.source.version)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        work(context.channel)
    }

    func channelInactive(context: ChannelHandlerContext) {
        service.forget(context.channel)
        if isOwner { service.ownerLeft() }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Does every whole command that is there, until one takes its time.
    private func work(_ socket: any Channel) {
        while !isBusy, let command = nextCommand() {
            switch machine.receive(command, using: &random) {
            case .reply(let reply): send(reply, socket)
            case .replyAndClose(let reply): return sendAndClose(reply, socket)
            case .ignore: return
            case .lookUp(let keys): lookUp(keys, socket)
            case .signal(let signal):
                send(.done, socket)
                // A controller that ends us should still see that it was heard.
                service.receive(signal)
            case .setEvents(let events):
                service.tell(socket, of: events)
                send(.done, socket)
            case .setOwner(let isOwner):
                self.isOwner = isOwner
                send(.done, socket)
            }
        }
        received.discardReadBytes()
        if !isBusy, received.readableBytes > ControlSpec.longestLine {
            sendAndClose(ControlReply(500, "Line too long."), socket)
        }
    }

    /// A line, or a `+` line with its data up to the line with a dot; nil while it is not all there.
    private func nextCommand() -> String? {
        let view = received.readableBytesView
        guard let first = view.first, var end = view.firstIndex(of: 10) else { return nil }
        if first == UInt8(ascii: "+") {
            while true {
                let lineStart = view.index(after: end)
                guard let lineEnd = view[lineStart...].firstIndex(of: 10) else { return nil }
                let line = view[lineStart..<lineEnd]
                end = lineEnd
                if line.elementsEqual([UInt8(ascii: ".")]) || line.elementsEqual([UInt8(ascii: "."), 13]) { break }
            }
        }
        let count = view.distance(from: view.startIndex, to: end)
        guard let bytes = received.readBytes(length: count) else { return nil }
        received.moveReaderIndex(forwardBy: 1)
        return String(decoding: bytes.last == 13 ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    private func lookUp(_ keys: [String], _ socket: any Channel) {
        isBusy = true
        let answers = service.answers
        socket.eventLoop.makeFutureWithTask {
            var found: [(key: String, answer: ControlInformation)] = []
            for key in keys { found.append((key, await answers.answer(to: key))) }
            return ControlMachine.reply(to: found)
        }.assumeIsolated().whenSuccess { [self] reply in
            isBusy = false
            guard socket.isActive else { return }
            send(reply, socket)
            work(socket)
        }
    }

    private func send(_ reply: ControlReply, _ socket: any Channel) {
        socket.writeAndFlush(ByteBuffer(string: reply.text), promise: nil)
    }

    private func sendAndClose(_ reply: ControlReply, _ socket: any Channel) {
        received.clear()
        socket.writeAndFlush(ByteBuffer(string: reply.text)).whenComplete { _ in socket.close(promise: nil) }
    }
}
