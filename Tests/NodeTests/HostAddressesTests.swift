import Cells
import Node
import Testing

@Suite struct HostAddressesTests {
    @Test func `a name of this machine is found, and one that cannot be is nothing`() {
        let found = HostAddresses.lookUp("localhost")
        #expect(found.contains { $0.isLoopback })
        #expect(HostAddresses.lookUp("no such name").isEmpty)
    }
}
