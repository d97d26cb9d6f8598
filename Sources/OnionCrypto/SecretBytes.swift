internal import CSodium

/// Secret bytes that are wiped when their owner lets them go.
///
/// Not for printing, hashing or copying: there is no description, the type cannot be copied, and comparison takes
/// the same time wherever the first difference stands. The storage never moves, so no stale copy stays behind.
package struct SecretBytes: ~Copyable, @unchecked Sendable {
    // Safe to send: the storage is exclusively owned, and changes only through `mutating` methods.
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    /// How many bytes are held. Never more than `capacity`.
    package private(set) var count: Int

    /// Makes an empty store for up to `capacity` bytes, to be filled by ``append(_:)-(RawSpan)``.
    package init(capacity: Int) {
        precondition(capacity >= 0)
        self.base = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 1), alignment: 16)
        self.capacity = capacity
        self.count = 0
    }

    /// Makes a copy of `bytes`; wiping the original is the caller's affair.
    package init(copying bytes: RawSpan) {
        self.init(capacity: bytes.byteCount)
        self.append(bytes)
    }

    /// Makes a copy of `bytes` and zeroes the array that was handed in.
    package init(taking bytes: inout [UInt8]) {
        self.init(copying: bytes.span.bytes)
        // Safe: the array's own storage, wiped in place.
        bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { sodium_memzero(base, $0.count) } }
        bytes = []
    }

    /// Makes `count` bytes that `fill` writes; they are zero before.
    package init(count: Int, fill: (inout MutableRawSpan) -> Void) {
        self.init(capacity: count)
        self.base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        self.count = count
        var span = self.mutableBytes
        fill(&span)
    }

    /// Draws `count` bytes from the system.
    package static func random(count: Int) -> SecretBytes {
        let secret = SecretBytes(count: count) { _ in }
        Sodium.start()
        // Safe: `base` holds `count` initialised bytes.
        randombytes_buf(secret.base, count)
        return secret
    }

    deinit {
        // Safe: `base` is ours alone and holds `capacity` bytes.
        sodium_memzero(self.base, self.capacity)
        self.base.deallocate()
    }

    /// The bytes, for as long as the owner is borrowed.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // Safe: `count` bytes are initialised, and the span cannot outlive `self`.
            _overrideLifetime(RawSpan(_unsafeStart: self.base, byteCount: self.count), borrowing: self)
        }
    }

    /// The bytes, to be changed in place.
    package var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            // Safe: `count` bytes are initialised, and the span holds `self` exclusively.
            _overrideLifetime(MutableRawSpan(_unsafeStart: self.base, byteCount: self.count), mutating: &self)
        }
    }

    /// Appends `bytes`, which must fit.
    package mutating func append(_ bytes: RawSpan) {
        precondition(bytes.byteCount <= self.capacity - self.count, "secret store too small")
        bytes.withUnsafeBytes { source in
            // Safe: there is room for the bytes, and the two regions are distinct.
            if let start = source.baseAddress {
                (self.base + self.count).copyMemory(from: start, byteCount: source.count)
            }
        }
        self.count += bytes.byteCount
    }

    /// Appends the ASCII letters of a constant, without a terminator.
    package mutating func append(_ text: StaticString) {
        // Safe: a `StaticString` literal of ASCII letters is a pointer to that many constant bytes.
        self.append(RawSpan(_unsafeStart: UnsafeRawPointer(text.utf8Start), byteCount: text.utf8CodeUnitCount))
    }

    /// A copy of the bytes in ordinary memory, for what is no secret or must be written to a file.
    package func copyToArray() -> [UInt8] {
        self.bytes.withUnsafeBytes { [UInt8]($0) }
    }

    /// The bytes as a pointer, for C.
    func withUnsafeBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        // Safe: `count` bytes are initialised, and `self` is borrowed throughout.
        body(UnsafeRawBufferPointer(start: self.base, count: self.count))
    }

    /// Another owner of the same bytes.
    func copy() -> SecretBytes {
        SecretBytes(copying: self.bytes)
    }

    /// Compares without telling by its duration where the difference is.
    package static func == (left: borrowing SecretBytes, right: borrowing SecretBytes) -> Bool {
        constantTimeEqual(left.bytes, right.bytes)
    }
}

/// Whether both hold the same bytes, in a time that depends on their lengths only.
package func constantTimeEqual(_ left: RawSpan, _ right: RawSpan) -> Bool {
    guard left.byteCount == right.byteCount else { return false }
    return left.withUnsafeBytes { a in
        right.withUnsafeBytes { b in
            guard let a = a.baseAddress, let b = b.baseAddress else { return true }
            // Safe: both regions have `byteCount` bytes.
            return sodium_memcmp(a, b, left.byteCount) == 0
        }
    }
}

/// Whether two arrays hold the same bytes, in a time that depends on their lengths only.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    constantTimeEqual(left.span.bytes, right.span.bytes)
}
