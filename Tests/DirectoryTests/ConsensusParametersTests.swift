import Directory
import Testing

@Suite struct ConsensusParametersTests {
    @Test func `a line must be sorted, unique, and of 32-bit values`() {
        #expect(ConsensusParameters(arguments: ["a=1", "b=-2147483648"])?["b"] == Int32.min)
        #expect(ConsensusParameters(arguments: ["a=1", "b=-2147483648"])?.text == "a=1 b=-2147483648")
        for bad: [ByteText] in [
            ["b=1", "a=1"], ["a=1", "a=2"], ["a=1", "a=1"], ["a"], ["a=2147483648"], ["a=1x"], ["a="],
        ] {
            #expect(ConsensusParameters(arguments: bad) == nil)
        }
        #expect(ConsensusParameters(["b": 1, "a-b": 2, "a": 3]).text == "a-b=2 a=3 b=1")
    }

    @Test func `a value is pressed into its range`() {
        let parameters = ConsensusParameters(["low": -9, "high": 99])
        #expect(parameters.value("low", default: 1, in: 0...10) == 0)
        #expect(parameters.value("high", default: 1, in: 0...10) == 10)
        #expect(parameters.value("none", default: 1, in: 0...10) == 1)
    }

    @Test func `the consensus has the low median of what enough authorities vote for`() {
        let votes = [
            ConsensusParameters(["a": 5, "b": 1, "c": 9]), ConsensusParameters(["a": 1, "b": 2]),
            ConsensusParameters(["a": 3]), ConsensusParameters(["a": 2, "a-b": 4]), ConsensusParameters(["a-b": 3]),
        ]
        // Of five authorities it takes three; "a-b=" is sorted before "a=".
        #expect(ConsensusParameters.consensus(of: votes, authorityCount: 5).text == "a=2")
        #expect(ConsensusParameters.consensus(of: votes, authorityCount: 3).text == "a-b=3 a=2 b=1")
        // Three are enough of however many.
        #expect(ConsensusParameters.consensus(of: votes, authorityCount: 99).text == "a=2")
    }
}
