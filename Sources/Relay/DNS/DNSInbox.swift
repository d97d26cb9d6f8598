internal import Glibc
internal import Synchronization

/// How event loops reach the resolver's thread: questions, other settings, the end.
final class DNSInbox: Sendable {
    /// What arrived since the thread last looked.
    struct Mail {
        var questions: [DNSQuestion] = []
        var settings: DNSResolverSettings?
        var isStopping = false
    }

    private struct State {
        var mail = Mail()
        var receiver: (@Sendable (DNSQuestion, DNSAnswer) -> Void)?
    }

    /// Readable when there is mail.
    let descriptor: CInt
    private let wakeDescriptor: CInt
    private let state: Mutex<State>

    /// An inbox whose first letter is the settings.
    init(_ settings: DNSResolverSettings) throws(DNSError) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw DNSError(reason: "no pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (descriptor, wakeDescriptor) = (ends[0], ends[1])
        state = Mutex(State(mail: Mail(settings: settings)))
    }

    deinit {
        close(descriptor)
        close(wakeDescriptor)
    }

    /// Who hears the answers.
    func setAnswerReceiver(_ receiver: @escaping @Sendable (DNSQuestion, DNSAnswer) -> Void) {
        state.withLock { $0.receiver = receiver }
    }

    /// Asks.
    func put(_ question: DNSQuestion) {
        state.withLock { $0.mail.questions.append(question) }
        wake()
    }

    /// Changes the settings.
    func put(_ settings: DNSResolverSettings) {
        state.withLock { $0.mail.settings = settings }
        wake()
    }

    /// Ends the thread.
    func stop() {
        state.withLock { $0.mail.isStopping = true }
        wake()
    }

    /// Takes what arrived; on the thread.
    func take() -> Mail {
        var bytes = [UInt8](repeating: 0, count: 256)
        // A rest only means to look once more.
        _ = read(descriptor, &bytes, bytes.count)
        return state.withLock { state in
            defer { state.mail = Mail() }
            return state.mail
        }
    }

    /// Hands an answer over; on the thread.
    func answer(_ question: DNSQuestion, _ answer: DNSAnswer) {
        let receiver = state.withLock { $0.receiver }
        receiver?(question, answer)
    }

    private func wake() {
        var byte: UInt8 = 1
        // A full pipe wakes just as well.
        _ = write(wakeDescriptor, &byte, 1)
    }
}

/// What the thread is started with.
final class DNSWorkerStart: Sendable {
    private let inbox: DNSInbox

    /// A start for this inbox.
    init(inbox: DNSInbox) {
        self.inbox = inbox
    }

    /// The thread's whole life.
    func run() {
        DNSWorker(inbox: inbox).run()
    }
}
