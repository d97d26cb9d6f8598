import Cells
import Testing

@testable import Configuration

private let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567"
private let authorityLine = "DirAuthority test orport=5000 v3ident=\(fingerprint) 127.1.0.1:7000 \(fingerprint)\n"
private let testing = "TestingTorNetwork 1\n" + authorityLine

@Suite struct SettingsTests {
    private func settings(
        _ text: String, defaults: String? = nil, commandLine: [String] = []
    ) throws(ConfigurationError) -> Settings {
        try Settings(
            defaults: defaults.map { TorrcFile(path: "defaults", text: $0) },
            torrc: TorrcFile(path: "torrc", text: text),
            commandLine: try CommandLineArguments(commandLine).options,
            environment: ConfigurationEnvironment(home: "/home/me", totalMemory: 4 << 30))
    }

    private func failure(_ text: String) -> String? {
        do throws(ConfigurationError) {
            _ = try settings(text)
            return nil
        } catch {
            return error.description
        }
    }

    private func warnings(_ text: String) throws -> [String] {
        try settings(text).warnings.map(\.description)
    }

    @Test func `an empty torrc is a client`() throws {
        let settings = try settings("")
        #expect(settings.client.socksPorts.map(\.address) == [.tcp(.v4(0x7F00_0001), 9050)])
        #expect(!settings.relay.isRelay && !settings.authority.isAuthority && settings.control.ports.isEmpty)
        #expect(settings.node.dataDirectory == "/home/me/.fanion")
        #expect(settings.node.keyDirectory == "/home/me/.fanion/keys")
        #expect(settings.node.maxMemoryInQueues == 3 << 30)
        #expect(settings.bandwidth.rate == 1 << 30 && settings.bandwidth.relayRate == nil)
        #expect(settings.client.maxCircuitDirtiness == .seconds(600))
        #expect(settings.node.handshakeTimeout == .seconds(60))
        #expect(settings.warnings.isEmpty)
    }

    @Test func `errors name file, line, option and reason`() {
        #expect(failure("Nickname ok\nNoSuch 1") == #"torrc:2: unknown option "NoSuch""#)
        #expect(failure("ExitRelay yes") == #"torrc:1: ExitRelay: "yes" is none of 0, 1 and auto"#)
        #expect(failure("\nNickname not-good") == #"torrc:2: Nickname: "not-good" is not 1 to 19 letters and digits"#)
        #expect(
            failure("ORPort 9001\nBandwidthRate 10 KB\nContactInfo me")
                == "torrc:2: BandwidthRate: 10240 bytes per second; a relay needs at least 76800")
        #expect(failure("UseBridges 1")?.hasPrefix("torrc:1: UseBridges: refused") == true)
        #expect(failure("UseBridges 0") == nil)
    }

    @Test(arguments: [
        "BandwidthRate 3 GB", "BandwidthRate 100 KB\nBandwidthBurst 50 KB",
        "RelayBandwidthRate 200 KB\nRelayBandwidthBurst 100 KB",
        "ORPort 9001 NoListen NoAdvertise", "ORPort 9001 IPv4Only IPv6Only", "ORPort 9001\nORPort 0",
        "ORPort 9001 NoListen",
        "ORPort 9001 NoAdvertise", "ORPort [::1]:9001", "ORPort 70000", "ORPort 1.2.3.4", "ORPort unix:/x",
        "DirPort 80\nDirPort 81", "DirPort 80\nDirCache 0", "ControlPort 1.2.3.4:9051", "SocksPort 9050 IsolateDestPrt",
        "SocksPort 9050 SessionGroup=x", "SocksPort 9050 SessionGroup=1 SessionGroup=2", "SocksPort 9050 GroupWritable",
        "SocksPort 9050 NoIPv4Traffic NoIPv6Traffic", "SocksPort 9050 NoIsolateSOCKSAuth KeepAliveIsolateSOCKSAuth",
        "EntryNodes {de}", "ExitNodes a-b", "EntryNodes a\nUseEntryGuards 0", "NumEntryGuards 4\nNumPrimaryGuards 2",
        "HashedControlPassword 16:AB", "Log loud", "Log debug-err syslog", "Log err-debug", "Log notice file",
        "TestingTorNetwork 1", "TestingV3AuthInitialVotingInterval 10 minutes", "ClientDNSRejectInternalAddresses 0",
        "FetchDirInfoExtraEarly 1", "KeepalivePeriod 0", "ConnLimit 0", "CircuitsAvailableTimeout 2 days",
        "MaxClientCircuitsPending 0", "OutboundBindAddress 1.2.3.4\nOutboundBindAddress 1.2.3.5",
        "OutboundBindAddress host.example", "AuthoritativeDirectory 1",
        "V3AuthoritativeDirectory 1\nAuthoritativeDirectory 1",
        "ExitPolicy accept 1.2.3.4/33:*", "ExitPolicy allow *:*", "ExitPolicy accept *:0", "ExitPolicy accept *:90-80",
        "ExitPolicy accept6 1.2.3.4:80", "ExitPolicy accept 10.0.0.0/255.0.255.0:*", "ConsensusParams x=y",
        "DirAuthority 127.0.0.1:80", "DirAuthority test 127.0.0.1:80 ABCD", "DirAuthority test [::1]:80 \(fingerprint)",
        "PublishServerDescriptor sometimes", "SafeLogging maybe", "MyFamily $12", "SigningKeyLifetime 1 hour",
        "AssumeReachable 1\nAssumeReachableIPv6 0", "LongLivedPorts 21,x", "HiddenServiceDir /x", "Sandbox 1",
        "NumCPUs -1", "NumCPUs many", "SocksTimeout 5 parsecs", "ControlSocket", "ClientTransportPlugin obfs4 exec /x",
    ])
    func `what cannot work is refused`(text: String) {
        if text == "ControlSocket" {
            #expect(failure(text) == nil)
        } else {
            #expect(failure(text) != nil)
        }
    }

    @Test func `later sources replace lists unless they append`() throws {
        let defaults = "ExitPolicy accept *:1\nLog notice stdout"
        func ports(_ torrc: String, _ commandLine: [String] = []) throws -> [Int] {
            try settings(torrc, defaults: defaults, commandLine: commandLine).exit.policy.compactMap {
                Int($0.dropFirst("accept *:".count))
            }
        }
        #expect(try ports("") == [1])
        #expect(try ports("ExitPolicy accept *:2\nExitPolicy accept *:3") == [2, 3])
        #expect(try ports("+ExitPolicy accept *:2") == [1, 2])
        #expect(try ports("/ExitPolicy") == [])
        #expect(try ports("ExitPolicy accept *:2", ["--ExitPolicy", "accept *:4"]) == [4])
        #expect(try ports("ExitPolicy accept *:2", ["--+ExitPolicy", "accept *:4"]) == [2, 4])
        #expect(try ports("", ["--/ExitPolicy"]) == [])
    }

    @Test func `an empty value clears and does not restore the default`() throws {
        #expect(try !settings("ExitPolicyRejectPrivate").exit.rejectsPrivate)
        #expect(try warnings("Log").contains("torrc:1: Log: no value; the line is skipped"))
    }

    @Test func `warnings come once and say why`() throws {
        #expect(try warnings("HeartbeatPeriod 1 hour\nHeartbeatPeriod 2 hours").count == 1)
        #expect(
            try warnings("Nickname a\nNickname b")
                == ["torrc:2: Nickname: given more than once; only the last value counts"])
        #expect(try warnings("AllowDotExit 1") == ["torrc:1: AllowDotExit: obsolete and skipped"])
        #expect(try warnings("MaxCircuitDirti 5")[0].contains("abbreviation"))
    }

    @Test func `ORPort listens on both families unless it says otherwise`() throws {
        let both = try settings("ORPort 9001\nContactInfo me")
        #expect(both.relay.orPorts.map(\.address) == [.tcp(.v4(0), 9001), .tcp(IPAddress.v6(high: 0, low: 0), 9001)])
        #expect(both.relay.isRelay && both.relay.nickname == "Unnamed")
        let one = try settings("ORPort 127.0.0.1:9001 NoAdvertise\nORPort 1.2.3.4:443 NoListen\nContactInfo me")
        #expect(one.relay.orPorts.map(\.listens) == [true, false])
        #expect(one.relay.orPorts.map(\.advertises) == [false, true])
        #expect(try settings("ORPort 9001 IPv4Only").relay.orPorts.count == 1)
        #expect(try settings("ORPort auto").relay.orPorts[0].address == .tcp(.v4(0), nil))
        #expect(try !settings("ORPort 9001\nClientOnly 1").relay.isRelay)
        let explicit = try settings("ORPort 9001\nORPort 1.2.3.4:9001")
        #expect(
            explicit.relay.orPorts.map(\.address) == [
                .tcp(.v4(0x0102_0304), 9001), .tcp(IPAddress.v6(high: 0, low: 0), 9001),
            ])
    }

    @Test func `SocksPort has isolation and traffic flags`() throws {
        let port = try settings(
            "SocksPort 127.0.0.2:auto IsolateDestPorts NoIsolateClientAddr SessionGroup=3 PreferIPv6 NoDNSRequest ExtendedErrors"
        ).client.socksPorts[0]
        #expect(port.address == .tcp(.v4(0x7F00_0002), nil))
        #expect(port.isolation == [.socksAuthentication, .destinationPort])
        #expect(port.sessionGroup == 3 && port.prefersIPv6 && !port.allowsDNS && port.extendedErrors)
        let unix = try settings("SocksPort unix:\"/a b/c\" GroupWritable").client.socksPorts[0]
        #expect(unix.address == .unix("/a b/c") && unix.access.isGroupWritable)
        #expect(unix.isolation == [.socksAuthentication])
        #expect(try settings("SocksPort 0").client.socksPorts.isEmpty)
        #expect(try settings("SocksPort localhost:9150").client.socksPorts[0].address == .tcp(.v4(0x7F00_0001), 9150))
        #expect(try settings("SocksPort 9050 NoIsolateSOCKSAuth").client.socksPorts[0].prefersNoAuthentication)
        #expect(try warnings("SocksPort 0.0.0.0:9050").count == 1)
        #expect(try warnings("SocksPort 8.8.8.8:9050")[0].contains("public address"))
    }

    @Test func `control ports need authentication when others can reach them`() throws {
        let hash = "16:872860B76453A77D60CA2BB8C1A7042072093276A3D701AD684053EC4C"
        let control = try settings(
            "ControlPort 9051\nControlSocket /run/c WorldWritable\nHashedControlPassword \(hash)"
        ).control
        #expect(control.ports.map(\.address) == [.tcp(.v4(0x7F00_0001), 9051), .unix("/run/c")])
        #expect(control.ports[1].access.isWorldWritable)
        #expect(control.hashedPasswords[0].text == hash)
        #expect(control.hashedPasswords[0].byteCount == 65536)
        #expect(try settings("ControlPort 0.0.0.0:9051\nCookieAuthentication 1").control.ports.count == 1)
    }

    @Test func `node lists hold fingerprints, nicknames and address patterns`() throws {
        let client = try settings(
            "ExcludeNodes $\(fingerprint)~abc, Bad, 10.0.0.0/8\nExcludeExitNodes [fc00::]/7, \(fingerprint)"
        ).client
        let identity = try #require(RSAIdentity(hex: fingerprint))
        let other = try #require(RSAIdentity(hex: String(fingerprint.reversed())))
        let list = client.excludedNodes
        #expect(list.contains(identity: identity, nickname: "x", address: .v4(1), port: 1))
        #expect(list.contains(identity: other, nickname: "bAD", address: .v4(1), port: 1))
        #expect(list.contains(identity: other, nickname: "x", address: .v4(0x0A01_0203), port: 1))
        #expect(!list.contains(identity: other, nickname: "x", address: .v4(0x0B01_0203), port: 1))
        #expect(client.excludedExitNodes.contains(identity: other, nickname: "bad", address: .v4(1), port: 1))
        #expect(client.excludedExitNodes.addresses.count == 2)
        #expect(client.excludedNodes.nicknames == ["bad"])
    }

    @Test func `a testing network changes defaults but not what is said`() throws {
        let plain = try settings(testing)
        #expect(plain.relay.extendsToPrivateAddresses && !plain.exit.rejectsPrivate)
        #expect(!plain.client.enforcesDistinctSubnets && plain.authority.votingInterval == .seconds(300))
        #expect(plain.authority.maxRelaysPerAddress == nil && plain.directory.allowsPrivateAddresses)
        let said = try settings(testing + "EnforceDistinctSubnets 1\nTestingFanionHandshakeTimeout 500 msec")
        #expect(said.client.enforcesDistinctSubnets && said.node.handshakeTimeout == .milliseconds(500))
        #expect(said.directory.authorities[0].v3Identity == RSAIdentity(hex: fingerprint))
        #expect(said.directory.authorities[0].orPort == 5000)
    }

    @Test func `an authority needs ports, an address and a sound schedule`() throws {
        let authority =
            testing + """
                AuthoritativeDirectory 1
                V3AuthoritativeDirectory 1
                ORPort 127.1.0.1:5000
                DirPort 127.1.0.1:7000
                Nickname auth1
                V3AuthVotingInterval 20 seconds
                V3AuthVoteDelay 4 seconds
                V3AuthDistDelay 4 seconds
                TestingV3AuthInitialVotingInterval 20 seconds
                TestingV3AuthInitialVoteDelay 4 seconds
                TestingV3AuthInitialDistDelay 4 seconds
                ConsensusParams b=2 a=-1
                TestingDirAuthVoteExit *
                TestingFanionConsensusMethods 33,32

                """
        let read = try settings(authority)
        #expect(read.authority.isAuthority && !read.client.usesEntryGuards)
        #expect(read.authority.consensusParameters.map(\.name) == ["a", "b"])
        #expect(read.authority.consensusMethods == [32, 33])
        #expect(read.authority.votedExits.nodes.addresses.count == 2)
        #expect(failure(authority + "V3AuthVoteDelay 6 seconds\nV3AuthDistDelay 5 seconds") != nil)
        #expect(failure(authority + "/DirPort")?.contains("needs a DirPort") == true)
        #expect(failure(authority + "TestingV3AuthInitialVotingInterval 21 seconds") != nil)
        #expect(failure(authority + "V3AuthVoteDelay 1 seconds") != nil)
        #expect(failure(authority + "V3AuthNIntervalsValid 1") != nil)
    }

    @Test func `logs go where they are sent`() throws {
        let logs = try settings("Log notice\nLog info-warn file ~/a b\nLog [*]debug stderr").node.logs
        #expect(
            logs == [
                LogDestination(severities: .error ... .notice, place: .standardOutput),
                LogDestination(severities: .warning ... .info, place: .file("/home/me/a b")),
                LogDestination(severities: .error ... .debug, place: .standardError),
            ])
    }

    @Test func `outbound addresses are chosen by family and purpose`() throws {
        let node = try settings(
            "OutboundBindAddress 127.3.0.1\nOutboundBindAddressExit 127.4.0.1\nOutboundBindAddress ::1"
        ).node
        #expect(node.outboundAddresses.forChannel(to: .v4(1)) == .v4(0x7F03_0001))
        #expect(node.outboundAddresses.forExitStream(to: .v4(1)) == .v4(0x7F04_0001))
        #expect(
            node.outboundAddresses.forExitStream(to: IPAddress.v6(high: 0, low: 2)) == IPAddress.v6(high: 0, low: 1))
    }

    @Test func `some options cannot change at run time`() throws {
        let old = try settings("DataDirectory /a\nContactInfo x")
        #expect(throws: Never.self) { try settings("DataDirectory /a\nContactInfo y").checkTransition(from: old) }
        let failure = #expect(throws: ConfigurationError.self) {
            try settings("DataDirectory /b").checkTransition(from: old)
        }
        #expect(failure?.option == "DataDirectory")
    }

    @Test func `bandwidth limits raise each other as in C Tor`() throws {
        let bandwidth = try settings("BandwidthRate 2 GB\nBandwidthBurst 2 GB\nRelayBandwidthRate 1 MB").bandwidth
        #expect(bandwidth.rate == Int(Int32.max) && bandwidth.relayBurst == 1 << 20)
        #expect(try settings("PerConnBWRate 1 MB").bandwidth.perConnectionBurst == 1 << 20)
    }

    @Test func `PluginBring says what, where and how much it matters`() throws {
        let lines = """
            PluginBring org.example.one
            PluginBring org.example.two hop=middle required  some bytes hop=guard
            PluginBring org.example.three preferred hop=all
            PluginStrictCircuits 1
            """
        let plugins = try settings(lines).plugins
        #expect(
            plugins.brings == [
                .init(name: "org.example.one", place: "exit", isRequired: false, arguments: ""),
                .init(name: "org.example.two", place: "middle", isRequired: true, arguments: "some bytes hop=guard"),
                .init(name: "org.example.three", place: "all", isRequired: false, arguments: ""),
            ])
        #expect(plugins.hasStrictCircuits && !plugins.takesAny)
        for wrong in [
            "PluginBring org.example.one hop=nowhere", "TestingFanionAnyPlugin 1",
            "PluginBring org.example.one " + String(repeating: "a", count: 256),
        ] {
            #expect(throws: ConfigurationError.self) { try settings(wrong) }
        }
    }
}
