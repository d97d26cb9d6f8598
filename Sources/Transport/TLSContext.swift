internal import COpenSSL
internal import Synchronization

/// What all TLS connections of one side share: versions, ciphers, groups and, at a server, certificate and key.
///
/// It answers as a C Tor peer expects: TLS 1.2 and 1.3, no tickets, resumption, renegotiation or compression, security
/// level 1. Servers ask for no certificate and clients check no chain, since identity is proved by CERTS cells inside
/// the connection. A server's certificate can be replaced while connections made with the old one live on.
/// Not for identity keys: those belong to `Channels`.
package final class TLSContext: Sendable {
    /// Which side of the handshake a context plays.
    package enum Role: Sendable {
        /// It dials.
        case client
        /// It accepts.
        case server
    }

    /// Protocol versions; narrower ranges than the default are for tests.
    package struct Versions: Sendable {
        let minimum: Int32
        let maximum: Int32
        /// What C Tor offers.
        package static let all = Versions(minimum: TLS1_2_VERSION, maximum: TLS1_3_VERSION)
        /// TLS 1.2 alone.
        package static let only12 = Versions(minimum: TLS1_2_VERSION, maximum: TLS1_2_VERSION)
        /// TLS 1.3 alone.
        package static let only13 = Versions(minimum: TLS1_3_VERSION, maximum: TLS1_3_VERSION)
    }

    /// The side that connections of this context play.
    package let role: Role
    private let versions: Versions
    private let current: Mutex<ContextHandle>

    /// A context that dials.
    package init(clientWith versions: Versions = .all) throws(TransportError) {
        role = .client
        self.versions = versions
        current = Mutex(try ContextHandle(role: .client, versions: versions, certificate: nil))
    }

    /// A context that accepts.
    ///
    /// - Parameters:
    ///   - certificate: The X.509 certificate, DER.
    ///   - key: Its RSA private key, DER (PKCS#1 or PKCS#8).
    package init(
        serverCertificate certificate: [UInt8], key: [UInt8], versions: Versions = .all
    ) throws(TransportError) {
        role = .server
        self.versions = versions
        current = Mutex(try ContextHandle(role: .server, versions: versions, certificate: (certificate, key)))
    }

    /// Gives later connections another certificate; those that exist keep theirs.
    package func replaceCertificate(_ certificate: [UInt8], key: [UInt8]) throws(TransportError) {
        let fresh = try ContextHandle(role: role, versions: versions, certificate: (certificate, key))
        current.withLock { $0 = fresh }
    }

    /// A new connection's state. It keeps the OpenSSL context that it was made from alive by itself.
    func makeSSL() throws(TransportError) -> OpaquePointer {
        let handle = current.withLock { $0 }
        guard let ssl = SSL_new(handle.pointer) else { throw .tls(lastOpenSSLError()) }
        switch role {
        case .server:
            SSL_set_accept_state(ssl)
        case .client:
            SSL_set_connect_state(ssl)
            let name = randomHostName()
            let accepted = name.withCString {
                SSL_ctrl(
                    ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
                    UnsafeMutableRawPointer(mutating: $0))
            }
            guard accepted == 1 else {
                SSL_free(ssl)
                throw .tls(lastOpenSSLError())
            }
        }
        return ssl
    }
}

/// The host name that C Tor's clients send: www., 4 to 25 letters of base32, .com.
private func randomHostName() -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
    var generator = SystemRandomNumberGenerator()
    let length = Int.random(in: 4...25, using: &generator)
    let middle = (0..<length).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] }
    return "www." + String(decoding: middle, as: UTF8.self) + ".com"
}

/// The newest entry of this thread's OpenSSL error queue, as text; empties the queue.
func lastOpenSSLError() -> String {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard code != 0, let text = ERR_reason_error_string(code) else { return "unknown" }
    return String(cString: text)
}

/// One `SSL_CTX`, freed with its last user.
// Safe: an SSL_CTX is reference-counted and internally locked; it is not changed after `init`.
private final class ContextHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(
        role: TLSContext.Role, versions: TLSContext.Versions, certificate: (der: [UInt8], key: [UInt8])?
    ) throws(TransportError) {
        guard let context = SSL_CTX_new(TLS_method()) else { throw .tls(lastOpenSSLError()) }
        pointer = context
        guard SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(versions.minimum), nil) == 1,
            SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(versions.maximum), nil) == 1
        else { throw .tls(lastOpenSSLError()) }
        // C Tor's level: old relays still show RSA-1024 keys.
        SSL_CTX_set_security_level(context, 1)
        var options =
            Option.cipherServerPreference | Option.noResumptionOnRenegotiation | Option.noCompression
            | Option.noRenegotiation | Option.padClientHello
        if role == .server { options |= Option.noTicket }
        _ = SSL_CTX_set_options(context, options)
        _ = SSL_CTX_set_num_tickets(context, 0)
        _ = SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        // Idle connections give their 34 KiB of record buffers back; the price is one malloc and free per record.
        _ = SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        try setCiphers(role: role)
        try setGroups()
        if let certificate { try use(certificate: certificate.der, key: certificate.key) }
    }

    deinit { SSL_CTX_free(pointer) }

    private func setCiphers(role: TLSContext.Role) throws(TransportError) {
        switch role {
        case .server:
            guard SSL_CTX_set_cipher_list(pointer, TransportSpec.serverCiphers) == 1 else {
                throw .tls(lastOpenSSLError())
            }
            _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_DH_AUTO, 1, nil)
        case .client:
            guard SSL_CTX_set_cipher_list(pointer, TransportSpec.clientCiphers) == 1,
                SSL_CTX_set_ciphersuites(pointer, TransportSpec.clientCipherSuites) == 1
            else { throw .tls(lastOpenSSLError()) }
        }
    }

    private func setGroups() throws(TransportError) {
        let version = UInt(OpenSSL_version_num())
        for groups in TransportSpec.groupLists where groups.minimumVersion <= version {
            let accepted = groups.list.withCString {
                SSL_CTX_ctrl(pointer, SSL_CTRL_SET_GROUPS_LIST, 0, UnsafeMutableRawPointer(mutating: $0))
            }
            if accepted == 1 { return }
        }
        throw .tls(lastOpenSSLError())
    }

    private func use(certificate: [UInt8], key: [UInt8]) throws(TransportError) {
        guard
            certificate.withUnsafeBufferPointer({
                SSL_CTX_use_certificate_ASN1(pointer, Int32($0.count), $0.baseAddress)
            }) == 1
        else {
            ERR_clear_error()
            throw .badCertificate
        }
        let parsed = key.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_AutoPrivateKey(nil, &start, bytes.count)
        }
        guard let parsed else {
            ERR_clear_error()
            throw .badKey
        }
        defer { EVP_PKEY_free(parsed) }
        guard SSL_CTX_use_PrivateKey(pointer, parsed) == 1, SSL_CTX_check_private_key(pointer) == 1 else {
            ERR_clear_error()
            throw .badKey
        }
    }

    /// OpenSSL's option bits (`SSL_OP_BIT`); as macros with a cast they do not import.
    private enum Option {
        static let padClientHello: UInt64 = 1 << 4
        static let noTicket: UInt64 = 1 << 14
        static let noResumptionOnRenegotiation: UInt64 = 1 << 16
        static let noCompression: UInt64 = 1 << 17
        static let cipherServerPreference: UInt64 = 1 << 22
        static let noRenegotiation: UInt64 = 1 << 30
    }
}
