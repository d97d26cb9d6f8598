/// What a relay may call itself (dir-spec §1.3): 1 to 19 letters and digits.
package enum Nickname {
    /// True if a relay may have that name.
    package static func isValid(_ text: some StringProtocol) -> Bool {
        (1...19).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: false
                }
            }
    }
}
