/// How documents that are wanted become requests (C Tor's `launch_descriptor_downloads`).
package enum DownloadPlan {
    /// Cuts a list into requests: at least three where there is enough for three, and none so small that it is not worth
    /// the trouble.
    package static func batches<Key: Comparable>(_ wanted: [Key]) -> [[Key]] {
        guard !wanted.isEmpty else { return [] }
        let sorted = wanted.sorted()
        let share = (sorted.count + DirectoryClientLimits.leastRequests - 1) / DirectoryClientLimits.leastRequests
        let size = min(
            max(share, DirectoryClientLimits.leastDocumentsPerRequest), DirectoryClientLimits.documentsPerRequest)
        return stride(from: 0, to: sorted.count, by: size).map { Array(sorted[$0..<min($0 + size, sorted.count)]) }
    }
}
