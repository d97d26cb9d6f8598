package import Cells
package import Channels
package import Circuits
package import NIOCore
package import OnionCrypto
package import Transport

/// What a corridor needs to know of the node's configuration and keys: a value, replaced whole when something changes.
package struct CellPathSettings: Sendable {
    /// Who we are on channels, now and just before; nil at a client, which tells nobody.
    package var identities: LinkIdentities?
    /// The addresses of our ORPorts, as NETINFO says them.
    package var ownAddresses: [IPAddress] = []
    /// What CREATE2 is answered with; nil if this node is no relay.
    package var onionKeys: OnionKeySnapshot?
    /// Our TLS as a server; nil at a client.
    package var serverTLS: TLSContext?
    /// Our TLS as a client.
    package var clientTLS: TLSContext
    /// `ExtendAllowPrivateAddresses`.
    package var extendsToPrivateAddresses = false
    /// How long TLS and link handshake may take together.
    package var handshakeTime = TransportLimits.handshakeTime
    /// `circ_max_cell_queue_size`: cells of one circuit that may wait for one channel.
    package var circuitQueueLimit = CellPathLimits.circuitQueue
    /// `cellq_high`: cells that streams may put into a circuit's queue.
    package var streamQueueHigh = CellPathLimits.streamQueueHigh
    /// `cellq_low`: where they may go on.
    package var streamQueueLow = CellPathLimits.streamQueueLow
    /// `KeepalivePeriod`: a channel that has been silent for so long sends a padding cell.
    package var keepalive = CellPathLimits.keepalive
    /// What the network and the operator say of padding on channels.
    package var padding = ChannelPaddingSettings()
    /// What the network and the operator say of padding on circuits.
    package var circuitPadding = CircuitPaddingSettings()
    /// What ends of circuits must know of the consensus and the configuration.
    package var endpoint = EndpointParameters()
    /// Whether bandwidth limits hold for connections with private addresses too; C Tor exempts those unless
    /// `CountPrivateBandwidth`.
    package var countsPrivateBandwidth = false

    /// The settings of a client.
    package init(clientTLS: TLSContext) {
        self.clientTLS = clientTLS
    }
}
