internal import Cells
internal import Glibc

extension EndReason {
    /// What a failed system call on an exit socket is called on the wire, as by C Tor.
    init(errno code: CInt) {
        switch code {
        case EPIPE: self = .done
        case EBADF, EFAULT, EINVAL, EISCONN, ENOTSOCK, EPROTONOSUPPORT, EAFNOSUPPORT, ENOTCONN: self = .internal
        case ENETUNREACH, EHOSTUNREACH, EACCES, EPERM: self = .noRoute
        case ECONNREFUSED: self = .connectRefused
        case ECONNRESET: self = .connReset
        case ETIMEDOUT: self = .timeout
        case ENOBUFS, ENOMEM, ENFILE, EADDRINUSE, EADDRNOTAVAIL, EMFILE: self = .resourceLimit
        default: self = .misc
        }
    }
}
