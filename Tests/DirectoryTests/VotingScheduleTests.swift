import Cells
import Directory
import Testing

@Suite struct VotingScheduleTests {
    /// 2026-06-25 00:00:00.
    private let midnight: Int64 = 1_782_345_600

    private func start(_ seconds: Int64, _ interval: Int64, offset: Int64 = 0) -> Int64 {
        VotingSchedule.startOfInterval(
            after: WallTime(seconds: midnight + seconds), interval: interval, offset: offset
        ).seconds - midnight
    }

    @Test func `intervals start at midnight and go on from there`() {
        #expect(start(0, 3600) == 3600)
        #expect(start(3599, 3600) == 3600)
        #expect(start(3600, 3600) == 7200)
        #expect(start(86_399, 3600) == 86_400)
        #expect(start(-1, 20) == 0)
        #expect(start(7, 20) == 20)
    }

    @Test func `none crosses midnight, and a short rest joins the one before`() {
        // Seven hours: the fourth would end four hours into the next day, so the third lasts until midnight.
        #expect(start(13 * 3600, 7 * 3600) == 14 * 3600)
        #expect(start(20 * 3600, 7 * 3600) == 24 * 3600)
        #expect(start(22 * 3600, 7 * 3600) == 24 * 3600)
        // Five hours: the rest of four is more than half and stands.
        #expect(start(17 * 3600, 5 * 3600) == 20 * 3600)
        #expect(start(21 * 3600, 5 * 3600) == 24 * 3600)
    }

    @Test func `an offset moves all starts`() {
        #expect(start(0, 20, offset: 5) == 5)
        #expect(start(5, 20, offset: 5) == 25)
        #expect(start(24, 20, offset: 5) == 25)
    }

    @Test func `the round is laid out backwards from its start`() {
        let schedule = VotingSchedule(
            after: WallTime(seconds: midnight + 100),
            timing: VotingSchedule.Timing(interval: 3600, voteDelay: 300, distributionDelay: 200))
        #expect(schedule.intervalStarts.seconds - midnight == 3600)
        #expect(schedule.fetchMissingSignatures.seconds - midnight == 3500)
        #expect(schedule.votingEnds.seconds - midnight == 3400)
        #expect(schedule.fetchMissingVotes.seconds - midnight == 3250)
        #expect(schedule.votingStarts.seconds - midnight == 3100)
    }

    @Test func `delays that fill more than half of the interval are cut`() {
        let schedule = VotingSchedule(
            after: WallTime(seconds: midnight),
            timing: VotingSchedule.Timing(interval: 20, voteDelay: 8, distributionDelay: 8))
        #expect(schedule.votingEnds.seconds - midnight == 15)
        #expect(schedule.votingStarts.seconds - midnight == 10)
    }
}
