package import Cells
internal import Glibc

extension WallTime {
    /// What the machine's clock says.
    package static func now() -> WallTime {
        WallTime(seconds: Int64(time(nil)))
    }
}
