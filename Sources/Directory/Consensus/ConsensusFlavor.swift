/// The two kinds of consensus: one names router descriptors, the other microdescriptors.
package enum ConsensusFlavor: String, CaseIterable, Hashable, Sendable {
    /// Names router descriptors; signed over SHA-1.
    case ns
    /// Names microdescriptors, for clients; signed over SHA-256.
    case microdesc
}
