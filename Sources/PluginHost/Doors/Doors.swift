internal import EBPF
package import Hooks

/// The doors of one circuit, or of one event loop, and who stands at them.
///
/// The corridor asks at a door where `attended` says that somebody stands, on the owner loop, with a context; the answer is a
/// verdict, or that the built-in decides. At observing doors all plugins are called in the order of attachment, at deciding
/// doors the one that stands there; a second is refused when it is attached. A plugin that fails is gone when the question
/// returns, and its doors with it: the built-in carries on, or the circuit is to be destroyed, as its description says.
///
/// What a program asked for meanwhile (messages, padding, deliveries) waits in `takeRequest`, and must be done before the
/// verdict is and before the circuit's next cell. Timers are kept here; the corridor owns the one real timer and calls
/// `runTimers` at `nextDeadline`.
///
/// Allocates nothing per cell. Not for sharing; does not know what a circuit is.
package struct Doors: ~Copyable {
    /// Which doors are attended: ask only at those.
    package internal(set) var attended: DoorSet = []
    /// Whose doors.
    package let scope: PluginScope
    /// Which end of the circuit; for a host, what the node is.
    package let role: PluginRoles
    /// What `flow_get` tells and `flow_set` changes: the corridor keeps the queues' lengths current.
    package var flow = FlowVariables()
    /// The scheduling class that a plugin suggests, 0 to 3.
    package internal(set) var suggestedClass: UInt8 = 0
    /// True once a plugin has failed that the circuit cannot go on without.
    package internal(set) var mustDestroy = false
    /// Whether anything but a verdict has come of questions since the corridor last looked: requests, timers, who attends.
    package var hasChanged = true

    let host: Unmanaged<PluginHost>
    let attendants: UnsafeMutablePointer<Attendant>
    var count = 0
    var fuel: RateMeter
    var requests: [PluginRequest] = []
    var firstRequest = 0
    /// Negotiated plugins that went by themselves or were stopped, for those who negotiated them.
    var departures: [PluginDeparture] = []
    /// Somebody is gone and must be taken away.
    var needsSweep = false
    var paddingTimers = PaddingTimers()

    /// Doors that nobody attends.
    ///
    /// - Parameter host: the loop's; it must outlive these doors.
    package init(
        scope: PluginScope = .circuit, role: PluginRoles, host: PluginHost, budget: PluginBudget = PluginBudget()
    ) {
        self.scope = scope
        self.role = role
        self.host = Unmanaged.passUnretained(host)
        attendants = .allocate(capacity: PluginLimits.perCircuit)
        fuel = RateMeter(perSecond: Self.fuel(scope, budget))
    }

    private static func fuel(_ scope: PluginScope, _ budget: PluginBudget) -> UInt64 {
        (scope == .circuit ? budget.circuitCPU : budget.hostCPU) * 1000 * PluginLimits.fuelPerMicrosecond
    }

    /// Puts another budget in place.
    mutating func apply(_ budget: PluginBudget) {
        let rate = Self.fuel(scope, budget)
        if rate != fuel.rate { fuel = RateMeter(perSecond: rate) }
    }

    deinit {
        attendants.deinitialize(count: count)
        attendants.deallocate()
    }

    /// The loop's clock, in microseconds.
    package var now: UInt64 { host._withUnsafeGuaranteedRef { $0.now } }

    /// The plugins, in order.
    package var plugins: [Plugin] { (0..<count).map { attendants[$0].plugin } }

    /// Everything in a plugin's memory, for tests that look for what must not be there; nil if it is not attached.
    package func memory(of identity: [UInt8]) -> [UInt8]? {
        for place in 0..<count where attendants[place].plugin.file.identity == identity {
            return attendants[place].instance.read(0..<attendants[place].plugin.module.layout.size)
        }
        return nil
    }

    // MARK: What was asked for

    /// The next thing that a program asked for; nil if there is none.
    package mutating func takeRequest() -> PluginRequest? {
        guard firstRequest < requests.count else { return nil }
        let request = requests[firstRequest]
        firstRequest += 1
        if firstRequest == requests.count {
            requests.removeAll(keepingCapacity: true)
            firstRequest = 0
        }
        return request
    }

    /// The negotiated plugins that have gone against the will of who negotiated them, since this was last asked.
    package mutating func takeDepartures() -> [PluginDeparture] {
        defer { departures = [] }
        return departures
    }

    /// Whether `takeDepartures` has any.
    @inline(__always)
    package var hasDepartures: Bool { !departures.isEmpty }

    /// Whether there is something to take.
    @inline(__always)
    package var hasRequests: Bool { firstRequest < requests.count }

    func note(_ statistic: PluginStatistic, _ plugin: Plugin) {
        host._withUnsafeGuaranteedRef { $0.note(statistic, plugin) }
    }

    func note(_ failure: PluginFailure, _ plugin: Plugin) {
        host._withUnsafeGuaranteedRef { $0.note(failure, plugin) }
    }
}
