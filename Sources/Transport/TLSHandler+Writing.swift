package import Cells
internal import NIOCore

extension TLSHandler {
    /// Whether dispatch may append another cell: TLS is up, less than one burst waits, and bandwidth is left.
    ///
    /// Look again after `flush`; when it is false then, `connectionWritable` says when it is true.
    @inlinable package var canTakeCells: Bool { room > 0 }

    /// What waits for the socket, in the kernel excepted.
    package var pendingBytes: Int {
        let held = context.flatMap { try? $0.channel.syncOptions?.getOption(.bufferedWritableBytes) } ?? 0
        return held + stagedBytes
    }

    /// Appends a cell; its slot goes home. On a connection that takes nothing any more it is dropped.
    @inlinable
    package func append(_ cell: consuming Cell) {
        guard writer.freeBytes >= CellWriter.cellLength || makeRecordRoom() else { return }
        writer.append(cell)
        room &-= CellWriter.cellLength  // Far from any bound: `flush` measures it anew.
    }

    /// Appends raw plaintext: variable cells, and whatever belongs to the link handshake.
    package func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            guard writer.freeBytes > 0 || makeRecordRoom() else { return }
            let taken = writer.append(rest)
            room -= taken
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
    }

    /// Appends raw plaintext.
    package func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Hands everything appended to the socket. Once per batch.
    package func flush() {
        guard let context, phase == .open else { return }
        sealRecord()
        writer.release(to: loop.pool)
        pushCiphertext(context)
        flushSocket(context)
        measureRoom()
    }

    /// Makes room for a cell in the record buffer; false when the connection takes nothing any more.
    @usableFromInline
    package func makeRecordRoom() -> Bool {
        sealRecord()
        guard phase == .open else { return false }
        writer.begin(loop.pool)
        return true
    }

    /// Encrypts the record being filled.
    func sealRecord() {
        guard writer.count > 0, phase == .open, let context else { return }
        if let waiting = ciphertext, waiting.writableBytes < writer.count + TransportLimits.recordOverhead {
            pushCiphertext(context)
            guard phase == .open else { return }
        }
        // Out of the property while it is written to, or the buffer would be copied.
        var buffer = ciphertext.take() ?? loop.pool.takeCiphertext()
        if session.hasSpill { session.takeSpill(to: &buffer) }
        do throws(TransportError) {
            try session.encrypt(writer.filled, to: &buffer)
            writer.clear()
            ciphertext = buffer
        } catch {
            writer.clear()
            end(context, error)
        }
    }

    /// Sends what OpenSSL said by itself: handshake flights, alerts, key updates.
    func flushSpill(_ context: ChannelHandlerContext) {
        if session.hasSpill {
            var buffer = ciphertext.take() ?? loop.pool.takeCiphertext()
            session.takeSpill(to: &buffer)
            ciphertext = buffer
        }
        pushCiphertext(context)
        flushSocket(context)
    }

    /// Sees how much may be appended now, and asks to be told if it is nothing.
    func measureRoom() {
        guard phase == .open, let context else {
            room = 0
            return
        }
        isWriteHeld = !mayWrite()
        if isWriteHeld {
            room = 0
            waitForBandwidth()
        } else if context.channel.isWritable {
            room = TransportLimits.pendingBytes - pendingBytes
        } else {
            room = 0
        }
    }

    private var stagedBytes: Int { writer.count + (ciphertext?.readableBytes ?? 0) }

    private func pushCiphertext(_ context: ChannelHandlerContext) {
        guard let buffer = ciphertext.take() else { return }
        chargeWrite(buffer.readableBytes)
        loop.pool.giveBack(ciphertext: buffer)
        isFlushDue = true
        context.write(NIOAny(buffer), promise: nil)
    }

    private func flushSocket(_ context: ChannelHandlerContext) {
        guard isFlushDue else { return }
        isFlushDue = false
        // The socket may become writable inside the call, when whoever flushes is about to look by itself.
        isFlushing = true
        context.flush()
        isFlushing = false
    }
}
