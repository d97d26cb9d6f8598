// Longer than other files because it is one table: every helper there is, in the order of `plugins/include/fanion.h`.

package import EBPF

/// The functions that programs may call, each with the capability that it needs. Numbers are stable and never used again.
package enum HelperTable {
    /// A helper and what it takes to have it.
    package struct Entry: Sendable {
        /// Empty: always granted.
        package let capability: Capabilities
        /// The function.
        package let helper: Helper
    }

    /// What a program sees of something that did not work.
    private static let failed = UInt64.max

    /// The helpers that these capabilities bring, and those that everybody has.
    package static func granted(_ capabilities: Capabilities) -> [Helper] {
        all.filter { capabilities.isSuperset(of: $0.capability) }.map(\.helper)
    }

    /// The helper of a number.
    package static func entry(_ number: Int32) -> Entry? { all.first { $0.helper.number == number } }

    // Safe, here and below: `host` is the desk of the instance that calls, which its attendant keeps until the instance goes.
    private static func desk(_ host: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<InstanceDesk>? {
        host?.assumingMemoryBound(to: InstanceDesk.self)
    }

    /// All helpers by number.
    package static let all: [Entry] = [
        Entry(
            capability: [],
            helper: Helper(number: 1, name: "count", scalars: 2) { counter, delta, _, _, _, host in
                guard let desk = desk(host), counter < UInt64(desk.pointee.counterCount) else { return failed }
                // Wraps: the sum of all loops is what counts, and a delta may be negative.
                desk.pointee.counters[Int(counter)] &+= delta
                return 0
            }),
        Entry(
            capability: [],
            helper: Helper(number: 2, name: "counter", scalars: 1) { counter, _, _, _, _, host in
                guard let desk = desk(host), counter < UInt64(desk.pointee.counterCount) else { return failed }
                return desk.pointee.counters[Int(counter)]
            }),
        Entry(
            capability: [],
            helper: Helper(number: 3, name: "detach", scalars: 0) { _, _, _, _, _, host in
                desk(host)?.pointee.wantsDetach = true
                desk(host)?.pointee.hasNews = true
                return 0
            }),
        Entry(
            capability: [],
            helper: Helper(
                number: 4, name: "old_read",
                parameters: [.scalar, .memory(.output, length: .argument(3)), .scalar], fuel: 10, bytesPerFuel: 8
            ) { (call) throws(HelperRefusal) in
                guard let desk = desk(call.host), let old = desk.pointee.oldMemory,
                    let address = Int(exactly: call[1]), address <= old.count, call[3] <= UInt64(old.count - address)
                else { return failed }
                let count = Int(call[3])
                var output = call.mutableBytes(2)
                for index in 0..<count {
                    output.storeBytes(of: old[address + index], toByteOffset: index, as: UInt8.self)
                }
                return 0
            }),
        Entry(
            capability: .time,
            helper: Helper(number: 5, name: "now", scalars: 0) { _, _, _, _, _, host in
                desk(host)?.pointee.now ?? 0
            }),
        Entry(
            capability: .log,
            helper: Helper(
                number: 6, name: "log", parameters: [.memory(.input, length: .argument(2)), .scalar], fuel: 200,
                bytesPerFuel: 1
            ) { (call) throws(HelperRefusal) in
                guard let desk = desk(call.host), call[2] <= UInt64(PluginLimits.logBytes) else { return failed }
                let bytes = call.bytes(1).withUnsafeBytes { Array($0) }
                guard bytes.allSatisfy({ (0x20..<0x7f).contains($0) }) else { return failed }
                return desk.pointee.host._withUnsafeGuaranteedRef { host in
                    host.log(desk.pointee.name, desk.pointee.identity, bytes) ? 0 : failed
                }
            }),
        Entry(
            capability: .random,
            helper: Helper(number: 7, name: "random", scalars: 0) { _, _, _, _, _, host in
                desk(host)?.pointee.host._withUnsafeGuaranteedRef { $0.random() } ?? 0
            }),
        Entry(
            capability: .heap,
            helper: Helper(number: 8, name: "alloc", parameters: [.scalar], fuel: 100) { (call) throws(HelperRefusal) in
                guard let desk = desk(call.host), let piece = desk.pointee.heap.take(call[1]) else { return 0 }
                return UInt64(piece.lowerBound)
            }),
        Entry(
            capability: .heap,
            helper: Helper(number: 9, name: "free", parameters: [.scalar], fuel: 100) { (call) throws(HelperRefusal) in
                guard let desk = desk(call.host) else { return failed }
                return desk.pointee.heap.giveBack(call[1]) ? 0 : failed
            }),
        Entry(
            capability: .timers,
            helper: Helper(number: 10, name: "timer_set", scalars: 2) { timer, delay, _, _, _, host in
                guard let desk = desk(host), timer < UInt64(PluginLimits.timers),
                    delay <= PluginLimits.timerMicroseconds
                else { return failed }
                desk.pointee.setTimer(Int(timer), to: desk.pointee.now + delay)
                return 0
            }),
        Entry(
            capability: .timers,
            helper: Helper(number: 11, name: "timer_clear", scalars: 1) { timer, _, _, _, _, host in
                guard let desk = desk(host), timer < UInt64(PluginLimits.timers) else { return failed }
                desk.pointee.setTimer(Int(timer), to: .max)
                return 0
            }),
        Entry(
            capability: .messages,
            helper: Helper(
                number: 12, name: "send_message",
                parameters: [.scalar, .scalar, .memory(.input, length: .argument(4)), .scalar], fuel: 200,
                bytesPerFuel: 4
            ) { (call) throws(HelperRefusal) in
                guard let desk = desk(call.host), let hop = UInt32(exactly: call[1]),
                    let command = UInt16(exactly: call[2]), call[4] <= UInt64(PluginLimits.messageBytes),
                    desk.pointee.reaches(call[1]), desk.pointee.admitMessage()
                else { return 0 }
                let bytes = call.bytes(3).withUnsafeBytes { Array($0) }
                desk.pointee.ask(
                    .message(plugin: desk.pointee.identity, hop: hop, command: command, bytes: bytes))
                return 1
            }),
        Entry(
            capability: .padding,
            helper: Helper(number: 13, name: "send_padding", parameters: [.scalar, .scalar], fuel: 50) {
                (call) throws(HelperRefusal) in
                guard let desk = desk(call.host), let hop = UInt32(exactly: call[1]), desk.pointee.overrun == nil,
                    desk.pointee.reaches(call[1])
                else {
                    return 0
                }
                let wanted = min(call[2], PluginLimits.paddingPerCall)
                var cells: UInt32 = 0
                while UInt64(cells) < wanted, desk.pointee.padding.takePadding(now: desk.pointee.now) { cells += 1 }
                if UInt64(cells) < wanted { desk.pointee.fail(.paddingBudget) }
                if cells > 0 { desk.pointee.ask(.padding(hop: hop, cells: cells)) }
                return UInt64(cells)
            }),
        Entry(
            capability: .deliver,
            helper: Helper(
                number: 14, name: "deliver",
                parameters: [.scalar, .scalar, .scalar, .memory(.input, length: .argument(5)), .scalar], fuel: 200,
                bytesPerFuel: 4
            ) { (call) throws(HelperRefusal) in
                guard let desk = desk(call.host), let hop = UInt32(exactly: call[1]),
                    let command = UInt8(exactly: call[2]), let stream = UInt16(exactly: call[3]), call[5] <= 498,
                    desk.pointee.reaches(call[1]),
                    desk.pointee.requests.count + desk.pointee.waiting < PluginLimits.queuedMessages
                else { return 0 }
                let bytes = call.bytes(4).withUnsafeBytes { Array($0) }
                desk.pointee.ask(.deliver(hop: hop, command: command, stream: stream, bytes: bytes))
                return 1
            }),
        Entry(
            capability: .close,
            helper: Helper(number: 15, name: "close_circuit", scalars: 0) { _, _, _, _, _, host in
                guard let desk = desk(host) else { return failed }
                if desk.pointee.requests.last != .closeCircuit { desk.pointee.ask(.closeCircuit) }
                return 0
            }),
        Entry(
            capability: .scheduling,
            helper: Helper(number: 16, name: "suggest_class", scalars: 1) { value, _, _, _, _, host in
                guard let desk = desk(host), value <= 3 else { return failed }
                desk.pointee.suggestedClass = UInt8(value)
                desk.pointee.hasNews = true
                return 0
            }),
        Entry(
            capability: .flow,
            helper: Helper(number: 17, name: "flow_get", scalars: 1) { variable, _, _, _, _, host in
                guard let desk = desk(host) else { return failed }
                switch variable {
                case 0: return UInt64(desk.pointee.flow.dataLimit)
                case 1: return UInt64(desk.pointee.flow.ackInterval)
                case 2: return UInt64(desk.pointee.flow.queueForward)
                case 3: return UInt64(desk.pointee.flow.queueBackward)
                case 4:
                    return UInt64(
                        max(0, PluginLimits.queuedMessages - desk.pointee.waiting - desk.pointee.requests.count))
                default: return failed
                }
            }),
        Entry(
            capability: .flow,
            helper: Helper(number: 18, name: "flow_set", scalars: 2) { variable, value, _, _, _, host in
                guard let desk = desk(host) else { return failed }
                switch (variable, value) {
                case (0, 1...498): desk.pointee.flow.dataLimit = UInt32(value)
                case (1, 1...1000): desk.pointee.flow.ackInterval = UInt32(value)
                default: return failed
                }
                desk.pointee.hasNews = true
                return 0
            }),
    ]
}
