/// Why the command ends with 1: a sentence for people.
struct CommandFailure: Error, CustomStringConvertible {
    /// The sentence.
    let description: String

    /// A sentence.
    init(_ description: String) {
        self.description = description
    }
}
