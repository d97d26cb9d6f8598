internal import CellPath
internal import Hooks
internal import NIOCore
internal import Paths

/// The door `choose_path`: plugins in the host's scope that stand on the client's loop.
struct PathDoor: RelayWeigher {
    private let corridor: NIOLoopBound<Corridor>

    /// The door of that loop.
    init(_ corridor: NIOLoopBound<Corridor>) {
        self.corridor = corridor
    }

    func beginChoice() -> Bool { corridor.value.beginChoice() }

    func choosePath(_ context: inout ChoosePathContext) -> Answer<PathVerdict> { corridor.value.choosePath(&context) }
}
