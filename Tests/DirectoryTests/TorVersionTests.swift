import Directory
import Testing

@Suite struct TorVersionTests {
    @Test func `versions are sorted as C Tor sorts them`() {
        let sorted: [ByteText] = [
            "0.2.0pre9", "0.2.0rc1", "0.2.0.1", "0.3.5.8", "Tor 0.4.8.0-alpha", "0.4.8.0-alpha-dev", "0.4.8.1-alpha",
            "0.4.9.11", "0.4.10.1", "Foreign 1", "bogus",
        ]
        #expect(TorVersion.sorted(sorted.reversed()) == sorted)
        #expect(TorVersion.sorted(sorted) == sorted)
        #expect(TorVersion.compareTexts("Tor 0.4.9.11", "0.4.9.11") == 0)
        #expect(TorVersion.compareTexts("0.4.9.11 (git-01)", "0.4.9.11 (git-02)") < 0)
    }

    @Test func `what is no version does not parse`() {
        for text: ByteText in [
            "", "0", "0.", "0.4.", "x.4", "0.4.9.", "0.4.9x1", "0.4.9.99999999999", "0.4.9.1 (git-0)",
        ] {
            #expect(TorVersion(text) == nil)
        }
        #expect(TorVersion("0.4")?.minor == 4)
        #expect(TorVersion("0.4-x")?.tag == Array("x".utf8))
        #expect(TorVersion("0.4.9.1-alpha-dev")?.patchLevel == 1)
    }
}
