/// A value that must not reach a log: it prints as `[scrubbed]`, however it is printed.
///
/// For peers' and users' addresses, host names, stream targets and paths. Not for keys, which are `SecretBytes`.
package struct Sensitive<Value>: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The value itself, for whoever really needs it.
    package let value: Value

    /// Wraps a value.
    package init(_ value: Value) {
        self.value = value
    }

    /// Never the value.
    public var description: String { "[scrubbed]" }
    /// Never the value.
    public var debugDescription: String { "[scrubbed]" }
    /// Nothing to look into.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension Sensitive: Sendable where Value: Sendable {}
extension Sensitive: Equatable where Value: Equatable {}
extension Sensitive: Hashable where Value: Hashable {}
