"""Timelines and forks: one that cannot be followed is not passed by, and what lies behind a fork is nobody's."""
from bootstrap_case import read
from repository_case import RepositoryCase


class TimelinesWithoutHistory(RepositoryCase):
    def setUp(self):
        super().setUp()
        self.situation('two_timelines')
        self.history, = self.in_archive('00000002.history')
        self.whole = read(self.history)

    def assert_named(self, *options):
        """Refused with the timeline's name and its file's; with the file in its place it works."""
        self.assert_refuses(self.bootstrap(*options), 4, 'timeline 2', '00000002[.]history')
        self.lab.write(self.history, self.whole, 0o640)
        self.assert_rows_of(self.again(*options), 1, 2, 20, 21, timeline=3)

    def test_latest(self):
        self.remove_from_archive('00000002.history')
        self.assert_named()

    def test_a_set_that_is_named(self):
        self.remove_from_archive('00000002.history')
        self.assert_named('--set=' + self.label('alpha'))

    def test_an_empty_history(self):
        self.lab.write(self.history, '', 0o640)
        self.assert_named()

    def test_a_history_cut_in_its_location(self):
        self.lab.write(self.history, self.whole[:self.whole.index('/') + 3], 0o640)
        self.assert_named()

    def test_a_history_cut_in_its_reason(self):
        self.lab.write(self.history, self.whole[:self.whole.index('before')], 0o640)
        self.assert_named()

    def test_a_history_that_holds_no_line(self):
        self.lab.write(self.history, '# nothing\n\n', 0o640)
        self.assert_named()

    def test_the_abandoned_timeline_would_take_its_number_again(self):
        self.remove_from_archive('00000002.history')
        self.assert_refuses(self.bootstrap('--target-timeline=1'), 4, 'timeline 2', '00000002[.]history')

    def test_a_time_before_the_fork_would_take_its_number_again(self):
        self.remove_from_archive('00000002.history')
        self.assert_refuses(self.bootstrap('--type=time', '--target=' + self.time_of(1)), 4, 'timeline 2', '00000002[.]history')

    def test_immediate_would_take_its_number_again(self):
        self.remove_from_archive('00000002.history')
        self.assert_refuses(self.bootstrap('--type=immediate'), 4, 'timeline 2', '00000002[.]history')


class SeveralHistories(RepositoryCase):
    def test_the_newest_history_tells_of_those_that_are_missing(self):
        self.situation('chain')
        self.remove_from_archive('00000002.history')
        self.assert_rows_of(self.bootstrap(), 1, 2, 20, 21, 30, timeline=4)

    def test_the_newest_timeline_without_its_history(self):
        self.situation('chain')
        self.remove_from_archive('00000003.history')
        self.assert_refuses(self.bootstrap(), 4, 'timeline 3', '00000003[.]history')

    def test_a_history_that_lost_its_last_line(self):
        # It reads like a whole one, of a timeline that left timeline 1; the segments say where it really began.
        self.situation('chain')
        history, = self.in_archive('00000003.history')
        self.lab.write(history, read(history).split('\n')[0] + '\n', 0o640)
        self.assert_refuses(self.bootstrap(), 4, 'timeline 3|WAL segment 00000003')

    def test_a_timeline_of_which_only_a_backup_is_left(self):
        self.situation('three_branches')
        self.remove_from_archive('0000000[234]*')
        self.assert_refuses(self.bootstrap('--set=' + self.label('alpha')), 4, 'timeline 2', self.label('second'))

    def test_an_abandoned_timeline_without_its_history_does_not_matter_to_a_newer_one(self):
        self.situation('three_branches')
        self.remove_from_archive('00000003.history')
        self.assert_rows_of(self.bootstrap('--set=' + self.label('alpha')), 1, 2, 40, timeline=5)

    def test_a_newer_timeline_that_was_only_begun_in_the_archive(self):
        # Segments alone, no history, and older than all but one: nobody knows where it left which timeline.
        self.situation('three_branches')
        self.remove_from_archive('00000004.history')
        self.assert_refuses(self.bootstrap('--set=' + self.label('alpha')), 4, 'timeline 4', '00000004[.]history')


class Forks(RepositoryCase):
    def test_a_whole_failover_with_an_orphan_is_right(self):
        self.situation('failover')
        self.assert_rows_of(self.bootstrap(), 1, 2, 20, 21, timeline=3)

    def test_a_clean_switchover_that_looks_like_it_is_right(self):
        self.situation('switchover')
        self.assert_rows_of(self.bootstrap(), 1, 2, timeline=3)


class TargetsOnTwoBranches(RepositoryCase):
    """An LSN and a transaction ID are given away anew behind a fork: on the abandoned timeline they mean other rows."""

    def test_an_lsn_before_the_fork_is_the_same_on_both(self):
        facts = self.situation('two_timelines')
        self.assert_rows_of(self.bootstrap('--type=lsn', '--target=' + facts['batches']['1']['lsn']), 1, timeline=3)
