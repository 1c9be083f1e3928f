"""A repository that is very slow: it is waited for as long as anything comes, and ends when told to, which is no failure that lasts."""
import os

from bootstrap_case import BootstrapCase, wait_until


class SlowRepository(BootstrapCase):
    def test_one_that_answers_slowly_is_waited_for(self):
        self.assert_waited_for('sleep .3')

    def test_one_that_comes_in_drops_is_waited_for(self):
        """pgbackrest stands still three quarters of the time, in the copy and with one of the segments."""
        self.assert_waited_for('''case "$VERB $SEGMENT" in
'restore ' | 'archive-get %s')
  pgbackrest "$@" &
  while kill -STOP $!; do sleep .15; kill -CONT $!; sleep .05; done 2>>%s
  wait $!
  exit
esac''' % (self.source.segments[7], self.lab.path('log/wrapper')))

    def assert_waited_for(self, body):
        result = self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest(body))
        self.assert_done(result)
        self.assertNotRegex(result.log, 'made no progress|trying again')
        self.assert_complete()

    def assert_ends_when_told_to(self, begins, place):
        """With a byte each second in `place`, which would take weeks."""
        reached = self.lab.path('log/reached')
        process = self.start_bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            'if %s; then touch %s; while :; do printf x >>%s || exit; sleep 1; done; fi' % (begins, reached, place)))
        wait_until('the byte', lambda: os.path.exists(reached) or process.poll() is not None, 120)
        process.terminate()
        self.assertEqual(self.result_of(process, 30).code, 143)
        self.assert_absent()
        self.assert_nothing_runs()
        self.assertFalse(os.path.exists(self.staging + '.d/failure.json'))
        result = self.bootstrap()
        self.assert_done(result)
        self.assert_complete()
        return result

    def test_a_byte_each_second_in_the_copy_ends_when_told_to(self):
        self.assert_ends_when_told_to('[ $VERB = restore ]', os.path.join(self.staging, 'drops'))

    def test_a_byte_each_second_in_the_replay_ends_when_told_to(self):
        result = self.assert_ends_when_told_to('[ "$VERB $SEGMENT" = "archive-get %s" ]' % self.source.segments[6],
                                               os.path.join(self.staging, 'pg_wal/RECOVERYXLOG'))
        self.assertIn('the copy of an earlier run is complete: the recovery goes on', result.log)
