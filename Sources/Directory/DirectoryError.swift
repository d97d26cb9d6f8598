/// Why a router descriptor, extra-info document, microdescriptor or key certificate was refused: keyword and line.
///
/// Votes and consensuses, which are read by another scanner, have `NetworkStatusError`.
package struct DirectoryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let reason: Reason
    /// The keyword of the line in question; empty where there is none.
    package let keyword: String
    /// The number of the line in question, from 1; 0 if it is about the whole document.
    package let line: Int

    /// What can be wrong.
    package enum Reason: Hashable, Sendable {
        /// The document is longer than its kind may be.
        case tooLong
        /// A NUL, a line without an end, an empty line, a line without keyword, or one far too long.
        case malformedLine
        /// An object that does not begin, end or decode as it should.
        case malformedObject
        /// An object where none may be.
        case unexpectedObject
        /// No object where one must be.
        case missingObject
        /// Too few arguments, or too many.
        case argumentCount
        /// An argument that cannot be read.
        case badArgument
        /// A keyword that must be there is not.
        case missing
        /// A keyword stands more often than it may.
        case repeated
        /// A keyword stands where it must not.
        case misplaced
        /// A keyword that may not stand in this kind of document at all.
        case forbidden
        /// Two parts of the document contradict each other.
        case inconsistent
        /// A key of the wrong kind or size.
        case badKey
        /// A certificate that cannot be read, or is for another purpose.
        case badCertificate
        /// A signature that does not verify.
        case badSignature
    }

    /// Says what is wrong, and where.
    package init(_ reason: Reason, _ keyword: String = "", line: Int = 0) {
        self.reason = reason
        self.keyword = keyword
        self.line = line
    }

    /// For logs.
    package var description: String {
        switch (keyword.isEmpty, line) {
        case (true, 0): "\(reason)"
        case (true, _): "\(reason) in line \(line)"
        case (false, 0): "\(reason): \(keyword)"
        case (false, _): "\(reason): \(keyword) in line \(line)"
        }
    }
}
