internal import Cells
package import Configuration
internal import Glibc
internal import NIOCore
internal import Transport

/// Why a port that the configuration asks for cannot be opened, with the option that asks for it.
package struct PortError: Error, Hashable, CustomStringConvertible {
    /// The option's name.
    package let option: String
    /// Where it should have been.
    package let place: String
    /// What the system, or the port's own check, said.
    package let reason: String

    /// Names the port in an error that came from opening it.
    package init(_ option: String, _ address: PortAddress, _ error: any Error) {
        self.option = option
        place = address.text
        switch error {
        case let error as IOError: reason = String(cString: strerror(error.errnoCode))
        case TransportError.bindFailed(let number): reason = String(cString: strerror(number))
        default: reason = "\(error)"
        }
    }

    /// Opens a port; what goes wrong then names it.
    package static func naming<Port: Sendable>(
        _ option: String, _ address: PortAddress, open: () async throws -> Port
    ) async throws(PortError) -> Port {
        do {
            return try await open()
        } catch {
            throw PortError(option, address, error)
        }
    }

    package var description: String { "\(option) \(place) cannot be opened: \(reason)" }
}

extension PortAddress {
    /// As logs and the control port write it.
    package var text: String {
        switch self {
        case .tcp(let address, let port): "\(address.bracketed):\(port.map { "\($0)" } ?? "auto")"
        case .unix(let path): "unix:\(path)"
        }
    }
}
