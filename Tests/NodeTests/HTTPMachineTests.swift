import Cells
import Testing

@testable import Node

@Suite struct HTTPMachineTests {
    /// Feeds text in pieces of `size`; all actions but `wait`.
    private func request(_ text: String, pieces size: Int) -> [HTTPRequestMachine.ReceiveAction] {
        var machine = HTTPRequestMachine()
        var actions: [HTTPRequestMachine.ReceiveAction] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let action = machine.receive(Array(rest.prefix(size)).span.bytes)
            if action != .wait { actions.append(action) }
            rest = rest.dropFirst(size)
        }
        return actions
    }

    private func response(_ text: String, pieces size: Int) -> [HTTPResponseMachine.ReceiveAction] {
        var machine = HTTPResponseMachine()
        var actions: [HTTPResponseMachine.ReceiveAction] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let action = machine.receive(Array(rest.prefix(size)).span.bytes)
            if action != .wait { actions.append(action) }
            rest = rest.dropFirst(size)
        }
        let action = machine.receiveEnd()
        if action != .ignore { actions.append(action) }
        return actions
    }

    @Test(arguments: [1, 2, 7, 1000])
    func `a request as C Tor sends it is read whatever its pieces`(size: Int) {
        let text =
            "GET /tor/status-vote/current/consensus-microdesc/14C131.z HTTP/1.0\r\nHost: 127.0.0.1:7000\r\n"
            + "Accept-Encoding: x-tor-lzma, x-zstd, deflate, gzip, identity\r\n\r\n"
        var expected = HTTPRequest(.get, "/tor/status-vote/current/consensus-microdesc/14C131.z")
        expected.headers.append("Host", "127.0.0.1:7000")
        expected.headers.append("Accept-Encoding", "x-tor-lzma, x-zstd, deflate, gzip, identity")
        #expect(request(text, pieces: size) == [.handle(expected)])
        #expect(String(decoding: expected.encode(), as: UTF8.self) == text)
    }

    @Test(arguments: [1, 5, 1000])
    func `an upload is whole when its length has come, and what follows is ignored`(size: Int) {
        let text = "POST /tor/ HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello"
        var expected = HTTPRequest(.post, "/tor/", body: Array("hello".utf8))
        expected.headers.append("Content-Length", "5")
        #expect(request(text, pieces: size) == [.handle(expected)])
        #expect(request(text + "x", pieces: text.utf8.count) == [.handle(expected), .ignore])
    }

    @Test func `what is no request of a directory client is refused or closed`() {
        let close: [(String, HTTPError)] = [
            ("PUT /tor/ HTTP/1.0\r\n\r\n", .malformedFirstLine),
            ("\r\n\r\n", .malformedFirstLine),
            ("GET /tor/ HTTP/1.0\r\nno header\r\n\r\n", .malformedHeader),
            ("GET /tor/ HTTP/1.0\r\n: x\r\n\r\n", .malformedHeader),
            ("GET /tor/ HTTP/1.0\nHost: x\r\n\r\n", .malformedHeader),
            ("GET /tor/\u{0} HTTP/1.0\r\n\r\n", .malformedHeader),
            ("POST /tor/ HTTP/1.0\r\nContent-Length: -1\r\n\r\n", .badContentLength),
            ("POST /tor/ HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .badContentLength),
            ("POST /tor/ HTTP/1.0\r\nContent-Length: 16777216\r\n\r\n", .bodyTooLong),
            (String(repeating: "x", count: HTTPLimits.headLength + 1), .headTooLong),
        ]
        for (text, error) in close { #expect(request(text, pieces: 100_000) == [.close(error)], "\(text.prefix(60))") }
        for text in ["GET /tor/\r\n\r\n", "GET /tor/ HTTP/2.0\r\n\r\n", "GET  HTTP/1.0\r\n\r\n"] {
            #expect(request(text, pieces: 1000) == [.refuse(.malformedFirstLine)])
        }
        #expect(request("POST /tor/ HTTP/1.0\r\n\r\n", pieces: 1000) == [.refuse(.badContentLength)])
    }

    @Test(arguments: [1, 3, 1000])
    func `a response without a length ends when the server closes`(size: Int) {
        let text = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: identity\r\n\r\nbody\n"
        var expected = HTTPResponse(200, "OK", body: Array("body\n".utf8))
        expected.headers.append("Content-Type", "text/plain")
        expected.headers.append("Content-Encoding", "identity")
        #expect(response(text, pieces: size) == [.handle(expected)])
        #expect(expected.headers["content-ENCODING"] == "identity")
        #expect(String(decoding: expected.encodeHead() + expected.body, as: UTF8.self) == text)
    }

    @Test func `a response that is cut off is an error, or a part if that is of use`() {
        let head = "HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n"
        #expect(response(head + "12345", pieces: 1000) == [.fail(.truncated)])
        #expect(response("HTTP/1.0 200 O", pieces: 1000) == [.fail(.truncated)])
        var machine = HTTPResponseMachine()
        #expect(machine.receive(Array((head + "12345").utf8).span.bytes) == .wait)
        guard case .handle(let part) = machine.receiveEnd(allowsPartial: true) else {
            Issue.record("no part")
            return
        }
        #expect(part.body == Array("12345".utf8))
    }

    @Test func `bodies over the limit and odd status lines are errors`() {
        var machine = HTTPResponseMachine(bodyLimit: 4)
        #expect(machine.receive(Array("HTTP/1.0 200 OK\r\n\r\n12345".utf8).span.bytes) == .fail(.bodyTooLong))
        for line in ["HTTP/1.2 200 OK", "HTTP/1.0 99 no", "HTTP/1.0 abc no", "SSH-2.0", "HTTP/1.0 600 no"] {
            #expect(response(line + "\r\n\r\n", pieces: 1000) == [.fail(.malformedFirstLine)])
        }
    }

    @Test func `line breaks in values and reasons never become headers of their own`() {
        var response = HTTPResponse(400, "no\r\nX: y")
        response.headers.append("A", "b\r\nC: d")
        #expect(
            String(decoding: response.encodeHead(), as: UTF8.self) == "HTTP/1.0 400 no  X: y\r\nA: b  C: d\r\n\r\n")
    }

    @Test func `dates are written and read as RFC 9110 has them`() throws {
        let time = try #require(WallTime(text: "1994-11-06 08:49:37"))
        #expect(HTTPDate.format(time) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == time)
        #expect(HTTPDate.format(WallTime(seconds: 0)) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate.format(WallTime(seconds: -1)) == "Wed, 31 Dec 1969 23:59:59 GMT")
        for text in [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 32 Nov 1994 08:49:37 GMT",
        ] {
            #expect(HTTPDate.parse(text) == nil)
        }
    }
}
