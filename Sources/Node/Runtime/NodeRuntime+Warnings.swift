internal import Cells
internal import Channels
internal import Configuration
package import Directory
internal import Logging
internal import Synchronization
internal import Transport

extension NodeRuntime {
    /// Has the operator told, once for each list, what the network demands of nodes like this and we do not speak.
    ///
    /// C Tor ends then, if the consensus is younger than itself. We go on: what we lack is not what we list, so nobody asks us.
    package func watchDemands(_ ours: ProtocolList) {
        let told = Told()
        let isRelay = settings.relay.isRelay
        store.subscribe { [weak self] change in
            guard let self, change == .consensus(.microdesc), let consensus = store.snapshot.consensus(.microdesc)
            else {
                return
            }
            var lists = [("client", consensus.requiredClientProtocols)]
            if isRelay { lists.append(("relay", consensus.requiredRelayProtocols)) }
            for (role, list) in lists {
                guard let required = list.flatMap({ ProtocolList($0.description) }),
                    let missing = required.lacking(in: ours),
                    told.lists.withLock({ $0.insert("\(role) \(missing)").inserted })
                else { continue }
                logger.warning(
                    """
                    the network demands of every \(role) subprotocols that this version does not speak; it goes on without them
                    """, metadata: ["missing": "\(missing)"])
            }
        }
    }

    /// What to do with what the other end of a new channel says of our clock: an authority's word is a warning, once an hour.
    func skewWatch() -> @Sendable (OpenChannel) -> Void {
        let authorities = Set(settings.directory.authorities.map(\.identity))
        let told = Told()
        let logger = self.logger
        return { peer in
            guard peer.isInitiator, let skew = peer.clockSkew, let identity = peer.rsaIdentity,
                authorities.contains(identity)
            else { return }
            let now = WallTime.now
            let isDue = told.last.withLock { last in
                if let time = last, now - time < 3_600, now >= time { return false }
                last = now
                return true
            }
            guard isDue else { return }
            logger.warning(
                """
                our clock is \(abs(skew)) seconds \(skew > 0 ? "ahead of" : "behind") a directory authority's (NETINFO); \
                Tor needs an accurate clock to work: check time, time zone and date
                """)
        }
    }
}

/// What the operator has been told already.
private final class Told: Sendable {
    let lists = Mutex<Set<String>>([])
    let last = Mutex<WallTime?>(nil)
}

extension ProtocolList {
    /// What is here and not in another list; nil if that is nothing.
    package func lacking(in other: ProtocolList) -> ProtocolList? {
        let missing = names.compactMap { name in
            let versions = versions(name) & ~other.versions(name)
            return versions == 0 ? nil : (name: name, versions: versions)
        }
        return missing.isEmpty ? nil : ProtocolList(missing)
    }
}
