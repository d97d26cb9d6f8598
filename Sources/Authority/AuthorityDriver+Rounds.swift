internal import Cells
internal import Configuration
internal import Directory
internal import Logging
internal import NIOCore
internal import Node
internal import OnionCrypto
internal import Synchronization

extension AuthorityDriver {
    // MARK: - Our vote

    /// Makes our vote and sends it to the others.
    func vote(_ now: WallTime) {
        logger.notice("Time to vote")
        guard !certificate.isExpired(at: now) else {
            logger.error("Can't vote with an expired certificate: make a new one with \"fanion gencert\"")
            return
        }
        takeOwnDescriptor(now)
        relays.prune(now: now)
        let inputs = voteInputs(now)
        let product = factory.make(inputs)
        for identity in product.sybils { relays.makePessimal(identity, now: now) }
        store.add(product.microdescriptors, at: now)
        documents.withLock { $0.bandwidthFile = inputs.bandwidthFile?.bytes }
        let vote: Vote
        do throws(VoteSigningError) {
            vote = try Vote(signing: product.content, certificate: certificate, with: signingKey)
        } catch {
            logger.error("Our own vote cannot be made; this is a bug", metadata: ["error": "\(error)"])
            return
        }
        guard machine.receiveVote(vote, postedAt: nil) == .stored else {
            logger.error("Our own vote does not fit into the round; is the clock right?")
            return
        }
        post("/tor/post/vote", vote.text)
        logger.notice("Vote posted", metadata: ["relays": "\(vote.content.entries.count)"])
    }

    private func takeOwnDescriptor(_ now: WallTime) {
        guard let own = store.snapshot.ownDescriptor else { return }
        _ = take(own.bytes, now)
    }

    /// All that a vote rests on; relays that do not answer are remembered as down.
    private func voteInputs(_ now: WallTime) -> VoteFactory.Inputs {
        let snapshot = store.snapshot
        let parameters = snapshot.consensus(.ns)?.parameters ?? snapshot.consensus(.microdesc)?.parameters
        var inputs = VoteFactory.Inputs(schedule: machine.schedule, upSince: upSince, now: now)
        inputs.relays = relays.relays
        inputs.histories = relays.histories
        inputs.approved = approved
        inputs.own = ownRelay
        inputs.bandwidthFile = readBandwidthFile(now)
        inputs.trackingSince = trackingSince
        inputs.sharedRandom = sharedRandom
        inputs.parameters = parameters ?? ConsensusParameters()
        inputs.running = factory.running(inputs, options: FlagOptions(settings, parameters: inputs.parameters))
        if now > upSince + settings.authority.timeToLearnReachability.components.seconds {
            for (identity, relay) in relays.relays where !inputs.running.contains(identity) {
                // It was tested each cycle, so it has been down since the test after the last good one.
                let last = relay.lastReachable.map { $0 + AuthoritySpec.testCycle }
                relays.noteUnreachable(identity, since: min(now, last ?? now))
            }
            inputs.histories = relays.histories
        }
        return inputs
    }

    private func readBandwidthFile(_ now: WallTime) -> BandwidthFile? {
        guard let path = settings.authority.bandwidthsFile else { return nil }
        do throws(FileError) {
            guard let bytes = try SecureFiles.read(path) else {
                logger.warning("The bandwidth file does not exist", metadata: ["path": "\(path)"])
                return nil
            }
            return BandwidthFile(bytes, now: now)
        } catch {
            logger.warning("The bandwidth file cannot be read", metadata: ["error": "\(error)"])
            return nil
        }
    }

    // MARK: - Others' votes

    /// Votes came, one or more behind each other.
    func receiveVotes(_ body: [UInt8], postedAt: WallTime?) -> DirectoryUploadAnswer {
        let pieces = Vote.split(body)
        guard !pieces.isEmpty else { return .refused(400, "Unable to parse vote") }
        var isStored = false
        for piece in pieces {
            let vote: Vote
            do throws(NetworkStatusError) {
                vote = try Vote(parsing: piece)
            } catch {
                logger.info("A vote could not be parsed", metadata: ["error": "\(error)"])
                return .refused(400, "Unable to parse vote")
            }
            if authorities.contains(vote.identity) { store.add([vote.certificate]) }
            switch machine.receiveVote(vote, postedAt: postedAt) {
            case .stored:
                isStored = true
                sharedRandom?.receive(vote)
                saveSharedRandom(clock())
                logger.notice("Got a vote", metadata: ["authority": "\(vote.content.source.nickname)"])
                fetchDescriptors(missingFrom: vote)
            case .duplicate: break
            case .refused(let reason):
                logger.info("A vote was refused", metadata: ["reason": "\(reason)"])
                return .refused(400, reason)
            }
        }
        return .accepted(isStored ? "Vote stored" : "Duplicate discarded")
    }

    /// Asks all others for votes that have not come.
    func fetchVotes(_ missing: [RSAIdentity]) {
        logger.notice("Time to fetch any votes that we're missing", metadata: ["missing": "\(missing.count)"])
        let path = "/tor/status-vote/next/" + missing.map(\.hex).joined(separator: "+")
        for peer in peers {
            get(path, from: peer) { driver, body in
                // One that cannot be used must not keep out the others behind it.
                for piece in Vote.split(body) { _ = driver.receiveVotes(piece, postedAt: nil) }
            }
        }
    }

    /// Asks an authority for descriptors that it votes for and that we lack.
    private func fetchDescriptors(missingFrom vote: Vote) {
        guard let peer = peers.first(where: { $0.identity == vote.identity }) else { return }
        let missing = vote.content.entries.filter { entry in
            guard !relays.hasDescriptor(entry.descriptorDigest) else { return false }
            return relays.relays[entry.identity].map { $0.descriptor.published < entry.published } ?? true
        }
        var rest = missing[...]
        while !rest.isEmpty {
            let part = rest.prefix(AuthorityLimits.descriptorsPerRequest)
            rest = rest.dropFirst(part.count)
            let digests = part.map { DirectoryEncoding.hex($0.descriptorDigest.bytes) }.joined(separator: "+")
            get("/tor/server/d/\(digests)", from: peer) { driver, body in
                _ = driver.take(body, driver.clock())
            }
        }
    }

    // MARK: - The consensus

    /// Computes the consensuses, signs them and sends the signatures to the others.
    func compute(_ now: WallTime) {
        logger.notice("Time to compute a consensus")
        write(machine.votes.flatMap(\.text), to: .votes)
        let rule = ConsensusComputation.SharedRandomRule(
            takesPart: sharedRandom != nil, isFresh: sharedRandom?.isFresh ?? false)
        guard
            let computation = ConsensusComputation(
                machine.votes, authorityCount: authorities.count, sharedRandom: rule)
        else { return }
        var pending: [PendingConsensus] = []
        for flavor in ConsensusFlavor.allCases {
            let unsigned = computation.unsigned(flavor)
            write(unsigned, to: flavor == .ns ? .unsignedConsensus : .unsignedMicrodescConsensus)
            do throws(VoteSigningError) {
                pending.append(
                    try PendingConsensus(
                        signing: unsigned, flavor: flavor, certificate: certificate, with: signingKey))
            } catch {
                logger.error(
                    "We made a consensus that cannot be read; this is a bug",
                    metadata: ["flavor": "\(flavor)", "error": "\(error)"])
            }
        }
        let added = machine.setConsensuses(pending, certificates: certificates)
        if added > 0 { logger.notice("Added signatures that were waiting", metadata: ["signatures": "\(added)"]) }
        guard let signatures = DetachedSignatures.encode(machine.consensuses.map(\.consensus)) else { return }
        post("/tor/post/consensus-signature", signatures)
        logger.notice("Consensus computed; signatures posted")
    }

    /// Signatures of others came.
    func receiveSignatures(_ body: [UInt8]) -> DirectoryUploadAnswer {
        guard let detached = try? DetachedSignatures(parsing: body) else {
            return .refused(400, "Couldn't parse detached signatures.")
        }
        switch machine.receiveSignatures(detached, certificates: certificates) {
        case .queued: return .accepted("Signature queued")
        case .added(let count): return .accepted(count > 0 ? "Signatures added" : "Signatures ignored")
        case .refused(let reason):
            logger.info("Signatures were refused", metadata: ["reason": "\(reason)"])
            return .refused(400, reason)
        }
    }

    /// Asks all others for signatures, unless all have signed.
    func fetchSignatures() {
        let now = clock()
        let certificates = certificates
        let isComplete = machine.consensuses.allSatisfy {
            $0.consensus.signatureStatus(authorities: authorities, certificates: certificates, now: now).isComplete
        }
        guard !isComplete else { return }
        logger.notice("Time to fetch any signatures that we're missing")
        for peer in peers {
            get("/tor/status-vote/next/consensus-signatures", from: peer) { driver, body in
                _ = driver.receiveSignatures(body)
            }
        }
    }

    /// Publishes what is signed by enough, and begins the next round.
    func publish(_ now: WallTime) {
        let certificates = certificates
        var published: [Consensus] = []
        for pending in machine.consensuses {
            let consensus = pending.consensus
            let status = consensus.signatureStatus(authorities: authorities, certificates: certificates, now: now)
            guard status.isSufficient else {
                logger.warning(
                    "Not enough signatures to publish the consensus",
                    metadata: [
                        "flavor": "\(consensus.flavor.rawValue)", "have": "\(status.good.count)",
                        "need": "\(status.required)",
                    ])
                continue
            }
            store.set(consensus)
            published.append(consensus)
            logger.notice(
                "Published the consensus",
                metadata: [
                    "flavor": "\(consensus.flavor.rawValue)", "relays": "\(consensus.routers.count)",
                    "signatures": "\(status.good.count)",
                ])
        }
        machine.startRound(timing: timing(now), offset: offset, now: now)
        if let consensus = store.snapshot.consensus(.ns) { sharedRandom?.take(consensus) }
        prepareSharedRandom(now)
        if !published.isEmpty { onConsensus(published) }
    }

    // MARK: - Shared random values

    /// Takes back the state that was kept, or starts a new one.
    func startSharedRandom(_ now: WallTime) {
        guard settings.authority.takesPartInSharedRandomness else { return }
        let interval = timing(now).interval
        let file = (try? files.read(.sharedRandom)) ?? nil
        sharedRandom =
            file.flatMap { SharedRandomState(file: $0, now: now, interval: interval) }
            ?? SharedRandomState(now: now, interval: interval)
        prepareSharedRandom(now)
    }

    private func prepareSharedRandom(_ now: WallTime) {
        sharedRandom?.prepare(
            for: machine.schedule.intervalStarts, interval: machine.schedule.interval, own: certificate.identity,
            trusted: { authorities.contains($0) }, random: { SystemRandom.bytes(32) })
        saveSharedRandom(now)
    }

    private func saveSharedRandom(_ now: WallTime) {
        guard let sharedRandom else { return }
        write(sharedRandom.file(now: now, version: "fanion"), to: .sharedRandom)
    }

    // MARK: - The others

    /// Sends a document to all other authorities.
    private func post(_ path: String, _ body: [UInt8]) {
        for peer in peers {
            for endpoint in peer.uploads {
                transport.post(path, body: body, to: endpoint, on: loop).whenComplete { [logger] result in
                    switch result {
                    case .success(200): break
                    case .success(let status):
                        logger.info(
                            "An authority refused what we posted",
                            metadata: ["authority": "\(peer.identity)", "status": "\(status)"])
                    case .failure:
                        logger.info("An authority could not be reached", metadata: ["authority": "\(peer.identity)"])
                    }
                }
            }
        }
    }

    /// Asks another authority for a document; `body` runs on our loop if it has it.
    private func get(
        _ path: String, from peer: AuthorityPeer, _ body: @escaping @Sendable (AuthorityDriver, [UInt8]) -> Void
    ) {
        guard let endpoint = peer.downloads.first else { return }
        transport.get(path, from: endpoint, on: loop).hop(to: loop).whenComplete { [weak self, logger] result in
            switch result {
            case .success(let bytes?):
                guard let self else { return }
                body(self, bytes)
                updateDocuments()
            case .success(nil): break
            case .failure:
                logger.info("An authority could not be asked", metadata: ["authority": "\(peer.identity)"])
            }
        }
    }
}
