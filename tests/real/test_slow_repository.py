"""A repository that is very slow: it is waited for, and ends when told to."""
import os

from bootstrap_case import BootstrapCase, wait_until


class SlowRepository(BootstrapCase):
    def test_one_that_answers_slowly_is_waited_for(self):
        self.assert_done(self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest('sleep .5')))
        self.assert_complete()

    def test_one_that_comes_in_drops_ends_when_told_to_and_is_no_failure_that_lasts(self):
        process = self.start_bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            '[ $VERB != restore ] || { touch %s; while :; do echo "P00   INFO: drop"; sleep 1; done; }' % self.lab.path('log/reached')))
        wait_until('the copy', lambda: os.path.exists(self.lab.path('log/reached')))
        process.terminate()
        self.assertEqual(self.result_of(process, 20).code, 143)
        self.assert_nothing_runs()
        self.assert_done(self.bootstrap())
        self.assert_complete()
