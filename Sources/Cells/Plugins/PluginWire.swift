/// Numbers of `docs/plugin-protocol.md`: how plugins travel between two ends of a circuit.
package enum PluginWire {
    /// The extension of ntor-v3 by which a client asks.
    package static let requestExtension: UInt8 = 0xF0
    /// The extension by which a hop answers.
    package static let answerExtension: UInt8 = 0xF1
    /// Bytes of either: always the same, since others see how long a handshake is.
    package static let extensionLength = 200
    /// The version of both.
    package static let version: UInt8 = 1
    /// What an extension asks for at most: as many plugins as a circuit may have.
    package static let extensionEntries = 4
    /// Bytes of a plugin's identity.
    package static let identityLength = 32
    /// A fragment of code; the last one may be shorter. Leaves room in its cell for random bytes.
    package static let fragmentLength = 472
    /// What a plugin says to its other half in one message, at most.
    package static let messageLength = 475
    /// What `init` answers, at most.
    package static let answerLength = 64
    /// What `init` is given, at most.
    package static let argumentLength = 255
    /// The sizes of transfers, ascending.
    package static let transferSizes: [UInt32] = [16 << 10, 64 << 10, 256 << 10]
    /// Values of a PLUGIN_COUNTERS: 16 that a plugin names, and two of the host's.
    package static let counters = 18
    /// Slots with this bit are a hop's, others a client's.
    package static let hopSlots: UInt8 = 0x80
    /// Attachments that either end may try in the life of a link.
    package static let slotsPerLink = 16

    /// The smallest size of a transfer for so many bytes; nil if there is none.
    package static func transferSize(for count: Int) -> UInt32? { transferSizes.first { Int($0) >= count } }

    /// Whether a slot may be used at all.
    package static func isSlot(_ slot: UInt8) -> Bool { slot & ~hopSlots != 0 }
}

extension RelayCommand {
    /// A plugin is offered.
    @inlinable package static var pluginOffer: RelayCommand { RelayCommand(rawValue: 0xE0) }

    /// Answers PLUGIN_OFFER.
    @inlinable package static var pluginAnswer: RelayCommand { RelayCommand(rawValue: 0xE1) }

    /// A fragment of a plugin.
    @inlinable package static var pluginCode: RelayCommand { RelayCommand(rawValue: 0xE2) }

    /// A plugin is in force in the sender's direction.
    @inlinable package static var pluginReady: RelayCommand { RelayCommand(rawValue: 0xE3) }

    /// A plugin goes.
    @inlinable package static var pluginDetach: RelayCommand { RelayCommand(rawValue: 0xE4) }

    /// What a plugin says to its other half.
    @inlinable package static var pluginMessage: RelayCommand { RelayCommand(rawValue: 0xE5) }

    /// What a plugin has counted, or the question.
    @inlinable package static var pluginCounters: RelayCommand { RelayCommand(rawValue: 0xE6) }

    /// Whether it is one of the seven.
    @inlinable package var isPlugin: Bool { 0xE0...0xE6 ~= rawValue }

    /// Whether it counts in a circuit's windows as DATA does.
    @inlinable package var countsLikeData: Bool { rawValue == 0xE2 || rawValue == 0xE5 }
}

/// Why a plugin is not taken.
package struct PluginRefusal: RawRepresentable, Hashable, Sendable {
    /// The number on the wire; never 0.
    package let rawValue: UInt8

    /// Takes any number.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// This end takes none.
    package static let policy = PluginRefusal(rawValue: 1)
    /// Not this one.
    package static let untrusted = PluginRefusal(rawValue: 2)
    /// The set, or the place in it, is not known.
    package static let unknownSet = PluginRefusal(rawValue: 3)
    /// None of the three sizes.
    package static let size = PluginRefusal(rawValue: 4)
    /// Later perhaps.
    package static let busy = PluginRefusal(rawValue: 5)
    /// Too many, no memory, or another stands there.
    package static let noRoom = PluginRefusal(rawValue: 6)
    /// The file cannot be read.
    package static let noPlugin = PluginRefusal(rawValue: 7)
    /// The verifier refuses it.
    package static let code = PluginRefusal(rawValue: 8)
    /// It asks for what a peer's plugin does not get.
    package static let capabilities = PluginRefusal(rawValue: 9)
    /// It asks for more than it may use.
    package static let budget = PluginRefusal(rawValue: 10)
    /// Not for this end, scope or door.
    package static let place = PluginRefusal(rawValue: 11)
    /// Its `init` refused or failed.
    package static let initialise = PluginRefusal(rawValue: 12)
    /// The evidence does not satisfy the policy.
    package static let evidence = PluginRefusal(rawValue: 13)
    /// Revoked.
    package static let revoked = PluginRefusal(rawValue: 14)
    /// No older version is there.
    package static let nothingToReplace = PluginRefusal(rawValue: 15)

    /// Nobody whom the policy names has signed; from here on `evidence` in detail.
    package static let unknownSigner = PluginRefusal(rawValue: 16)
    /// A signature does not fit.
    package static let badSignature = PluginRefusal(rawValue: 17)
    /// Not enough signatures and logs.
    package static let tooFewSigners = PluginRefusal(rawValue: 18)
    /// The proof does not lead to the checkpoint.
    package static let notInLog = PluginRefusal(rawValue: 19)
    /// The log did not sign the checkpoint.
    package static let badCheckpoint = PluginRefusal(rawValue: 20)
    /// Too few witnesses have seen it.
    package static let tooFewWitnesses = PluginRefusal(rawValue: 21)
    /// They have seen it too long ago.
    package static let staleCheckpoint = PluginRefusal(rawValue: 22)
    /// It is newer than what this end has read of the log; later perhaps.
    package static let missingConsistency = PluginRefusal(rawValue: 23)
    /// The log has shown two histories.
    package static let forkedLog = PluginRefusal(rawValue: 24)
    /// This end knows no revocations that are fresh.
    package static let staleRevocations = PluginRefusal(rawValue: 25)

    /// For people.
    package var text: String {
        let names = [
            "none", "policy", "untrusted", "unknown set", "size", "busy", "no room", "no plugin", "code",
            "capabilities", "budget", "place", "init", "evidence", "revoked", "nothing to replace",
            "unknown signer", "bad signature", "too few signers", "not in log", "bad checkpoint", "too few witnesses",
            "stale checkpoint", "missing consistency", "forked log", "stale revocations",
        ]
        return Int(rawValue) < names.count ? names[Int(rawValue)] : "\(rawValue)"
    }
}

/// Why a plugin goes.
package struct PluginDetachReason: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    package let rawValue: UInt8

    /// Takes any number.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Its bringer or host wants it.
    package static let wish = PluginDetachReason(rawValue: 0)
    /// It asked for it.
    package static let plugin = PluginDetachReason(rawValue: 1)
    /// A program failed.
    package static let fault = PluginDetachReason(rawValue: 2)
    /// It used more than it may.
    package static let budget = PluginDetachReason(rawValue: 3)
}
