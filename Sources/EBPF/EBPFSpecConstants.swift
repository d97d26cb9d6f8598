/// What RFC 9669 and the kernel's conventions fix.
enum SpecConstants {
    /// Bytes of stack for each function (the kernel's `MAX_BPF_STACK`; compilers refuse to use more).
    static let frameSize = 512
    /// Registers r0 to r10.
    static let registerCount = 11
    /// RFC 9669 §4.3: the immediate of a call is a helper's number, a distance, or a BTF identifier.
    static let callHelper: UInt8 = 0
    static let callLocal: UInt8 = 1
    /// RFC 9669 §5.4: the wide instruction that loads the address of code.
    static let loadCode: UInt8 = 4
    /// Kernel extension of the atomics: one plain load or store with ordering, which one thread need not care about.
    static let loadAcquire: Int32 = 0x100
    static let storeRelease: Int32 = 0x110
}
