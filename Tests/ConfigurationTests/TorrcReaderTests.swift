import Testing

@testable import Configuration

@Suite struct TorrcReaderTests {
    private func lines(_ text: String, include: IncludeReader? = nil) throws(ConfigurationError) -> [TorrcLine] {
        try TorrcReader.lines(of: TorrcFile(path: "torrc", text: text), include: include)
    }

    private func pairs(_ text: String) throws -> [String] {
        try lines(text).map { "\($0.key)=\($0.value)" }
    }

    @Test func `keys and values are told apart by blanks`() throws {
        #expect(try pairs("A b\n  C\t d e  \nF\n\n#x\nG h # i\r\nJ k\r\n") == ["A=b", "C=d e", "F=", "G=h", "J=k"])
        #expect(try pairs("A b") == ["A=b"])
        #expect(try pairs("") == [])
        #expect(try pairs("# only a comment") == [])
    }

    @Test func `a backslash continues a value, also across comment lines`() throws {
        #expect(try pairs("A b \\\n  c\\\nd\nE f") == ["A=b   cd", "E=f"])
        #expect(try pairs("A b, \\\n# not this\n  c\nE f") == ["A=b,   c", "E=f"])
        #expect(try pairs("A b # comment \\\nE f") == ["A=b", "E=f"])
        #expect(try pairs("A\\\nb") == ["A=b"])
    }

    @Test func `a quoted value is a C string literal`() throws {
        #expect(try pairs(#"A "b # c" # d"#) == ["A=b # c"])
        #expect(try pairs(#"A "\x41\102\t\"\\\'\n""#) == ["A=AB\t\"\\'\n"])
        #expect(try pairs("A \"b\"\r\nC d") == ["A=b", "C=d"])
        for bad in [
            #"A "b"#, #"A "b" c"#, #"A "\q""#, #"A "\xZ1""#, #"A "\777""#, "A \"b\nc\"", #"A "\x00""#, #"A "\xff""#,
        ] {
            #expect(throws: ConfigurationError.self) { try lines(bad) }
        }
    }

    @Test func `plus appends and slash clears`() throws {
        let read = try lines("+A b\n/C d\nE f")
        #expect(read.map(\.command) == [.append, .clear, .set])
        #expect(read.map(\.value) == ["b", "", "f"])
        #expect(read.map(\.key) == ["A", "C", "E"])
    }

    @Test func `lines know where they stand`() throws {
        let read = try lines("A b\n\n# c\nD e \\\n f\nG h")
        #expect(read.map(\.location.line) == [1, 4, 6])
        #expect("\(read[2].location)" == "torrc:6")
    }

    @Test func `includes are read in place, and may include`() throws {
        let include: IncludeReader = { (pattern) throws(IncludeFailure) -> [TorrcFile] in
            switch pattern {
            case "d": [TorrcFile(path: "d/1", text: "B 1\n%include e"), TorrcFile(path: "d/2", text: "D 3")]
            case "e": [TorrcFile(path: "e", text: "C 2")]
            default: throw IncludeFailure("no such file")
            }
        }
        let read = try lines("A 0\n%include d\nE 4", include: include)
        #expect(
            read.map { "\($0.key)=\($0.value)@\($0.location)" } == [
                "A=0@torrc:1", "B=1@d/1:1", "C=2@e:1", "D=3@d/2:1", "E=4@torrc:3",
            ])
        let failure = #expect(throws: ConfigurationError.self) { try lines("A 0\n%include x", include: include) }
        #expect(failure?.description == #"torrc:2: %include: cannot read "x": no such file"#)
    }

    @Test func `a loop of includes ends with an error`() {
        let include: IncludeReader = { (pattern) throws(IncludeFailure) in
            [TorrcFile(path: pattern, text: "%include \(pattern)")]
        }
        let failure = #expect(throws: ConfigurationError.self) { try lines("%include a", include: include) }
        #expect(failure?.reason == "more than 31 nested %includes")
    }

    @Test func `bytes that are not UTF-8 are refused in values and allowed in comments`() throws {
        let comment = TorrcFile(path: "t", bytes: [0x23, 0xFF, 0x0A, 0x41, 0x20, 0x62])
        #expect(try TorrcReader.lines(of: comment, include: nil).count == 1)
        let value = TorrcFile(path: "t", bytes: [0x41, 0x20, 0xFF])
        #expect(throws: ConfigurationError.self) { try TorrcReader.lines(of: value, include: nil) }
    }
}
