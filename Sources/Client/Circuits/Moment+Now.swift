internal import Cells
internal import Transport

extension Moment {
    /// What both clocks say.
    package static func now() -> Moment {
        Moment(steady: .now, wall: .now)
    }
}
