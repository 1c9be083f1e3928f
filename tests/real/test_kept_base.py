"""A clone of the copy is kept until the hand-over: another target, or a replay after one that failed, begins with it."""
import json
import os

from bootstrap_case import BootstrapCase, read, wait_until
from lab import has_file_system


class KeptBaseCase(BootstrapCase):
    """A disk, and what is counted."""

    SYSTEM = 'xfs'

    def setUp(self):
        if not has_file_system(self.SYSTEM):
            self.skipTest('needs mkfs.%s, and a kernel that mounts it' % self.SYSTEM)
        super().setUp()
        self.disk = self.lab.mount_disk(3000, 'disk', system=self.SYSTEM)
        self.restore_to(os.path.join(self.disk, 'data'))

    def restore_to(self, data_directory):
        self.data_directory = self.node.data_directory = data_directory
        self.staging = os.path.join(data_directory, '.restoring') if os.path.ismount(data_directory) else data_directory + '.restoring'
        self.base = self.staging + '.d/base'
        self.lab.pgbackrest_configuration(data_directory, self.node.port, settings={'archive-timeout': '2'})
        self.configure({'pgbackrest': self.counting_pgbackrest()})

    def counting_pgbackrest(self, body='true'):
        return self.wrap_pgbackrest('[ $VERB != restore ] || echo . >>%s\n%s' % (self.lab.path('log/restores'), body))

    def restores(self):
        return read(self.lab.path('log/restores')).count('.')

    def journal(self):
        return json.loads(read(self.staging + '.d/journal.json'))

    def assert_kept(self):
        self.assertIn('base', self.journal())
        self.assertTrue(os.path.exists(self.base + '/PG_VERSION'))

    def miss_the_target(self, kind='xid', target='4000000'):
        """The replay comes to its end, and the target was not in it."""
        self.assert_refused(self.bootstrap(self.by_set(), '--type=' + kind, '--target=' + target), 4,
                            'the archive does not reach the target %s %s' % (kind, target))
        self.assert_absent()
        self.assert_kept()

    def restore_batches(self, batches, kind='time'):
        """To a target with exactly its rows; the log."""
        result = self.bootstrap('--type=' + kind, '--target=' + self.target(kind, batches))
        self.assert_done(result)
        self.assertFalse(os.path.lexists(self.base))
        self.assertNotIn('base', self.journal())
        self.assert_complete(batches)
        return result.log

    def killed_at(self, number, *arguments):
        """A bootstrap that is killed when it has cloned so many files and directories, with all that it started."""
        result = self.run_program(
            'strace', '-f', '-b', 'execve', '-o', self.lab.path('strace'), '-e', 'trace=?lchown,?fchownat',
            '-e', 'inject=?lchown,?fchownat:signal=KILL:when=%d' % number, *self.command(*arguments))
        self.assertEqual(result.code, -9, result.log)
        self.lab.kill_all()
        self.assert_nothing_runs(tidied=False)


class KeptBase(KeptBaseCase):
    def test_another_target_is_not_copied_again(self):
        self.miss_the_target()
        self.miss_the_target('name', 'no_such_point')
        self.assertIn('nothing is copied from the repository', self.restore_batches(5))
        self.assertEqual(self.restores(), 1)

    def with_a_failing_syncfs(self, number):
        return self.run_program('strace', '-f', '-b', 'execve', '-o', self.lab.path('strace'), '-e', 'trace=syncfs',
                                '-e', 'inject=syncfs:error=EIO:when=%d' % number, *self.command())

    def test_an_error_of_the_disk_before_the_copy_is_a_warning(self):
        result = self.with_a_failing_syncfs(1)
        self.assert_done(result)
        self.assertIn('before this restore something could not be written to the file system of', result.log)
        self.assert_complete()

    def test_after_a_write_that_failed_neither_the_copy_nor_the_clone_is_believed(self):
        self.assert_refused(self.with_a_failing_syncfs(2), 11,
                            'cannot write everything to the file system of .*/disk/data.restoring.d: Input/output error', 'dmesg')
        self.assert_absent()
        self.assertFalse(os.path.lexists(self.base))
        self.assertFalse(os.path.lexists(self.staging + '/global/pg_control'))
        self.assertEqual(self.journal()['phase'], 'copying')
        self.assert_done(self.bootstrap())
        self.assertEqual(self.restores(), 2)
        self.assert_complete()

    def test_nor_after_a_record_that_is_damaged(self):
        self.damage_wal(7)
        self.assert_refused(self.bootstrap(), 7, 'damaged')
        self.assert_kept()
        self.restore_batches(6, 'lsn')
        self.assertEqual(self.restores(), 1)

    def test_a_replay_that_fails_a_second_time_is_checked_against_the_backup(self):
        self.damage_wal(7)
        self.assert_refused(self.bootstrap(), 7, 'damaged')
        self.assert_refused(self.bootstrap('--type=time', '--target=' + self.target('time', 9)), 7, 'damaged')
        self.assertFalse(os.path.lexists(self.base))
        self.restore_batches(6, 'lsn')
        self.assertEqual(self.restores(), 2)

    def test_in_a_mount_point(self):
        self.restore_to(self.disk)
        self.miss_the_target()
        self.restore_batches(5)
        self.assertEqual(self.restores(), 1)

    def test_another_backup_set_is_copied(self):
        self.miss_the_target()
        self.restore_batches(2)
        self.assertEqual(self.restores(), 2)

    def test_a_clone_is_what_was_copied(self):
        copied = self.lab.path('log/copied')
        look = 'cd %s && { find . -type d -printf "%%p %%m %%U:%%G %%T@\\n" -o -printf "%%p %%y %%m %%U:%%G %%s %%T@ %%l\\n"; find . -type f -exec md5sum {} +; }'
        self.configure({'pgbackrest': self.wrap_pgbackrest(
            'if [ $VERB = restore ]; then pgbackrest "$@" || exit; %s >%s; exit; fi' % (look % self.staging, copied))})
        self.miss_the_target()
        cloned = self.lab.run('bash', '-c', look % self.base)
        self.assertGreater(len(read(copied).split('\n')), 1000)
        self.assertEqual(sorted(cloned.strip().split('\n')), sorted(read(copied).strip().split('\n')))

    def test_killed_while_it_is_made(self):
        self.killed_at(100)
        self.assertTrue(os.path.isdir(self.base))
        self.assertEqual(self.journal()['phase'], 'copied')
        self.assertNotIn('base', self.journal())
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('the copy of an earlier run is complete', result.log)
        self.assertFalse(os.path.lexists(self.base))
        self.assertEqual(self.restores(), 1)
        self.assert_complete()

    def test_killed_while_it_is_made_and_another_target_asked_for(self):
        self.killed_at(100)
        self.restore_batches(5)
        self.assertEqual(self.restores(), 2)

    def test_killed_while_it_is_taken(self):
        self.miss_the_target()
        self.killed_at(100, '--type=time', '--target=' + self.target('time', 5))
        self.assertEqual(self.journal()['phase'], 'copying')
        self.assert_kept()
        self.restore_batches(5)
        self.assertEqual(self.restores(), 1)

    def test_it_is_not_believed_after_a_power_cut(self):
        self.miss_the_target()
        self.lab.cut_power(self.disk)
        self.restore_batches(5)
        self.assertEqual(self.restores(), 2)

    def test_a_disk_that_gets_full_loses_it(self):
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        self.wait_for_replay_of(4)
        self.assert_kept()
        facts = os.statvfs(self.disk)
        self.lab.run('fallocate', '-l', str(facts.f_bavail * facts.f_frsize - (900 << 20)), os.path.join(self.disk, 'filler'))
        wait_until('the clone to be removed', lambda: not os.path.lexists(self.base), 10)
        result = self.result_of(process)
        self.assert_done(result)
        self.assertIn('less than 1 GiB or 5 % of the disk is free: the clone of the copy is removed', result.log)
        self.assertFalse(os.path.lexists(self.base + '.removed'))
        self.assert_complete()

    def test_killed_while_it_is_removed_behind_the_hand_over(self):
        self.assert_done(self.bootstrap())
        for left in (self.base, self.base + '.removed'):
            self.lab.run('cp', '-a', self.data_directory, left)
        os.rename(self.data_directory, self.data_directory + '.failed')  # as Patroni does
        self.assert_done(self.bootstrap())
        for left in (self.base, self.base + '.removed'):
            self.assertFalse(os.path.lexists(left))
        self.assert_complete()


class KeptBaseOnBtrfs(KeptBase):
    SYSTEM = 'btrfs'
    test_it_is_not_believed_after_a_power_cut = None  # mounts are not told apart, so it is flushed before it is noted

    def test_it_is_whole_after_a_power_cut(self):
        self.miss_the_target()
        self.lab.cut_power(self.disk)
        self.restore_batches(5)
        self.assertEqual(self.restores(), 1)

    def test_in_a_subvolume(self):
        """It is another device, and no rename leads into it, as with a mount point."""
        data = os.path.join(self.disk, 'data')
        self.lab.run_as_root('btrfs', 'subvolume', 'create', data)
        self.lab.give(data, 0o700)
        self.restore_to(data)
        self.assertTrue(self.staging.startswith(data + '/'))
        self.miss_the_target()
        self.restore_batches(5)
        self.assertEqual(self.restores(), 1)

    def test_a_data_directory_that_is_changed_in_place(self):
        os.mkdir(self.data_directory)
        self.lab.give(self.data_directory, 0o700)
        self.lab.run_as_root('chattr', '+C', self.data_directory)
        self.miss_the_target()
        self.restore_batches(5)
        self.assertEqual(self.restores(), 1)
        for name in ('.', 'base', 'base/1', 'global/pg_control'):
            self.assertIn('C', self.lab.run('lsattr', '-d', os.path.join(self.data_directory, name)).split()[0], name)


class WithoutClones(KeptBaseCase):
    SYSTEM = 'ext4'

    def test_another_target_is_copied_with_delta(self):
        self.assert_refused(self.bootstrap(self.by_set(), '--type=xid', '--target=4000000'), 4, 'the archive does not reach the target')
        self.assertFalse(os.path.lexists(self.base))
        self.restore_batches(5)
        self.assertEqual(self.restores(), 2)
