"""Copies of an unfinished restore, and snapshots of its disk: what the original may go on with is not theirs."""
import json
import os
import re

from bootstrap_case import PlainCase, read, wait_until
from test_resume import ResumeCase

ROWS = 20000


class SnapshotCase(ResumeCase):
    def kill_after_the_copy(self):
        self.assertEqual(self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            'if [ $VERB = restore ]; then pgbackrest "$@"; kill -9 $PPID; exit 1; fi')).code, -9)

    def journal(self):
        return json.loads(read(self.staging + '.d/journal.json'))


class OnAnotherNode(SnapshotCase):
    """Attached to node2 of the same scope, while node1 may go on as well: both would make a timeline 2 of their own."""

    def attach_to_node2(self, phase):
        self.assertEqual(self.journal()['phase'], phase)
        self.node.put_key('')
        self.configure(name='node2')

    def assert_left_to_node1(self, directory=None):
        """Refused on node2 however it is called, and then node1 ends it."""
        message = '%s is an unfinished restore of member node1, and this is node2' % (directory or self.staging)
        for run in (self.resume, self.bootstrap, self.resume):
            self.assert_refused(run(), 9, message, 'if no other node has it, rm -r .* and run it again')
        self.configure()
        self.assert_done(self.resume())
        for name in ('lock', 'resume-lock'):  # where the journal has to stay, until resume finds that the cluster lives
            if os.path.exists(os.path.join(self.data_directory, '.restoring.d', name)):
                os.remove(os.path.join(self.data_directory, '.restoring.d', name))
        self.assert_complete()

    def interrupt_the_hand_over(self, *kept):
        """All but what is named is in the staging directory again, if anything is."""
        self.assert_done(self.bootstrap())
        if kept:
            self.lab.make(self.staging)
            for name in os.listdir(self.data_directory):
                if not name.startswith('.') and name not in kept:
                    os.rename(os.path.join(self.data_directory, name), os.path.join(self.staging, name))
        journal = {name: value for name, value in self.journal().items() if name != 'handed_over'}
        self.lab.write(self.staging + '.d/journal.json', json.dumps({**journal, 'phase': 'handing over'}))

    def test_in_the_copy(self):
        self.kill_after_the_copy()
        self.attach_to_node2('copying')
        self.assert_left_to_node1()

    def test_after_the_recovery(self):
        self.configure(postgresql={'bin_dir': self.wrapped_binaries('pg_controldata', """grep -q recovered %s && kill -9 $PPID
exec %s "$@"
""" % (self.staging + '.d/journal.json', os.path.join(self.lab.bin_directory, 'pg_controldata')))})
        self.assertEqual(self.bootstrap().code, -9)
        self.attach_to_node2('recovered')
        self.assert_left_to_node1()

    def test_in_the_hand_over_of_a_mount_point(self):
        self.lab.mount_tmpfs(800, 'data')
        self.staging = self.data_directory + '/.restoring'
        self.interrupt_the_hand_over('PG_VERSION', 'base', 'pg_wal')
        self.attach_to_node2('handing over')
        self.assert_left_to_node1()

    def test_at_the_end_of_the_hand_over(self):
        self.interrupt_the_hand_over()
        self.attach_to_node2('handing over')
        self.assert_left_to_node1(self.data_directory)

    def test_the_hint_followed(self):
        self.interrupt_the_hand_over()
        self.attach_to_node2('handing over')
        hint = self.resume().problems()[0][1]
        self.lab.run('rm', '-r', *re.search('rm -r (.*) and run', hint).group(1).split())
        self.node.forget()
        self.assert_done(self.bootstrap())
        self.assertEqual(self.journal()['member'], 'node2')
        self.assert_complete()


class CopiedRestores(PlainCase, SnapshotCase):
    """Staging and journal of an interrupted restore, copied: what lies outside of them is the original's."""

    def setUp(self):
        super().setUp()
        self.space = self.lab.make('space')
        self.make_source('', "create tablespace space location '%s'; create table there (n int) tablespace space; "
                         'insert into there select generate_series(1, %d)' % (self.space, ROWS))
        self.plain.write_batches(*range(1, 7))
        self.lose()
        os.rename(self.space, self.space + '.lost')

    def copy_to(self, directory, *command):
        """A copy, or what else the command makes of it, for another data directory."""
        other = directory + self.staging[len(self.data_directory):]
        for end in ('', '.d'):
            self.lab.run(*(command or ('cp', '-a')), self.staging + end, other + end)
        self.other = directory

    def finish_the_original(self):
        self.assert_done(self.bootstrap())
        self.open()
        self.sql('insert into there select generate_series(1, %d); checkpoint' % ROWS)

    def go_on_with_the_copy(self, block=None, **sections):
        self.data_directory = self.node.data_directory = self.other
        self.configure(block, **sections)

    def assert_refused_for_the_tablespace(self, run):
        for _ in range(2):
            result = run()
            self.assert_refused(result, 9, '%s is not empty' % self.space)
        self.assert_absent()
        return result

    def assert_the_original_lives(self):
        """Its rows are there after its next crash."""
        first = self.server
        first.process.kill()
        first.process.wait()
        os.remove(os.path.join(first.data_directory, 'postmaster.pid'))
        first.start()
        self.assertEqual(first.sql('select count(*) from there'), str(2 * ROWS))

    def test_the_finished_originals_tablespace_is_not_written_to(self):
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        wait_until('the replay', lambda: len(read(self.lab.path('log/asked')).split()) > 3)
        self.lab.kill_all()
        self.result_of(process)
        self.copy_to(self.lab.path('other'))
        self.finish_the_original()
        self.go_on_with_the_copy(scope='another')
        result = self.assert_refused_for_the_tablespace(lambda: self.bootstrap('--scope=another', '--source=fenced'))
        self.assertIn('other.restoring.d/journal.json was copied from elsewhere', result.log)
        self.assert_the_original_lives()

    def test_nor_by_the_copys_resume_while_the_original_runs(self):
        self.kill_after_the_copy()
        self.copy_to(self.lab.path('other'))
        self.finish_the_original()
        self.node.put_key('')
        self.go_on_with_the_copy({'source': 'fenced'})
        self.assert_refused_for_the_tablespace(self.resume)
        self.assert_the_original_lives()

    def test_nor_from_a_mount_point(self):
        self.lab.mount_tmpfs(800, 'data')
        self.staging = self.data_directory + '/.restoring'
        self.kill_after_the_copy()
        self.copy_to(self.lab.mount_tmpfs(800, 'other'))
        self.finish_the_original()
        self.go_on_with_the_copy()
        self.assert_refused_for_the_tablespace(lambda: self.bootstrap('--source=fenced'))
        self.assert_the_original_lives()

    def test_nor_by_another_member(self):
        self.kill_after_the_copy()
        self.copy_to(self.lab.path('other'))
        self.finish_the_original()
        self.go_on_with_the_copy(name='node2')
        result = self.bootstrap('--source=fenced')
        self.assert_refused(result, 9, 'other.restoring is an unfinished restore of member node1, and this is node2')
        self.lab.run('rm', '-r', *re.search('rm -r (.*) and run', result.problems()[0][1]).group(1).split())  # as the hint says
        self.assert_refused_for_the_tablespace(lambda: self.bootstrap('--source=fenced'))
        self.assert_the_original_lives()

    def test_a_renamed_one_takes_the_tablespace_only_when_it_is_empty(self):
        self.kill_after_the_copy()
        self.copy_to(self.lab.path('other'), 'mv')
        self.go_on_with_the_copy()
        self.assert_refused_for_the_tablespace(self.bootstrap)
        os.rename(self.space, self.space + '.of-the-first')
        self.assert_done(self.bootstrap())
        self.open()
        self.assertEqual(self.sql('select count(*) from there'), str(ROWS))
