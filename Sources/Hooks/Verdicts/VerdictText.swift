extension Hook {
    /// A door's answer in words, for those who try plugins out; nil if it means nothing there.
    ///
    /// - Parameter key: at `rank`, the key that came back.
    package func verdictText(_ answer: UInt64, key: UInt64 = 0) -> String? {
        switch self {
        case .initialise: InitVerdict(answer: answer)?.description
        case .exit, .timer, .circuitOpened, .circuitClosed, .consensusChanged: NoVerdict(answer: answer)?.description
        case .cellReceived, .cellSent: CellVerdict(answer: answer)?.description
        case .relayMessage: MessageVerdict(answer: answer)?.description
        case .messagePackaging: PackagingVerdict(answer: answer)?.description
        case .maySend: MaySendVerdict(answer: answer)?.description
        case .ackDue: AckVerdict(answer: answer)?.description
        case .onAck: OnAckVerdict(answer: answer)?.description
        case .departure: DepartureVerdict(answer: answer)?.description
        case .padding: PaddingVerdict(answer: answer)?.description
        case .rank: RankVerdict(answer: answer).map { "key \(key) \($0)" }
        case .stream: StreamVerdict(answer: answer)?.description
        case .choosePath: PathVerdict(answer: answer)?.description
        case .chooseLeg, .packet: nil
        }
    }
}
