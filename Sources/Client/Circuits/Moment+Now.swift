internal import Cells

#if canImport(Glibc)
    internal import Glibc
#endif

extension Moment {
    /// What both clocks say.
    package static func now() -> Moment {
        Moment(steady: .now, wall: WallTime(seconds: Int64(time(nil))))
    }
}
