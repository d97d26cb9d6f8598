internal import COpenSSL

extension Ed25519.PublicKey {
    /// The Ed25519 form of a Curve25519 public key: y = (u - 1) / (u + 1), with the sign of x that the curve's other
    /// form has lost (dir-spec §2.1.1, "ntor-onion-key-crosscert"). Nil for u = -1, which no key pair has.
    package init?(converting key: X25519.PublicKey, signBit: Bool) {
        var bytes = key.bytes
        // RFC 7748 §5: the last bit is not part of u.
        bytes[31] &= 127
        guard var y = Self.convert(bytes) else { return nil }
        if signBit { y[31] |= 128 }
        self.init(unchecked: y)
    }

    private static func convert(_ u: [UInt8]) -> [UInt8]? {
        guard let scratch = BN_CTX_new() else { preconditionFailure("out of memory") }
        defer { BN_CTX_free(scratch) }
        BN_CTX_start(scratch)
        defer { BN_CTX_end(scratch) }
        guard let prime = BN_CTX_get(scratch), let below = BN_CTX_get(scratch), let above = BN_CTX_get(scratch),
            let inverse = BN_CTX_get(scratch), let y = BN_CTX_get(scratch)
        else { preconditionFailure("out of memory") }
        // 2^255 - 19. These are public numbers, so that time does not matter.
        guard BN_set_bit(prime, 255) == 1, BN_sub_word(prime, 19) == 1,
            BN_lebin2bn(u, Int32(u.count), above) != nil, BN_add_word(above, 1) == 1,
            BN_lebin2bn(u, Int32(u.count), below) != nil, BN_add(below, below, prime) == 1,
            BN_sub_word(below, 1) == 1
        else { preconditionFailure("out of memory") }
        guard BN_mod_inverse(inverse, above, prime, scratch) != nil else {
            ERR_clear_error()
            return nil
        }
        var output = [UInt8](repeating: 0, count: 32)
        guard BN_mod_mul(y, below, inverse, prime, scratch) == 1, BN_bn2lebinpad(y, &output, 32) == 32 else {
            return nil
        }
        return output
    }
}
