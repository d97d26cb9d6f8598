internal import Hooks
internal import PluginHost

/// The doors of one circuit as its corridor keeps them: who stands there, and whether its cells are held.
///
/// Made only for circuits that have plugins, at a fixed address; a circuit without one has a null pointer and an empty set.
/// One direction leaves from here: backward at a relay, forward where the circuit starts.
struct CircuitDoors: ~Copyable {
    var doors: Doors
    /// Which way the cells go whose departure is asked for.
    let direction: CellDirection
    /// Until when the circuit's cells are held, in microseconds of the loop; 0: they are not.
    var holdUntil: UInt64 = 0
    /// Cells that leave without being asked: padding that passes a hold, and what replaces it.
    var passes: UInt32 = 0
    /// Whether a hold has just ended, which the next question says.
    var holdIsOver = false
    /// Whether what was asked for is being done: a question meanwhile leaves its own requests to that.
    var isFinishing = false
    /// When the corridor's clock will look here; `.max`: not.
    var clockedFor = UInt64.max

    /// When that was last done because it was time.
    var lastClocked: UInt64 = 0

    /// When somebody must look here; a timer that sets itself again at once is no reason to look all the time.
    var deadline: UInt64 {
        max(
            min(doors.nextDeadline, holdUntil == 0 ? .max : holdUntil),
            lastClocked + CellPathLimits.doorClockPause)
    }
}

/// Circuits that want to be looked at, by time: a binary heap. An entry that was overtaken is stale and does nothing.
struct DoorClock {
    /// A circuit and when.
    struct Entry {
        let deadline: UInt64
        let reference: CircuitReference
        let generation: UInt32
    }

    private var heap: [Entry] = []
    /// For when the loop's timer is set; `.max`: it is not.
    var armedFor = UInt64.max

    /// The earliest.
    var next: UInt64 { heap.first?.deadline ?? .max }

    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest if its time has come.
    mutating func take(now: UInt64) -> Entry? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].deadline < heap[least].deadline { least = child }
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
