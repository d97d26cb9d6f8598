/// The steps from nothing to a usable network, by C Tor's numbers, tags and words, which programs read.
package enum BootstrapPhase: Int, CaseIterable, Comparable, Hashable, Sendable {
    case starting = 0
    case connecting = 5
    case connected = 10
    case handshaking = 14
    case handshakeDone = 15
    case creatingDirectoryCircuit = 20
    case requestingConsensus = 25
    case loadingConsensus = 30
    case loadingCertificates = 40
    case requestingDescriptors = 45
    case loadingDescriptors = 50
    case enoughDirectoryInformation = 75
    case connectingForCircuits = 80
    case connectedForCircuits = 85
    case handshakingForCircuits = 89
    case handshakeForCircuitsDone = 90
    case creatingCircuit = 95
    case done = 100

    /// The word for programs.
    package var tag: String {
        switch self {
        case .starting: "starting"
        case .connecting: "conn"
        case .connected: "conn_done"
        case .handshaking: "handshake"
        case .handshakeDone: "handshake_done"
        case .creatingDirectoryCircuit: "onehop_create"
        case .requestingConsensus: "requesting_status"
        case .loadingConsensus: "loading_status"
        case .loadingCertificates: "loading_keys"
        case .requestingDescriptors: "requesting_descriptors"
        case .loadingDescriptors: "loading_descriptors"
        case .enoughDirectoryInformation: "enough_dirinfo"
        case .connectingForCircuits: "ap_conn"
        case .connectedForCircuits: "ap_conn_done"
        case .handshakingForCircuits: "ap_handshake"
        case .handshakeForCircuitsDone: "ap_handshake_done"
        case .creatingCircuit: "circuit_create"
        case .done: "done"
        }
    }

    /// The words for people.
    package var summary: String {
        switch self {
        case .starting: "Starting"
        case .connecting: "Connecting to a relay"
        case .connected: "Connected to a relay"
        case .handshaking: "Handshaking with a relay"
        case .handshakeDone: "Handshake with a relay done"
        case .creatingDirectoryCircuit: "Establishing an encrypted directory connection"
        case .requestingConsensus: "Asking for networkstatus consensus"
        case .loadingConsensus: "Loading networkstatus consensus"
        case .loadingCertificates: "Loading authority key certs"
        case .requestingDescriptors: "Asking for relay descriptors"
        case .loadingDescriptors: "Loading relay descriptors"
        case .enoughDirectoryInformation: "Loaded enough directory info to build circuits"
        case .connectingForCircuits: "Connecting to a relay to build circuits"
        case .connectedForCircuits: "Connected to a relay to build circuits"
        case .handshakingForCircuits: "Finishing handshake with a relay to build circuits"
        case .handshakeForCircuitsDone: "Handshake finished with a relay to build circuits"
        case .creatingCircuit: "Establishing a Tor circuit"
        case .done: "Done"
        }
    }

    /// The earlier step first.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
