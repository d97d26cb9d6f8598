internal import DequeModule
internal import NIOCore

/// The buffers that all connections of one event loop share, so that an idle connection holds none.
///
/// Socket reads go to one read buffer, decrypted bytes to one scratch, cells on their way out to record buffers, records
/// to ciphertext buffers. Ciphertext buffers are still NIO's while they wait for the socket: the pool keeps a second
/// reference and takes one up again only when it is the last. Confined to its loop.
package final class TLSBufferPool {
    private var ciphertexts = Deque<ByteBuffer>(minimumCapacity: TransportLimits.spareCiphertexts)
    private var records: [UnsafeMutableRawPointer] = []
    private var scratch: UnsafeMutableRawBufferPointer?
    let reading = ReadBuffer()

    init() { records.reserveCapacity(TransportLimits.spareRecords) }

    deinit {
        for record in records { record.deallocate() }
        scratch?.deallocate()
    }

    /// An empty ciphertext buffer for four records.
    func takeCiphertext() -> ByteBuffer {
        // Buffers return in the order in which they went out, so the first is the likeliest to be free. One that a
        // stalled connection still holds leaves the pool for good.
        for _ in 0..<4 {
            guard var buffer = ciphertexts.popFirst() else { break }
            if buffer.modifyIfUniquelyOwned({ $0.clear() }) != nil { return buffer }
        }
        return ByteBufferAllocator().buffer(capacity: TransportLimits.ciphertextLength)
    }

    /// Offers a ciphertext buffer again, though the socket may not be done with it.
    func giveBack(ciphertext: ByteBuffer) {
        guard ciphertexts.count < TransportLimits.spareCiphertexts,
            ciphertext.capacity == TransportLimits.ciphertextLength
        else { return }
        ciphertexts.append(ciphertext)
    }

    /// A record buffer, `TransportLimits.recordLength` long.
    func takeRecord() -> UnsafeMutableRawPointer {
        records.popLast() ?? .allocate(byteCount: TransportLimits.recordLength, alignment: 16)
    }

    /// Gives a record buffer back.
    func giveBack(record: UnsafeMutableRawPointer) {
        if records.count < TransportLimits.spareRecords {
            records.append(record)
        } else {
            record.deallocate()
        }
    }

    /// The plaintext scratch, with room for one more record than is handed over at once.
    func takeScratch() -> UnsafeMutableRawBufferPointer {
        if let scratch {
            self.scratch = nil
            return scratch
        }
        return .allocate(byteCount: TransportLimits.scratchLength + TransportSpec.longestRecord, alignment: 16)
    }

    /// Gives the scratch back.
    func giveBack(scratch: UnsafeMutableRawBufferPointer) {
        if self.scratch == nil {
            self.scratch = scratch
        } else {
            scratch.deallocate()
        }
    }
}

/// The loop's one read buffer.
// Safe: touched on its event loop only, by NIO's read and by the handler that it calls; NIO demands Sendable of what
// holds it.
final class ReadBuffer: @unchecked Sendable {
    private var spare: ByteBuffer?

    func take(from allocator: ByteBufferAllocator) -> ByteBuffer {
        if var buffer = spare.take(), buffer.modifyIfUniquelyOwned({ $0.clear() }) != nil { return buffer }
        return allocator.buffer(capacity: TransportLimits.readLength)
    }

    func giveBack(_ buffer: ByteBuffer) {
        if buffer.capacity == TransportLimits.readLength { spare = buffer }
    }
}

/// Lets NIO read every socket of a loop into that loop's one read buffer.
///
/// NIO keeps the first buffer that it gets for each socket for life; that one is small, and the shared one follows.
struct SharedReadAllocator: RecvByteBufferAllocator {
    let shared: ReadBuffer
    private var hasRead = false

    init(_ shared: ReadBuffer) { self.shared = shared }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        hasRead ? shared.take(from: allocator) : allocator.buffer(capacity: 1_024)
    }

    mutating func record(actualReadBytes: Int) -> Bool {
        hasRead = true
        // "May grow" makes NIO ask again each time instead of keeping what it has.
        return true
    }
}
