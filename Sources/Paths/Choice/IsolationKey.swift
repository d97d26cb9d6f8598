package import Cells

/// In what a stream may differ from others, and must not on one circuit.
package struct IsolationFields: OptionSet, Hashable, Sendable {
    /// One bit for each flag.
    package let rawValue: UInt8

    /// These flags.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// `IsolateDestPort`.
    package static let destinationPort = IsolationFields(rawValue: 1)
    /// `IsolateDestAddr`.
    package static let destinationAddress = IsolationFields(rawValue: 2)
    /// `IsolateSOCKSAuth`.
    package static let socksAuthentication = IsolationFields(rawValue: 4)
    /// `IsolateClientProtocol`.
    package static let clientProtocol = IsolationFields(rawValue: 8)
    /// `IsolateClientAddr`.
    package static let clientAddress = IsolationFields(rawValue: 16)
    /// `SessionGroup`; always on.
    package static let sessionGroup = IsolationFields(rawValue: 32)
    /// Before and after NEWNYM; always on.
    package static let epoch = IsolationFields(rawValue: 64)

    /// What no option turns off.
    package static let always: IsolationFields = [.sessionGroup, .epoch]
}

/// Who asks for a stream, and for what, as far as it decides which streams may share a circuit (tor(1), `SocksPort`).
///
/// Not to be printed: it holds names, addresses and passwords.
package struct IsolationKey: Hashable, Sendable {
    /// In what this stream wants to be alone.
    package var fields: IsolationFields
    /// The port that it goes to.
    package var destinationPort: UInt16
    /// The host that the program asked for, before anything was looked up, in small letters.
    package var destinationHost: String
    /// The program's user name, if it gave one.
    package var username: [UInt8]?
    /// The program's password, if it gave one.
    package var password: [UInt8]?
    /// By what protocol it came, such as "SOCKS5".
    package var clientProtocol: String
    /// From where it came; nil over a Unix socket.
    package var clientAddress: IPAddress?
    /// The port's session group, its own number if the operator gave none.
    package var sessionGroup: Int
    /// How many times NEWNYM was asked for before.
    package var epoch: UInt32

    /// A stream's values.
    package init(
        fields: IsolationFields, destinationPort: UInt16, destinationHost: String, username: [UInt8]? = nil,
        password: [UInt8]? = nil, clientProtocol: String = "SOCKS5", clientAddress: IPAddress? = nil,
        sessionGroup: Int = 0, epoch: UInt32 = 0
    ) {
        self.fields = fields
        self.destinationPort = destinationPort
        self.destinationHost = destinationHost.lowercased()
        self.username = username
        self.password = password
        self.clientProtocol = clientProtocol
        self.clientAddress = clientAddress
        self.sessionGroup = sessionGroup
        self.epoch = epoch
    }

    /// In what two streams differ.
    package func differences(from other: IsolationKey) -> IsolationFields {
        var fields: IsolationFields = []
        if destinationPort != other.destinationPort { fields.insert(.destinationPort) }
        if destinationHost != other.destinationHost { fields.insert(.destinationAddress) }
        if username != other.username || password != other.password { fields.insert(.socksAuthentication) }
        if clientProtocol != other.clientProtocol { fields.insert(.clientProtocol) }
        if clientAddress != other.clientAddress { fields.insert(.clientAddress) }
        if sessionGroup != other.sessionGroup { fields.insert(.sessionGroup) }
        if epoch != other.epoch { fields.insert(.epoch) }
        return fields
    }
}

/// Which streams a circuit has carried, as far as it decides which others it may carry.
package struct CircuitIsolation: Hashable, Sendable {
    /// The first stream; nil while the circuit may carry any.
    package private(set) var first: IsolationKey?
    /// In what later streams differed from it.
    package private(set) var mixed: IsolationFields = []

    /// Nothing carried yet.
    package init() {}

    /// Whether a stream may come along.
    package func accepts(_ key: IsolationKey) -> Bool {
        guard let first else { return true }
        return key.fields.isDisjoint(with: mixed) && key.fields.isDisjoint(with: key.differences(from: first))
    }

    /// In how many further fields the circuit would be mixed; nil if it has carried nothing.
    package func cost(of key: IsolationKey) -> Int? {
        first.map { key.differences(from: $0).subtracting(mixed).rawValue.nonzeroBitCount }
    }

    /// Notes a stream that comes along.
    package mutating func add(_ key: IsolationKey) {
        guard let first else {
            self.first = key
            return
        }
        mixed.formUnion(key.differences(from: first))
    }
}
