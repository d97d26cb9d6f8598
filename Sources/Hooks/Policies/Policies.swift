/// Who decides how much DATA may be under way: Tor's windows, or a plugin.
///
/// Both answer the same questions about the same counts, so a test can ask either. `builtIn` as an answer means that there is
/// nobody who decides otherwise.
package protocol FlowControlPolicy: ~Copyable {
    /// How many DATA cells may be packaged?
    mutating func maySend(_ context: inout MaySendContext) -> Answer<MaySendVerdict>
    /// Shall we acknowledge?
    mutating func ackDue(_ context: inout AckDueContext) -> Answer<AckVerdict>
    /// What does an acknowledgement change?
    mutating func onAck(_ context: inout OnAckContext) -> Answer<OnAckVerdict>
}

/// Who decides which circuit of a channel comes first.
package protocol SchedulingPolicy: ~Copyable {
    /// A circuit's place: writes `key`, and its scratch.
    mutating func rank(_ context: inout RankContext) -> Answer<RankVerdict>
}

/// Who decides when a circuit's cells leave.
package protocol DeparturePolicy: ~Copyable {
    /// May the next one go?
    mutating func departure(_ context: inout DepartureContext) -> Answer<DepartureVerdict>
}

/// Who decides when a circuit pads.
package protocol PaddingPolicy: ~Copyable {
    /// Something has happened that padding may follow.
    mutating func padding(_ context: inout PaddingContext) -> Answer<PaddingVerdict>
}

/// Who weighs relays.
package protocol PathPolicy: ~Copyable {
    /// How much does this relay weigh?
    mutating func choosePath(_ context: inout ChoosePathContext) -> Answer<PathVerdict>
}

/// Which event `rank` is asked about.
package enum RankEvent: UInt32, Sendable {
    /// A circuit has cells to send, and had none.
    case ready = 0
    /// It has sent some.
    case sent = 1
    /// Time has passed while it waited.
    case tick = 2
}

/// Which event `stream` is asked about.
package enum StreamEvent: UInt32, Sendable {
    /// A client opens it.
    case opened = 0
    /// The relay says that it is.
    case connected = 1
    /// Bytes.
    case data = 2
    /// It has ended.
    case closed = 3
}

/// Which event `padding` is asked about.
package enum PaddingEvent: UInt32, Sendable {
    /// The circuit can be used.
    case opened = 0
    /// A cell has left.
    case cellSent = 1
    /// A cell has come.
    case cellReceived = 2
    /// Padding has left: a timer's, or `departure`'s.
    case paddingSent = 3
    /// Padding has come.
    case paddingReceived = 4
    /// A timer has run out, and a waiting cell has left in the padding's place.
    case replaced = 5
    /// The circuit's cells are held.
    case holdBegins = 6
    /// They are not any longer.
    case holdEnds = 7
}
