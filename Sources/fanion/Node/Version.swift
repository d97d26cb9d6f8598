/// What this is.
enum Version {
    /// Of this program.
    static let text = "0.1.0"
}
