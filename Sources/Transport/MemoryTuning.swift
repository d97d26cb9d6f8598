@_silgen_name("mallopt")
private func mallopt(_ parameter: CInt, _ value: CInt) -> CInt

/// What the process asks of its allocator.
package enum MemoryTuning {
    /// Keeps freed memory for reuse instead of giving it back after every burst; call once, at the start.
    ///
    /// glibc's trimming and its mapping of large blocks cost a writer of 64 KiB buffers more than half its speed.
    package static func apply() {
        #if canImport(Glibc)
            // M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of <malloc.h>.
            _ = mallopt(-1, 1 << 30)
            _ = mallopt(-3, 32 << 20)
        #endif
    }
}
