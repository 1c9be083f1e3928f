"""Directories outside of the staging directory that a restore writes to: whatever stops it there, nothing is lost."""
import glob
import json
import os
import re
import shutil

from bootstrap_case import program, BootstrapCase, PlainCase, read, wait_until
from source_cluster import switch_wal, wait_until_archived

ROWS = 20000


class SpaceCase(PlainCase):
    """The source has a tablespace with a row, and a batch behind its backup."""

    def make_source_with_space(self):
        self.space = self.lab.make('space')
        self.make_source('', "create tablespace space location '%s'; create table there (n int) tablespace space; "
                         'insert into there values (1)' % self.space)
        self.plain.write_batches(1)


class PowerCuts(PlainCase):
    """The data directory on one disk; on another one a mapped tablespace, pg_wal, and a tablespace that the WAL makes."""

    def setUp(self):
        super().setUp()
        self.disk, self.other = self.lab.mount_disk(500, 'disk'), self.lab.mount_disk(400, 'other')
        self.data_directory = self.node.data_directory = os.path.join(self.disk, 'data')
        self.staging = self.data_directory + '.restoring'
        late = os.path.join(self.other, 'late')
        os.mkdir(late)
        self.lab.give(late, 0o700)
        self.make_source('', "create tablespace space location '%s'; create table mapped (n int) tablespace space; "
                         'insert into mapped select generate_series(1, %d)' % (self.lab.make('space'), ROWS),
                         '--waldir=' + self.lab.path('wal-of-the-source'))
        self.plain.sql("create tablespace late location '%s'" % late)
        self.plain.sql('create table made (n int) tablespace late')
        self.plain.sql('insert into made select generate_series(1, %d); insert into mapped select generate_series(1, %d)' % (ROWS, ROWS))
        self.plain.write_batches(*range(1, 7))
        self.lose()
        for place in (late, self.lab.path('space')):
            os.rename(place, place + '.lost')
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write('[demo:restore]\nlink-map=pg_wal=%s\ntablespace-map-all=%s\n' % (os.path.join(self.other, 'wal'), self.other))
        self.lab.run_as_root('sync', '-f', self.disk, self.other)  # the copy flushes nothing of the test's own doing

    def cut_power(self):
        """pg_control and the WAL happen to be kept, as they look the most like a whole replay."""
        self.lab.kill_all()
        self.assert_nothing_runs(tidied=False)
        directory = self.data_directory if os.path.exists(self.data_directory) else self.staging
        kept = glob.glob(directory + '/global/pg_control') + glob.glob(directory + '/pg_wal/0*')
        if kept:
            self.lab.run_as_root('sync', *kept)
        self.lab.cut_power(self.disk)
        self.lab.cut_power(self.other)

    def assert_all_there(self):
        self.open()
        self.assertEqual(self.sql('select (select count(*) from mapped), (select count(*) from made)'), '%d|%d' % (2 * ROWS, ROWS))
        self.assert_rows(6, doomed=False)
        self.assertEqual(os.readlink(os.path.join(self.data_directory, 'pg_wal')), os.path.join(self.other, 'wal'))

    def assert_done_again(self):
        self.assert_absent()
        self.configure()
        self.assert_done(self.bootstrap())
        self.assert_all_there()

    def held(self, body):
        """A bootstrap that is held where `body` of its pgbackrest writes `reached`."""
        self.process = self.start_bootstrap('--pgbackrest=' + self.wrap_pgbackrest(body))
        wait_until('it to be reached', lambda: os.path.exists(self.lab.path('log/reached')))

    def test_in_the_copy(self):
        self.held('''if [ $VERB = restore ]; then
  pgbackrest "$@" & until [ -e %s/space/PG_* ] || ! kill -0 $!; do :; done; kill -STOP $!; touch %s; wait $!; exit
fi''' % (self.other, self.lab.path('log/reached')))
        self.cut_power()
        self.assert_done_again()

    def test_after_the_copy(self):
        self.held('[ $VERB != restore ] || { pgbackrest "$@"; touch %s; sleep 100; }' % self.lab.path('log/reached'))
        self.cut_power()
        self.assert_done_again()

    def test_in_the_replay(self):
        self.process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        wait_until('the rows to be replayed', lambda: sum(map(os.path.getsize, glob.glob(self.other + '/late/PG_*/*/*'))) > 100000)
        self.cut_power()
        self.assert_done_again()

    def test_after_the_replay(self):
        self.configure(postgresql={'bin_dir': self.wrapped_binaries('pg_controldata', """grep -q recovered %s && kill -9 $PPID
exec %s "$@"
""" % (self.staging + '.d/journal.json', os.path.join(self.lab.bin_directory, 'pg_controldata')))})
        self.assertEqual(self.bootstrap().code, -9)
        self.cut_power()
        self.assert_done_again()

    def test_after_the_hand_over(self):
        self.assert_done(self.bootstrap())
        self.cut_power()
        self.assert_all_there()


class DisksOfTheWal(PlainCase):
    """pg_wal has a small disk of its own, and there is much more WAL than it has room for."""

    def setUp(self):
        super().setUp()
        self.wal = self.lab.mount_tmpfs(48, 'wal')
        self.make_source('', '', '--wal-segsize=1', '--waldir=' + self.lab.path('wal-of-the-source'))
        self.plain.sql('create table filling (n text)')
        for _ in range(12):
            self.plain.sql("insert into filling select repeat('x', 1000) from generate_series(1, 8000)")
            self.plain.sql('vacuum filling')  # or the first look at the rows after the restore writes as much WAL again
            self.plain.sql('checkpoint')
        self.plain.write_batches(1)
        self.lose()
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write('[demo:restore]\nlink-map=pg_wal=%s\n' % self.lab.make('wal/pg_wal'))

    def test_the_replay_keeps_no_more_than_its_disk_holds(self):
        self.assert_done(self.bootstrap())
        self.open('max_wal_size=8MB', 'min_wal_size=2MB')
        self.assertEqual(self.sql('select count(*) from filling'), '96000')

    def test_one_that_is_full_is_named_and_goes_on_when_it_has_room(self):
        filler = self.lab.write('wal/filler', 'x' * (45 << 20))
        self.assert_refused(self.bootstrap('--retry=0'), 11, 'the disk of %s is full' % os.path.join(self.wal, 'pg_wal'), 'make room')
        os.remove(filler)
        self.assert_done(self.bootstrap())
        self.open('max_wal_size=8MB', 'min_wal_size=2MB')
        self.assertEqual(self.sql('select count(*) from filling'), '96000')


class DisksOfTablespaces(PlainCase):
    """A tablespace goes to a disk of its own that has no room for it; the data directory's has enough for everything."""

    def setUp(self):
        super().setUp()
        self.place = self.lab.mount_tmpfs(8, 'small')
        self.make_source('', "create tablespace space location '%s'; create table mapped (n text) tablespace space; "
                         "insert into mapped select repeat('x', 1000) from generate_series(1, %d)" % (self.lab.make('space'), ROWS))
        self.plain.write_batches(1)
        self.lose()
        os.rename(self.lab.path('space'), self.lab.path('space.lost'))
        self.configure({'tablespace-map': {'space': self.place}})

    def assert_refused_before_the_copy(self):
        self.assert_refused(self.bootstrap(), 3, r'backup set .* has 2\d MB for the disk of %s, and it has room for 8 MB' % self.place,
                            'make room there, or give what goes there another place with tablespace-map')
        self.assertEqual(os.listdir(self.place), [])
        self.assert_absent()
        self.assertFalse(os.path.exists(self.staging))

    def assert_all_there(self):
        self.assert_done(self.bootstrap())
        self.open()
        self.assertEqual(self.sql('select count(*) from mapped'), str(ROWS))

    def test_one_without_room_is_refused_until_it_has_some(self):
        self.assert_refused_before_the_copy()
        self.lab.run_as_root('mount', '-o', 'remount,size=60m', self.place)
        self.assert_all_there()

    def test_or_until_the_tablespace_goes_elsewhere(self):
        self.assert_refused_before_the_copy()
        self.configure({'tablespace-map': {'space': self.lab.make('roomy')}})
        self.assert_all_there()

    def test_without_a_manifest_the_disks_count_together(self):
        self.assert_refused(self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            'if [ $VERB = repo-get ] && [[ $* = *backup.manifest ]]; then exit 40; fi')), 11, 'No space left on the disk of')


class LinksThatAMapMakes(BootstrapCase):
    def setUp(self):
        super().setUp()
        if self.lab.pgbackrest_version() < (2, 36):
            self.skipTest('before 2.36 link-map moves links and makes none')
        self.wal = self.lab.make('wal')
        self.configure({'link-map': {'pg_wal': self.wal}})

    def test_one_that_holds_something_is_refused(self):
        self.lab.write('wal/mine', '')
        self.assert_refused(self.bootstrap(), 9, 'wal is not empty')
        self.assertEqual(os.listdir(self.wal), ['mine'])

    def test_one_that_is_not_there_is_made_and_known_to_the_next_run(self):
        absent = self.lab.path('absent/wal')
        self.configure({'link-map': {'pg_wal': absent}})
        killed = self.wrap_pgbackrest('if [ $VERB = restore ] && [ $(count) = 1 ]; then kill -9 $PPID; sleep 1; fi')
        self.assertEqual(self.bootstrap('--pgbackrest=' + killed).code, -9)
        self.assertEqual(os.listdir(absent), [])
        self.assertEqual(os.stat(absent).st_mode & 0o777, 0o700)
        self.assert_done(self.bootstrap())
        self.assertEqual(os.readlink(os.path.join(self.data_directory, 'pg_wal')), absent)
        self.assert_complete()

    def test_killed_before_the_manifest_is_there(self):
        killed = self.wrap_pgbackrest('if [ $VERB = restore ] && [ $(count) = 1 ]; then mkdir %s/archive_status; kill -9 $PPID; fi' % self.wal)
        self.assertEqual(self.bootstrap('--pgbackrest=' + killed).code, -9)
        self.assert_done(self.bootstrap())
        self.assertEqual(os.readlink(os.path.join(self.data_directory, 'pg_wal')), self.wal)
        self.assert_complete()


class AbsentTablespaces(SpaceCase):
    """The disk of a tablespace is not mounted at first, and then it is, with the lost cluster's files."""

    def setUp(self):
        super().setUp()
        self.make_source_with_space()
        self.lose()
        os.rename(self.space, self.space + '.lost')
        self.wrapped = '--pgbackrest=' + self.wrap_pgbackrest(
            'if [ $VERB = restore ] && [ $(count) = 1 ]; then ls -A %s >%s; kill -9 $PPID; exit 1; fi' % (self.space, self.lab.path('log/seen')))

    def contents(self):
        return self.lab.run('find', self.space, '-type', 'f', '-printf', '%P %s %i\n')

    def assert_refused_and_untouched(self):
        before = self.contents()
        self.assertIn('precious', before)
        for _ in range(2):
            self.assert_refused(self.bootstrap(), 9, '%s is not empty, and the backup has a tablespace or a link there' % self.space,
                                'move what is in it away')
        self.assertEqual(self.contents(), before)
        self.assert_absent()

    def assert_restored(self):
        self.assert_done(self.bootstrap())
        self.open()
        self.assertEqual(self.sql('select count(*) from there'), '1')

    def mount(self):
        os.rmdir(self.space)
        os.rename(self.space + '.lost', self.space)
        self.lab.write(os.path.join(glob.glob(self.space + '/PG_*')[0], 'precious'), 'the only copy')

    def test_what_is_mounted_after_a_kill_in_the_copy_is_not_taken(self):
        self.assertEqual(self.bootstrap(self.wrapped).code, -9)
        self.assertEqual(read(self.lab.path('log/seen')), '')
        self.assertIn(self.space, json.loads(read(self.staging + '.d/journal.json'))['births'])
        self.mount()
        self.assert_refused_and_untouched()
        os.rename(self.space, self.space + '.lost')
        self.assert_restored()

    def test_nor_where_the_journal_does_not_say_which_directory_it_was(self):
        self.assertEqual(self.bootstrap(self.wrapped).code, -9)
        journal = json.loads(read(self.staging + '.d/journal.json'))
        self.lab.write('data.restoring.d/journal.json', json.dumps(dict(journal, births={})))
        self.mount()
        self.assert_refused_and_untouched()

    def test_what_the_restore_itself_has_filled_is_gone_on_with(self):
        self.assertEqual(self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            'if [ $VERB = restore ]; then pgbackrest "$@"; kill -9 $PPID; exit 1; fi')).code, -9)
        self.assertEqual(len(glob.glob(self.space + '/PG_*')), 1)
        self.assert_restored()


class PlacesInTheDataDirectory(PlainCase):
    def assert_refused_before_the_copy(self, place, *arguments):
        message = 'would be restored to %s, which lies in %s' % (place, self.data_directory)
        for _ in range(2):
            self.assert_refused(self.bootstrap(*arguments), 3, message, 'give it a place outside of the data directory')
        check = self.run_program(program(), 'check', '--patroni-config=' + self.yml, *arguments)
        self.assertEqual(check.code, 3)
        self.assertRegex(check.log, 'ERROR +place-inside: .*' + message)
        self.assert_absent()
        self.assertFalse(os.path.exists(self.staging))

    def test_they_are_refused_before_the_copy(self):
        space = self.lab.make('space')
        self.make_source('', "create tablespace space location '%s'; create table there (n int) tablespace space; "
                         'insert into there values (1)' % space)
        self.plain.write_batches(1)
        self.lose()
        os.rename(space, space + '.lost')
        inside = os.path.join(self.data_directory, 'space')
        self.assert_refused_before_the_copy(inside, '--tablespace-map=space=' + inside)
        self.assert_refused_before_the_copy(inside, '--tablespace-map-all=' + self.data_directory)
        wal = os.path.join(self.data_directory, 'wal')
        self.assert_refused_before_the_copy(wal, '--link-map=pg_wal=' + wal)
        self.assert_done(self.bootstrap())
        self.open()
        self.assertEqual(self.sql('select count(*) from there'), '1')


class ReusedDirectories(SpaceCase):
    """A copy of a data directory has the links of the original."""

    def setUp(self):
        super().setUp()
        self.make_source_with_space()
        self.plain.sql('checkpoint')
        wait_until_archived(self.plain, switch_wal(self.plain))
        shutil.copytree(self.plain.server.data_directory, self.lab.path('old'), symlinks=True)
        self.lab.run_as_root('chown', '-hR', 'postgres:', self.lab.path('old'))
        self.given = ('--source=fenced', '--reuse-data=' + self.lab.path('old'))

    def contents(self):
        found = {}
        for name in glob.glob(self.space + '/PG_*/*/*'):
            with open(name, 'rb') as file:
                found[name] = file.read()
        return found

    def restore_elsewhere(self):
        self.pgbackrest_configuration = self.lab.write('restore.conf', read(self.lab.path('pgbackrest.conf')).replace(
            'pg1-path=' + self.plain.server.data_directory, 'pg1-path=' + self.data_directory))
        self.configure()

    def test_a_living_servers_tablespace_is_not_taken(self):
        self.restore_elsewhere()
        os.remove(self.lab.path('old/postmaster.pid'))
        before = self.contents()
        for more in ((), ('--tablespace-map=space=' + self.space,)):
            self.assert_refused(self.bootstrap(*self.given, *more), 9, r'reuse-data .*: process %d has %s as its own'
                                % (self.plain.server.process.pid, self.space))
        self.assertEqual(self.contents(), before)
        self.plain.server.stop()

    def test_nor_a_stopped_ones_unless_it_is_named(self):
        self.lose()
        before = self.contents()
        self.assert_refused(self.bootstrap(*self.given), 9, 'a link of it leads to %s, and what is there would be overwritten' % self.space)
        self.assertEqual(self.contents(), before)
        self.assert_done(self.bootstrap(*self.given, '--tablespace-map=space=' + self.space))
        self.open()
        self.assertEqual(self.sql('select count(*) from there'), '1')

    def test_auto_leaves_alone_what_leads_elsewhere(self):
        self.lose()
        failed = self.data_directory + '.failed'
        os.rename(self.lab.path('old'), failed)
        before = self.contents()
        result = self.bootstrap('--source=fenced', '--reuse-data=auto', '--tablespace-map=space=' + self.lab.make('elsewhere'))
        self.assert_done(result)
        self.assertRegex(result.log, r'reuse-data: auto passes over %s: pg_tblspc/\d+ in it is a symbolic link' % re.escape(failed))
        self.assertEqual(self.contents(), before)
        self.assertTrue(os.path.exists(failed))
        self.open()
        self.assertEqual(self.sql('select count(*) from there'), '1')
