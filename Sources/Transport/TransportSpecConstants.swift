/// Numbers and names that the specification or a C Tor peer fixes.
enum TransportSpec {
    /// Link protocol 4 and above: circuit ID (4), command (1), body (509). tor-spec §3.
    static let cellLength = 514
    /// The first VERSIONS cell, whatever follows, has a circuit ID of two bytes. tor-spec §4.1.
    static let versionsHeaderLength = 5
    /// Circuit ID (4), command (1), length (2). tor-spec §3.
    static let variableHeaderLength = 7
    /// The longest TLS plaintext record. RFC 8446 §5.1.
    static let longestRecord = 16_384

    /// What C Tor's servers take in TLS 1.2, in order of preference.
    static let serverCiphers = [
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA384",
        "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA",
        "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-CCM", "DHE-RSA-AES128-CCM",
        "DHE-RSA-AES256-SHA256", "DHE-RSA-AES128-SHA256", "DHE-RSA-AES256-SHA", "DHE-RSA-AES128-SHA",
        "ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")

    /// What C Tor's clients offer in TLS 1.2: a browser's list, in its order.
    static let clientCiphers = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA",
    ].joined(separator: ":")

    /// What C Tor's clients offer in TLS 1.3.
    static let clientCipherSuites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"

    /// C Tor's group lists, the first that the library at hand takes. The post-quantum one needs OpenSSL 3.5.
    static let groupLists: [(minimumVersion: UInt, list: String)] = [
        (0x3050_0000, "?*X25519MLKEM768 / ?SecP256r1MLKEM768 / *P-256:?X25519:P-224"),
        (0, "P-256:X25519:P-224"),
        (0, "P-256:P-224"),
    ]
}
