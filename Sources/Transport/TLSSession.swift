internal import COpenSSL
internal import NIOCore

/// One connection's TLS state over bytes, without a socket: ciphertext in, plaintext out, and back.
///
/// OpenSSL reads and writes through a BIO of our own, whose input is a view of the read burst at hand and whose output
/// is the ciphertext buffer at hand. OpenSSL keeps half a record by itself, so a view is always used up. Whatever it
/// says at other moments (handshake flights, alerts, key updates) waits in a small spill until `takeSpill`.
/// Not for decisions about the connection: those are `TLSHandler`'s.
final class TLSSession {
    /// How far the handshake is.
    enum HandshakeStep: Equatable {
        /// It needs more from the peer.
        case wantsMore
        /// Keys are agreed.
        case done
        /// It cannot succeed.
        case failed(TransportError)
    }

    /// What one attempt to decrypt a record gave.
    enum Decrypted: Equatable {
        /// So many plaintext bytes.
        case bytes(Int)
        /// The input is used up.
        case wantsMore
        /// The peer said close_notify.
        case closed
        /// A record was bad.
        case failed(TransportError)
    }

    private let ssl: OpaquePointer
    private let wire: UnsafeMutablePointer<WireEnds>

    init(context: TLSContext) throws(TransportError) {
        let ssl = try context.makeSSL()
        guard let method = wireMethod, let bio = BIO_new(method) else {
            SSL_free(ssl)
            throw .tls(lastOpenSSLError())
        }
        self.ssl = ssl
        wire = .allocate(capacity: 1)
        wire.initialize(to: WireEnds())
        BIO_set_data(bio, wire)
        BIO_set_init(bio, 1)
        // One BIO for both directions: SSL_set_bio takes a single reference then.
        SSL_set_bio(ssl, bio, bio)
    }

    deinit {
        SSL_free(ssl)
        wire.deinitialize(count: 1)
        wire.deallocate()
    }

    /// Whether something waits in the spill.
    var hasSpill: Bool { !wire.pointee.spill.isEmpty }

    /// Runs `body` with `input` as what the socket gave.
    func withInput<Result>(_ input: UnsafeRawBufferPointer, _ body: () -> Result) -> Result {
        wire.pointee.input = input
        defer { wire.pointee.input = UnsafeRawBufferPointer(start: nil, count: 0) }
        // Errors of other connections on this thread must not be taken for ours.
        ERR_clear_error()
        return body()
    }

    /// Takes the handshake as far as the input goes.
    func advanceHandshake() -> HandshakeStep {
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wantsMore
        case SSL_ERROR_ZERO_RETURN: return .failed(.closedByPeer(clean: true))
        default: return .failed(.tls(lastOpenSSLError()))
        }
    }

    /// Decrypts at most one record into `room`.
    func decrypt(into room: UnsafeMutableRawBufferPointer) -> Decrypted {
        let count = SSL_read(ssl, room.baseAddress, Int32(truncatingIfNeeded: room.count))
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wantsMore
        case SSL_ERROR_ZERO_RETURN: return .closed
        default: return .failed(.tls(lastOpenSSLError()))
        }
    }

    /// Encrypts `plaintext`, at most one record of it, to the end of `ciphertext`.
    func encrypt(_ plaintext: UnsafeRawBufferPointer, to ciphertext: inout ByteBuffer) throws(TransportError) {
        var result: Int32 = 0
        ciphertext.writeWithUnsafeMutableBytes(minimumWritableBytes: plaintext.count + TransportLimits.recordOverhead) {
            room in
            wire.pointee.output = room
            wire.pointee.outputCount = 0
            result = SSL_write(ssl, plaintext.baseAddress, Int32(truncatingIfNeeded: plaintext.count))
            wire.pointee.output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            return wire.pointee.outputCount
        }
        guard Int(result) == plaintext.count else { throw .tls(lastOpenSSLError()) }
    }

    /// Moves what OpenSSL said of its own accord to the end of `ciphertext`.
    func takeSpill(to ciphertext: inout ByteBuffer) {
        ciphertext.writeBytes(wire.pointee.spill)
        wire.pointee.spill.removeAll()
    }

    /// Puts a close_notify alert into the spill.
    func sayClose() {
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }

    /// Keying material that both ends alone can compute (RFC 5705, RFC 8446 §7.5).
    func exportKeyingMaterial(label: StaticString, context: [UInt8], count: Int) throws(TransportError) -> [UInt8] {
        guard SSL_is_init_finished(ssl) == 1 else { throw .notSecured }
        var result: Int32 = 0
        let material = [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
            result = context.withUnsafeBufferPointer { context in
                // Safe: the label's bytes are static.
                let length = label.utf8CodeUnitCount
                return label.utf8Start.withMemoryRebound(to: CChar.self, capacity: length) { text in
                    SSL_export_keying_material(
                        ssl, output.baseAddress, count, text, length, context.baseAddress, context.count, 1)
                }
            }
            if result == 1 { initialized = count }
        }
        guard result == 1 else { throw .tls(lastOpenSSLError()) }
        return material
    }

    /// The certificate that the peer showed, DER; nil from a client.
    var peerCertificate: [UInt8]? {
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return nil }
        defer { X509_free(certificate) }
        return der(of: certificate)
    }

    /// The certificate that we show on this connection, DER; nil at a client.
    var ownCertificate: [UInt8]? {
        guard let certificate = SSL_get_certificate(ssl) else { return nil }
        return der(of: certificate)
    }

    /// The version agreed on, as on the wire: 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    var version: UInt16 { UInt16(truncatingIfNeeded: SSL_version(ssl)) }

    private func der(of certificate: OpaquePointer) -> [UInt8]? {
        let length = i2d_X509(certificate, nil)
        guard length > 0 else { return nil }
        return [UInt8](unsafeUninitializedCapacity: Int(length)) { output, initialized in
            var end = output.baseAddress
            initialized = max(0, Int(i2d_X509(certificate, &end)))
        }
    }
}

/// Where OpenSSL's reads come from and its writes go to, at this moment.
private struct WireEnds {
    /// What is left of the read burst at hand.
    var input = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The free end of the ciphertext buffer at hand; empty outside `encrypt`.
    var output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// How much of `output` is filled.
    var outputCount = 0
    /// What was said while there was no `output`.
    var spill: [UInt8] = []
}

// BIO flag values from <openssl/bio.h>; the macros that set them do not import.
private let retryRead = BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY
private let retryAny = BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY

private func ends(of bio: OpaquePointer?) -> UnsafeMutablePointer<WireEnds>? {
    // Safe: only `TLSSession.init` makes these BIOs, and it puts its own `WireEnds` there, which outlive the BIO.
    BIO_get_data(bio)?.assumingMemoryBound(to: WireEnds.self)
}

/// The kind of BIO that all sessions use; nil only when OpenSSL has no memory left at the start.
// Safe: made once, never changed.
private nonisolated(unsafe) let wireMethod: OpaquePointer? = {
    guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fanion wire") else { return nil }
    BIO_meth_set_read(method) { bio, buffer, count in
        guard let buffer, count > 0, let wire = ends(of: bio) else { return 0 }
        BIO_clear_flags(bio, retryAny)
        let input = wire.pointee.input
        guard let source = input.baseAddress, input.count > 0 else {
            BIO_set_flags(bio, retryRead)
            return -1
        }
        let taken = min(Int(count), input.count)
        UnsafeMutableRawPointer(buffer).copyMemory(from: source, byteCount: taken)
        wire.pointee.input = UnsafeRawBufferPointer(start: source + taken, count: input.count - taken)
        return Int32(taken)
    }
    BIO_meth_set_write(method) { bio, buffer, count in
        guard let buffer, count > 0, let wire = ends(of: bio) else { return 0 }
        BIO_clear_flags(bio, retryAny)
        let bytes = UnsafeRawBufferPointer(start: buffer, count: Int(count))
        let used = wire.pointee.outputCount
        if let output = wire.pointee.output.baseAddress, wire.pointee.output.count - used >= bytes.count,
            wire.pointee.spill.isEmpty, let source = bytes.baseAddress
        {
            (output + used).copyMemory(from: source, byteCount: bytes.count)
            wire.pointee.outputCount = used + bytes.count
        } else {
            wire.pointee.spill.append(contentsOf: bytes)
        }
        return count
    }
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return method
}()
