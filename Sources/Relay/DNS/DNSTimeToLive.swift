/// How long clients and we remember an answer: not what the name server says, but one of two blurred values.
///
/// Exact lives would let an observer of name servers and exits match lookups to streams ("DefecTor"), as C Tor says.
enum DNSTimeToLive {
    /// The life for what a name server said.
    static func clipped(_ seconds: UInt32, using random: inout some RandomNumberGenerator) -> UInt32 {
        let life = seconds < RelaySpec.shortTimeToLive ? RelaySpec.shortTimeToLive : RelaySpec.longTimeToLive
        return life + UInt32.random(in: 0...2 * RelaySpec.timeToLiveBlur, using: &random) - RelaySpec.timeToLiveBlur
    }
}
