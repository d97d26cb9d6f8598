import Directory
import Testing

@testable import Node

@Suite struct NetworkDemandsTests {
    @Test func `what is demanded and not spoken is found, version by version`() {
        let ours: ProtocolList = "Link=4-5 Relay=2,4 Padding=2"
        #expect(("Link=4 Relay=2" as ProtocolList).lacking(in: ours) == nil)
        #expect(("HSDir=2 Link=3-5 Relay=2-4" as ProtocolList).lacking(in: ours) == "HSDir=2 Link=3 Relay=3")
    }

    @Test func `onion keys live as long as the network says, within bounds`() {
        #expect(
            OnionKeySchedule(ConsensusParameters()) == OnionKeySchedule(lifetime: 28 * 86_400, gracePeriod: 7 * 86_400))
        let short = OnionKeySchedule(ConsensusParameters(["onion-key-rotation-days": 3]))
        #expect(short == OnionKeySchedule(lifetime: 3 * 86_400, gracePeriod: 3 * 86_400))
        let odd = OnionKeySchedule(
            ConsensusParameters(["onion-key-rotation-days": 400, "onion-key-grace-period-days": 0]))
        #expect(odd == OnionKeySchedule(lifetime: 90 * 86_400, gracePeriod: 86_400))
    }
}
