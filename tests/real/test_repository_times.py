"""Times: what the WAL says counts, not when a file was uploaded; what a hint offers works."""
from repository_case import RepositoryCase


class CopiedRepositories(RepositoryCase):
    def test_latest(self):
        self.situation('two_timelines')
        self.touch_all()
        self.assert_rows_of(self.bootstrap(), 1, 2, 20, 21, timeline=3)


class EndOfTheBackup(RepositoryCase):
    def setUp(self):
        super().setUp()
        self.situation('busy')

    def test_the_second_in_which_the_newest_backup_ended_is_the_older_sets(self):
        for fraction in ('', '.999'):
            self.assert_rows_of(self.again('--type=time', '--target=%s%s+00' % (self.stop_second('second'), fraction)), 1, 2, 3)

    def test_the_next_second_is_the_newest_sets(self):
        result = self.bootstrap('--type=time', '--target=%s+00' % self.stop_second('second', 1))
        self.assert_rows_of(result, 1, 2, 3)
        self.assertIn(self.label('second'), result.log)

    def test_the_second_in_which_the_only_backup_ended_is_refused_with_a_point_that_works(self):
        hint = self.assert_refuses(self.bootstrap('--type=time', '--target=%s+00' % self.stop_second('alpha')), 4, self.label('alpha'))
        self.assert_points_work(hint, '', at_least=1)

    def test_the_window_does_not_begin_in_that_second(self):
        told = self.check().log
        self.assertRegex(told, 'restorable from: ' + self.stop_second('alpha', 1))
