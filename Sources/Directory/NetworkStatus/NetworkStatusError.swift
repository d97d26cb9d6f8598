/// Why a vote, a consensus or a set of detached signatures was refused, and where.
package struct NetworkStatusError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let reason: Reason
    /// The byte of the document at which it was seen.
    package let offset: Int

    /// What can be wrong.
    package enum Reason: Hashable, Sendable {
        /// A line without end, a NUL, a line that is no line.
        case malformedLine
        /// An object that does not begin, end or decode as it should.
        case malformedObject
        /// The arguments of a keyword are not what they should be.
        case badArguments(String)
        /// A keyword that must be there is not.
        case missing(String)
        /// A keyword that may be there once is there again.
        case repeated(String)
        /// A line stands where it must not.
        case misplaced(String)
        /// The relays are not in the order of their identities, or one comes twice.
        case unordered
        /// The document is of another kind than was asked for.
        case wrongKind
        /// The certificate in a vote is broken.
        case badCertificate
        /// A signature does not verify.
        case badSignature
        /// The document goes on behind its end.
        case trailingBytes
    }

    /// Takes reason and place.
    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// For logs.
    package var description: String {
        "\(reason) at byte \(offset)"
    }
}
