internal import CellPath
internal import Cells
internal import Circuits
internal import Paths

/// Circuits and streams in the control port's words, as C Tor has them.
extension ClientCircuits {
    /// `GETINFO circuit-status`: one line for each circuit.
    package var circuitStatusLines: [String] {
        entries.values.sorted { $0.key < $1.key }.compactMap { entry in
            guard let pooled = pool.circuits[entry.key], let circuit = entry.circuit else { return nil }
            let state =
                switch pooled.phase {
                case .open: "BUILT"
                case .waitingForGuard: "GUARD_WAIT"
                case .building: circuit.hopCount > 0 ? "EXTENDED" : "LAUNCHED"
                }
            return "\(circuit.id) \(state) \(Self.describe(circuit, pooled))"
        }
    }

    /// `GETINFO stream-status`: one line for each stream.
    package var streamStatusLines: [String] {
        streams.values.sorted { $0.id < $1.id }.compactMap { stream in
            guard let pooled = pool.streams[stream.id] else { return nil }
            let state =
                switch pooled.phase {
                case .waiting: pooled.demand.isResolve ? "NEWRESOLVE" : "NEW"
                case .attached: pooled.demand.isResolve ? "SENTRESOLVE" : "SENTCONNECT"
                case .open: "SUCCEEDED"
                }
            return "\(stream.id) \(state) \(circuitID(of: pooled)) \(Self.target(pooled.demand))"
        }
    }

    /// `GETINFO entry-guards`: one line for each guard of the sample in use.
    package var entryGuardLines: [String] {
        pool.guards.current.guards.map { sampled in
            let name = "$\(sampled.identity.hex)" + (sampled.nickname.isEmpty ? "" : "~\(sampled.nickname)")
            if sampled.confirmedIndex == nil { return "\(name) never-connected" }
            if !sampled.isListed {
                return "\(name) unusable" + (sampled.unlistedSince.map { " \($0)" } ?? "")
            }
            if !sampled.isFiltered { return "\(name) unusable" }
            if sampled.reachability == .no { return "\(name) down" + (sampled.failingSince.map { " \($0)" } ?? "") }
            return "\(name) up"
        }
    }

    func tellCircuit(_ status: String, _ entry: CircuitEntry, _ pooled: PooledCircuit, _ reason: String = "") {
        guard onEvent != nil, let circuit = entry.circuit else { return }
        onEvent?(.circuit("CIRC \(circuit.id) \(status) \(Self.describe(circuit, pooled))\(reason)"))
    }

    func tellStream(_ status: String, _ id: UInt64, _ demand: StreamDemand, circuit: UInt64, _ more: String = "") {
        guard onEvent != nil else { return }
        onEvent?(.stream("STREAM \(id) \(status) \(circuit) \(Self.target(demand))\(more)"))
    }

    func circuitID(of stream: PooledStream?) -> UInt64 {
        stream?.circuit.flatMap { entries[$0]?.circuit?.id } ?? 0
    }

    static func reason(_ ending: CircuitEnding) -> String {
        ending.isRemote ? " REASON=DESTROYED REMOTE_REASON=\(ending.reason)" : " REASON=\(ending.reason)"
    }

    private static func target(_ demand: StreamDemand) -> String {
        "\(demand.host):\(demand.port)"
    }

    private static func describe(_ circuit: any ClientCircuit, _ pooled: PooledCircuit) -> String {
        var words: [String] = []
        let hops = circuit.path.prefix(circuit.hopCount).map { hop in
            "$\(hop.rsaIdentity.hex)" + (hop.nickname.isEmpty ? "" : "~\(hop.nickname)")
        }
        if !hops.isEmpty { words.append(hops.joined(separator: ",")) }
        words.append("BUILD_FLAGS=NEED_CAPACITY" + (pooled.needsStable ? ",NEED_UPTIME" : ""))
        words.append("PURPOSE=\(pooled.isMeasurement ? "MEASURE_TIMEOUT" : "GENERAL")")
        let created = pooled.begun.wall.description.replacing(" ", with: "T")
        words.append("TIME_CREATED=\(created).000000")
        if let username = pooled.isolation.first?.username, !username.isEmpty {
            words.append("SOCKS_USERNAME=\(quoted(username))")
        }
        if let password = pooled.isolation.first?.password, !password.isEmpty {
            words.append("SOCKS_PASSWORD=\(quoted(password))")
        }
        return words.joined(separator: " ")
    }

    /// In quotes, with C's escapes.
    static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): text += "\\\""
            case UInt8(ascii: "\\"): text += "\\\\"
            case UInt8(ascii: "\n"): text += "\\n"
            case UInt8(ascii: "\r"): text += "\\r"
            case UInt8(ascii: "\t"): text += "\\t"
            case 32...126: text += String(UnicodeScalar(byte))
            default:
                let octal = String(byte, radix: 8)
                text += "\\" + String(repeating: "0", count: 3 - octal.utf8.count) + octal
            }
        }
        return text + "\""
    }
}
