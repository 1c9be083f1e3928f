"""The disaster comes while a rehearsal runs: it holds up neither the restore, nor what the restored cluster archives, nor its backup."""
import glob
import os
import re

from bootstrap_case import BATCHES, read, wait_until
from rehearsal_case import RehearsalCase
from source_cluster import switch_wal, wait_until_archived


class BesideARehearsal(RehearsalCase):
    def hold(self, body):
        """A drill whose pgbackrest says with the file log/held that it waits for log/go. What it is told stands in log/words."""
        wrapper = self.wrap_pgbackrest('log=%s\nprintf "%%s\\n" "$*" >>$log/words\n%s' % (self.lab.path('log'), body))
        process = self.lab.start('rehearse', *self.command_of('--pgbackrest=' + wrapper))
        wait_until('the drill to be held', lambda: self.is_held(process))
        return process

    def is_held(self, process):
        self.assertIsNone(process.poll(), self.lab.log('rehearse'))
        return os.path.exists(self.lab.path('log/held'))

    def assert_the_cluster_comes_back(self):
        """Restored, on its own: it archives, asynchronously and so with a lock, and is backed up."""
        self.assert_done(self.bootstrap(seconds=90))
        self.assert_finished()
        self.open('archive_command=pgbackrest --config=%s --stanza=demo --archive-async archive-push %%p' % self.pgbackrest_configuration)
        self.assert_rows(BATCHES, doomed=False)
        self.sql('create table meanwhile as select 1 n')
        wait_until_archived(self.server, switch_wal(self.server))
        self.lab.run('pgbackrest', '--config=' + self.pgbackrest_configuration, '--stanza=demo', '--pg1-port=%d' % self.server.port,
                     '--type=full', 'backup', seconds=60)
        self.assertEqual(len(glob.glob(os.path.join(self.repository, 'backup/demo/20*F'))), 2)

    def assert_was_held(self, process):
        """All the time, and what is locked for it lies in its own directory."""
        self.assertIsNone(process.poll())
        self.assertEqual(self.history(), [])
        words = [line for line in read(self.lab.path('log/words')).splitlines() if re.search(' (restore|archive-get)( |$)', line)]
        self.assertTrue(words)
        self.assertEqual([line for line in words if '--lock-path=%s/' % self.scratch not in line], [])

    def test_held_in_the_copy_and_then_ended(self):
        """The real pgbackrest is stopped in the middle of it."""
        process = self.hold('''[ $VERB != restore ] || {
  pgbackrest "$@" &
  until [ -d %s/ppb.rehearsal/data.restoring/base ]; do sleep .01; done
  kill -STOP $!
  echo $! >$log/held
  wait $!
  exit
}''' % self.scratch)
        self.assert_the_cluster_comes_back()
        self.assert_was_held(process)
        self.assertRegex(read('/proc/%s/status' % read(self.lab.path('log/held')).strip()), r'(?m)^State:\sT')
        process.terminate()
        wait_until('the drill to end', lambda: process.poll() is not None, 20)
        self.assertEqual((process.returncode, self.history()[-1]['exit_code'], self.history()[-1]['phase']), (143, 143, 'copy'))
        self.assert_nothing_left()
        self.assert_rows_stay()

    def test_held_in_the_replay_and_then_let_go_on(self):
        process = self.hold('[ $VERB != archive-get ] || { >$log/held; until [ -e $log/go ]; do sleep .1; done; }')
        self.assert_the_cluster_comes_back()
        self.assert_was_held(process)
        self.lab.write('log/go', '')
        wait_until('the drill to end', lambda: process.poll() is not None, 90)
        self.assertEqual(process.returncode, 0, self.lab.log('rehearse'))
        last = self.history()[-1]
        self.assertEqual((last['exit_code'], last['replayed_segments'], last['warnings']), (0, last['latest_segments'], []))
        self.assert_nothing_left()
        self.assert_rows_stay()

    def assert_rows_stay(self):
        self.assertEqual(self.sql('select count(*) from meanwhile'), '1')
        self.assert_rows(BATCHES, doomed=False)
        self.server.stop()
        self.assert_nothing_runs(20)
