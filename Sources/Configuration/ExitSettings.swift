/// What a relay lets out: the exit policy's lines, which `Directory` completes, and how names are resolved.
package struct ExitSettings: Sendable {
    /// `ExitRelay`; `nil` is auto: an exit only if another option asks for it.
    package let exitRelay: Bool?
    /// `ExitPolicy`: the values of its lines, each with one or more valid rules between commas.
    package let policy: [String]
    /// `ReducedExitPolicy`.
    package let reducedPolicy: Bool
    /// `IPv6Exit`.
    package let ipv6Exit: Bool
    /// `ExitPolicyRejectPrivate`.
    package let rejectsPrivate: Bool
    /// `ExitPolicyRejectLocalInterfaces`.
    package let rejectsLocalInterfaces: Bool
    /// `ServerDNS...`.
    package let dns: ServerDNSSettings

    /// Whether streams may leave here at all.
    package var isExit: Bool {
        exitRelay != false && (exitRelay == true || !policy.isEmpty || reducedPolicy || ipv6Exit)
    }
}

/// How an exit asks for names.
package struct ServerDNSSettings: Sendable {
    /// `ServerDNSResolvConfFile`; `nil` is the system's.
    package let resolvConfFile: String?
    /// `ServerDNSAllowBrokenConfig`: start although no name server can be found.
    package let allowsBrokenConfiguration: Bool
    /// `ServerDNSSearchDomains`.
    package let searchesDomains: Bool
    /// `ServerDNSDetectHijacking`.
    package let detectsHijacking: Bool
    /// `ServerDNSTestAddresses`.
    package let testAddresses: [String]
    /// `ServerDNSAllowNonRFC953Hostnames`.
    package let allowsOddNames: Bool
    /// `ServerDNSRandomizeCase`.
    package let randomizesCase: Bool

    init(_ values: OptionValues) {
        resolvConfFile = values.text("ServerDNSResolvConfFile")
        allowsBrokenConfiguration = values.flag("ServerDNSAllowBrokenConfig")
        searchesDomains = values.flag("ServerDNSSearchDomains")
        detectsHijacking = values.flag("ServerDNSDetectHijacking")
        testAddresses = values.list("ServerDNSTestAddresses")
        allowsOddNames = values.flag("ServerDNSAllowNonRFC953Hostnames")
        randomizesCase = values.flag("ServerDNSRandomizeCase")
    }
}

extension ExitSettings {
    init(_ values: OptionValues) throws(ConfigurationError) {
        for line in values.lines("ExitPolicy") {
            for item in line.value.split(separator: ",") where !trimmed(item).isEmpty {
                if case .failure(let failure) = AddressRule.read(trimmed(item)) {
                    throw ConfigurationError(location: line.location, option: "ExitPolicy", reason: failure.reason)
                }
            }
        }
        policy = values.lines("ExitPolicy").map(\.value)
        exitRelay = values.autoFlag("ExitRelay")
        reducedPolicy = values.flag("ReducedExitPolicy")
        ipv6Exit = values.flag("IPv6Exit")
        rejectsPrivate = values.flag("ExitPolicyRejectPrivate")
        rejectsLocalInterfaces = values.flag("ExitPolicyRejectLocalInterfaces")
        dns = ServerDNSSettings(values)
    }
}
