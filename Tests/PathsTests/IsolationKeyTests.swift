import Cells
import Paths
import Testing

struct IsolationKeyTests {
    private func key(
        _ fields: IsolationFields = [.clientAddress, .socksAuthentication, .sessionGroup, .epoch], port: UInt16 = 80,
        host: String = "a.example", user: String? = nil, group: Int = 0, from: String = "127.0.0.1", epoch: UInt32 = 0
    ) -> IsolationKey {
        IsolationKey(
            fields: fields, destinationPort: port, destinationHost: host, username: user.map { Array($0.utf8) },
            password: user.map { _ in [] }, clientAddress: IPAddress(from), sessionGroup: group, epoch: epoch)
    }

    @Test func `streams share a circuit unless they are isolated`() {
        var circuit = CircuitIsolation()
        #expect(circuit.accepts(key()))
        #expect(circuit.cost(of: key()) == nil)
        circuit.add(key())
        #expect(circuit.accepts(key(port: 443, host: "b.example")))
        #expect(!circuit.accepts(key(user: "alice")))
        #expect(!circuit.accepts(key(group: 1)))
        #expect(!circuit.accepts(key(from: "127.0.0.2")))
        #expect(!circuit.accepts(key(epoch: 1)))
    }

    @Test func `an empty user name is not none`() {
        var circuit = CircuitIsolation()
        circuit.add(key(user: ""))
        #expect(circuit.accepts(key(user: "")))
        #expect(!circuit.accepts(key()))
    }

    @Test func `a stream that wants to be alone avoids a mixed circuit`() {
        var circuit = CircuitIsolation()
        circuit.add(key(port: 80))
        #expect(circuit.accepts(key([.destinationPort], port: 80)))
        #expect(circuit.cost(of: key(port: 443)) == 1)
        circuit.add(key(port: 443))
        // The first stream went to port 80, but another did not.
        #expect(!circuit.accepts(key([.destinationPort], port: 80)))
        #expect(circuit.accepts(key([.destinationAddress], port: 80)))
        #expect(circuit.cost(of: key(port: 22)) == 0)
    }

    @Test func `host names are compared without regard to case`() {
        var circuit = CircuitIsolation()
        circuit.add(key([.destinationAddress], host: "A.example"))
        #expect(circuit.accepts(key([.destinationAddress], host: "a.EXAMPLE")))
        #expect(!circuit.accepts(key([.destinationAddress], host: "b.example")))
    }
}
