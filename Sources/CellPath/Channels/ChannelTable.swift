internal import Cells
internal import Circuits
internal import NIOConcurrencyHelpers

/// Which relays we have channels to, on which loop; and which are being connected, with all who wait.
///
/// The one structure that all loops share, under a mutex: touched for each EXTEND2 and each channel, never for a cell.
package final class ChannelTable: Sendable {
    /// A channel to a relay.
    struct Entry {
        let loop: Int
        let handle: SlabHandle
        let ed25519Identity: Ed25519Identity?
        /// Whether the relay says that the address it is at is its own (tor-spec §4.5).
        let isCanonical: Bool
        /// Where we dialled it; nil if it dialled us.
        let dialled: SocketEndpoint?
    }

    /// What to do for somebody who wants a channel.
    enum Answer: Equatable {
        /// It is there.
        case open(loop: Int, handle: SlabHandle)
        /// It is being connected; the waiter is on its list.
        case connecting
        /// That loop must connect it; the waiter is on its list.
        case dial(loop: Int)
    }

    private struct Key: Hashable {
        let identity: RSAIdentity
        /// Set if only a channel on that loop will do.
        let loop: Int?
    }

    private struct Contents {
        var open: [RSAIdentity: [Entry]] = [:]
        var connecting: [Key: [ChannelWaiter]] = [:]
        /// Channels and connection attempts of each loop.
        var load: [Int]
    }

    private let contents: NIOLockedValueBox<Contents>

    init(loopCount: Int) {
        contents = NIOLockedValueBox(Contents(load: [Int](repeating: 0, count: loopCount)))
    }

    /// Finds a channel to `target`, or puts `waiter` on the list of those who wait for one.
    ///
    /// - Parameter loop: Set if only a channel on that loop will do.
    func request(_ target: HopTarget, for waiter: ChannelWaiter, on loop: Int?) -> Answer {
        contents.withLockedValue { contents in
            let entries = contents.open[target.rsaIdentity] ?? []
            if let entry = entries.first(where: { Self.serves($0, target) && (loop == nil || $0.loop == loop) }) {
                return .open(loop: entry.loop, handle: entry.handle)
            }
            let key = Key(identity: target.rsaIdentity, loop: loop)
            if contents.connecting[key]?.append(waiter) != nil { return .connecting }
            contents.connecting[key] = [waiter]
            let chosen = loop ?? contents.load.indices.min { contents.load[$0] < contents.load[$1] } ?? 0
            contents.load[chosen] += 1
            return .dial(loop: chosen)
        }
    }

    /// Whether a channel is good for new circuits to that target: who it should be, and surely at its own address.
    private static func serves(_ entry: Entry, _ target: HopTarget) -> Bool {
        if let wanted = target.ed25519Identity, let proved = entry.ed25519Identity, wanted != proved { return false }
        if target.ed25519Identity != nil, entry.ed25519Identity == nil { return false }
        if entry.isCanonical { return true }
        guard let dialled = entry.dialled else { return false }
        return target.endpoints.contains(dialled)
    }

    /// A channel is open.
    func add(_ entry: Entry, identity: RSAIdentity) {
        contents.withLockedValue {
            $0.open[identity, default: []].append(entry)
            $0.load[entry.loop] += 1
        }
    }

    /// A channel is gone.
    func remove(identity: RSAIdentity, loop: Int, handle: SlabHandle) {
        contents.withLockedValue { contents in
            guard var entries = contents.open[identity] else { return }
            guard let index = entries.firstIndex(where: { $0.loop == loop && $0.handle == handle }) else { return }
            entries.remove(at: index)
            contents.open[identity] = entries.isEmpty ? nil : entries
            contents.load[loop] -= 1
        }
    }

    /// An attempt to connect has ended, well or not: who waited for it. `loop` is the loop that dialled.
    func finishConnecting(_ identity: RSAIdentity, on loop: Int) -> [ChannelWaiter] {
        contents.withLockedValue { contents in
            var waiters: [ChannelWaiter] = []
            var ended = 0
            for key in [Key(identity: identity, loop: loop), Key(identity: identity, loop: nil)] {
                guard let list = contents.connecting.removeValue(forKey: key) else { continue }
                waiters += list
                ended += 1
            }
            contents.load[loop] -= ended
            return waiters
        }
    }

    /// How many channels are open.
    package var count: Int { contents.withLockedValue { $0.open.values.reduce(0) { $0 + $1.count } } }
}
