"""Tablespaces that were made after the backup: PostgreSQL takes over whatever lies in their directories."""
import glob
import gzip
import json
import os
import re
import shutil

from bootstrap_case import PlainCase, read, wait_until
from source_cluster import switch_wal, wait_until_archived

ROWS = 20000


class MadeBehindTheTarget(PlainCase):
    """PostgreSQL 15 and later may read ahead of the target, over segments that have little in them."""

    def test_what_lies_in_its_place_does_not_matter(self):
        self.make_source()
        place = self.lab.make('late')
        target = self.plain.write_batches(1)[1]['name']
        for _ in range(2):
            switch_wal(self.plain)
        self.plain.sql("create tablespace late location '%s'" % place)
        self.plain.sql('create table elsewhere (n int) tablespace late')
        self.lose()
        major = int(os.path.basename(os.path.dirname(self.lab.bin_directory)))
        ahead = ['--replay-setting=recovery_prefetch=on'] if major >= 15 else []
        self.assert_done(self.bootstrap(*ahead, '--type=name', '--target=' + target, '--target-timeline=1'))
        self.assertEqual(len(os.listdir(place)), 1)


class MadeInTheWal(PlainCase):
    def setUp(self):
        super().setUp()
        self.make_source()
        self.place = self.lab.make('late')
        self.first = self.plain.write_batches(1)[1]
        self.plain.write_batches(9)  # a replay to the first ends with this commit, not with that of what follows
        self.plain.sql("create tablespace late location '%s'" % self.place)
        self.plain.sql('create table elsewhere (n int) tablespace late')
        self.plain.sql('insert into elsewhere select generate_series(1, %d)' % ROWS)
        self.few = self.plain.write_batches(2)[2]
        self.plain.sql('insert into elsewhere select generate_series(1, %d)' % (9 * ROWS))
        self.plain.sql('checkpoint')
        self.targets = self.plain.write_batches(3)

    def lose_all(self):
        self.lose()
        shutil.rmtree(self.place)

    def to_few(self, *options):
        return self.bootstrap('--type=time', '--target=' + self.few['time'], *options)

    def assert_elsewhere(self, rows):
        self.open()
        self.assertEqual(self.sql('select count(*) from elsewhere'), str(rows))

    def contents(self):
        return sorted(os.path.join(directory, name) for directory, _, names in os.walk(self.place) for name in names)

    def test_files_of_the_lost_cluster_are_neither_used_nor_touched(self):
        self.lose()
        before = self.contents()
        self.assert_refused(self.to_few(), 9, 'the WAL makes a tablespace in %s, which holds' % self.place, 'move them away')
        self.assertEqual(self.contents(), before)
        self.assert_absent()
        os.rename(self.place, self.place + '.lost')
        self.assert_done(self.to_few())
        self.assert_elsewhere(ROWS)

    def test_nor_for_the_latest_point(self):
        self.lose()
        self.assert_refused(self.bootstrap(), 9, 'the WAL makes a tablespace')
        os.rename(self.place, self.place + '.lost')
        self.assert_done(self.bootstrap())
        self.assert_elsewhere(10 * ROWS)

    def test_one_that_is_made_behind_the_target_does_not_matter(self):
        self.lose()
        for kind in ('time', 'lsn', 'xid', 'name'):
            self.assert_done(self.bootstrap('--type=' + kind, '--target=' + self.first[kind], '--target-timeline=1'))
            shutil.rmtree(self.data_directory)
        self.assertNotEqual(self.contents(), [])

    def test_a_living_sources_tablespace_is_not_written_to(self):
        wait_until_archived(self.plain, switch_wal(self.plain))
        configuration = read(self.lab.path('pgbackrest.conf')).replace(
            'pg1-path=' + self.plain.server.data_directory, 'pg1-path=' + self.data_directory)
        self.pgbackrest_configuration = self.lab.write('restore.conf', configuration)
        self.configure()
        self.assert_refused(self.to_few(), 9, 'the WAL makes a tablespace in')
        self.plain.server.process.kill()
        self.plain.server.process.wait()
        os.remove(os.path.join(self.plain.server.data_directory, 'postmaster.pid'))
        self.plain.start_again()
        self.assertEqual(self.plain.sql('select count(*) from elsewhere'), str(10 * ROWS))
        self.plain.server.stop()

    def try_in_vain(self):
        """Killed in the replay to the latest point, behind the rows that were inserted last."""
        self.lose_all()
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        wait_until('the rows to be replayed', lambda: sum(map(os.path.getsize, self.contents())) > 3000000)
        process.kill()
        self.result_of(process)

    def test_what_an_earlier_try_made_there_is_removed_first(self):
        self.try_in_vain()
        result = self.to_few()
        self.assert_done(result)
        self.assertRegex(result.log, "WARNING: %s: what an earlier try's replay made there is removed" % self.place)
        self.assert_elsewhere(ROWS)

    def test_the_same_request_again_goes_on(self):
        self.try_in_vain()
        self.assert_done(self.bootstrap())
        self.assert_elsewhere(10 * ROWS)

    def test_a_server_that_has_it_meanwhile_keeps_it(self):
        self.try_in_vain()
        # All that is looked at of a server: where it runs, and its links.
        os.symlink(self.place, os.path.join(self.lab.make('alive/pg_tblspc'), '16390'))
        self.lab.write('alive/PG_VERSION', '15\n')
        server = self.lab.start('alive', 'bash', '-c', 'cd %s && exec -a postgres sleep 100' % self.lab.path('alive'))
        before = self.contents()
        self.assert_refused(self.to_few(), 9, 'was a tablespace of an earlier try, and process %d has it' % server.pid)
        self.assertEqual(self.contents(), before)

    def test_what_was_handed_over_belongs_to_its_cluster(self):
        self.lose_all()
        self.assert_done(self.bootstrap())
        shutil.rmtree(self.data_directory)
        self.assert_refused(self.to_few(), 9, 'the WAL makes a tablespace in')

    def test_a_directory_of_another_user_is_named(self):
        if os.getuid() != 0:
            self.skipTest('needs root')
        self.lose_all()
        os.mkdir(self.place, 0o777)
        os.chmod(self.place, 0o777)
        self.assert_refused(self.to_few(), 7, 'the WAL makes a tablespace in %s, which belongs to another user' % self.place, 'chown')

    def test_a_directory_that_is_not_there_is_made(self):
        self.lose_all()
        self.assert_done(self.to_few())
        self.assert_elsewhere(ROWS)

    def test_a_directory_that_cannot_be_made_is_named(self):
        self.lose_all()
        self.lab.run('ln', '-s', '/proc/nowhere', self.place)
        self.assert_refused(self.to_few(), 7, 'the WAL makes a tablespace in %s, which cannot be made' % self.place, 'mkdir -p')
        os.remove(self.place)
        self.assert_done(self.to_few())
        self.assert_elsewhere(ROWS)

    def test_a_mount_points_lost_and_found_does_not_matter(self):
        self.lose_all()
        self.lab.make('late')
        self.lab.make('late/lost+found')
        self.assert_done(self.to_few())
        self.assert_elsewhere(ROWS)

    # Patroni mode: the recovery is Patroni's PostgreSQL's, in the directory that it was handed over.

    def hand_over_to_patroni(self, block=None, **target):
        self.settings = self.recovery_conf(**target)
        self.configure({**(block or {}), 'recovery_conf': self.settings})
        self.assert_done(self.bootstrap())
        self.lab.write('data/postgresql.conf', "include 'postgresql.base.conf'\n" + ''.join(
            "%s = '%s'\n" % setting for setting in self.settings.items()))

    def hand_over_few_to_patroni(self):
        self.hand_over_to_patroni({'type': 'time', 'target': self.few['time'], 'target-timeline': 1}, time=self.few['time'], timeline='1')

    def assert_recovery_refused(self):
        before = self.contents()
        done = self.lab.attempt(self.lab.bin_directory + '/postgres', '-D', self.data_directory, '-c', 'listen_addresses=',
                                '-c', 'unix_socket_directories=' + self.lab.directory, seconds=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('the WAL makes a tablespace in ' + self.place, done.stdout + done.stderr)
        self.assertEqual(self.contents(), before)

    def assert_recovers(self, rows):
        self.open()
        wait_until('the recovery to end', lambda: self.sql('select pg_is_in_recovery()') == 'f')
        self.assertEqual(self.sql('select count(*) from elsewhere'), str(rows))
        # Patroni may set the directory aside with its tablespaces.
        self.assertIn(self.place, json.loads(read(self.staging + '.d/journal.json'))['outside'])

    def test_patronis_own_server_is_given_no_files_of_the_lost_cluster(self):
        self.lose()
        self.hand_over_few_to_patroni()
        self.assert_recovery_refused()
        os.rename(self.place, self.place + '.lost')
        self.assert_recovers(ROWS)

    def test_patronis_own_server_is_given_none_for_the_latest_point_either(self):
        self.lose()
        self.hand_over_to_patroni()
        self.assert_recovery_refused()
        os.rename(self.place, self.place + '.lost')
        self.assert_recovers(10 * ROWS)

    def record_that_makes_it(self):
        """Its position, from the archive."""
        self.lab.make('wal')
        for archived in glob.glob(self.repository + '/archive/demo/*/*/0*.gz'):
            with gzip.open(archived) as file, open(self.lab.path('wal', os.path.basename(archived)[:24]), 'wb') as segment:
                shutil.copyfileobj(file, segment)
        segments = sorted(os.listdir(self.lab.path('wal')))
        shown = self.lab.attempt('pg_waldump', '--path=' + self.lab.path('wal'), '--rmgr=Tablespace', segments[0], segments[-1])
        return re.search(r'lsn: ([0-9A-F]+/[0-9A-F]+), .*CREATE \d+ "%s"' % self.place, shown.stdout).group(1)

    def test_patronis_own_server_stops_in_front_of_it_at_an_exclusive_lsn(self):
        """The record that makes it is the first one from there on: what lies in its place does not matter."""
        self.lose()
        before, lsn = self.contents(), self.record_that_makes_it()
        self.hand_over_to_patroni({'type': 'lsn', 'target': lsn, 'target-exclusive': True, 'target-timeline': 1},
                                  lsn=lsn, inclusive='false', timeline='1')
        self.open()
        wait_until('the recovery to end', lambda: self.sql('select pg_is_in_recovery()') == 'f')
        self.assertEqual(self.sql("select to_regclass('elsewhere') is null, (select count(*) from pg_tablespace where spcname = 'late'), "
                                  '(select max(batch) from kept)'), 't|0|9')
        self.assertEqual(self.contents(), before)

    def test_patronis_own_server_finds_the_directory_made(self):
        self.lose_all()
        self.hand_over_few_to_patroni()
        self.assert_recovers(ROWS)

    def test_patronis_own_server_goes_on_with_what_it_made_itself(self):
        self.lose_all()
        self.hand_over_to_patroni({'pgbackrest': self.slow_pgbackrest()})
        self.lab.start('patronis', self.lab.bin_directory + '/postgres', '-D', self.data_directory, '-c', 'listen_addresses=',
                       '-c', 'unix_socket_directories=' + self.lab.directory)
        wait_until('the rows to be replayed', lambda: sum(map(os.path.getsize, self.contents())) > 3000000)
        self.lab.kill_all()
        self.assert_recovers(10 * ROWS)

    def test_patronis_own_server_is_given_no_files_of_an_earlier_try(self):
        # That try was another request's: its files are removed before Patroni's PostgreSQL can find them.
        self.try_in_vain()
        self.hand_over_few_to_patroni()
        self.assertEqual(self.contents(), [])
        self.assert_recovers(ROWS)


class MadeAgainInTheWal(PlainCase):
    """A tablespace of the backup is dropped after it, and made again in the same directory."""

    def setUp(self):
        super().setUp()
        self.place = self.lab.make('again')
        self.make_source('', "create tablespace again location '%s'; create table first (n int) tablespace again; "
                         'insert into first select generate_series(1, %d)' % (self.place, ROWS))
        self.plain.write_batches(1)
        self.plain.sql('drop table first')
        self.plain.sql('drop tablespace again')
        self.plain.write_batches(2)
        self.plain.sql("create tablespace again location '%s'" % self.place)
        self.plain.sql('create table second (n int) tablespace again')
        self.plain.sql('insert into second select generate_series(1, %d)' % ROWS)
        self.plain.write_batches(3)
        self.lose()

    def assert_second_there(self):
        self.open()
        wait_until('the recovery to end', lambda: self.sql('select pg_is_in_recovery()') == 'f')
        self.assertEqual(self.sql("select (select count(*) from second), to_regclass('first') is null"), '%d|t' % ROWS)

    def test_for_the_latest_point(self):
        os.rename(self.place, self.place + '.lost')
        self.assert_done(self.bootstrap())
        self.assert_second_there()

    def test_by_patronis_own_server(self):
        settings = self.recovery_conf()
        self.configure({'recovery_conf': settings})
        self.assert_refused(self.bootstrap(), 9, '%s is not empty' % self.place)
        os.rename(self.place, self.place + '.lost')
        self.assert_done(self.bootstrap())
        self.lab.write('data/postgresql.conf', "include 'postgresql.base.conf'\n" + ''.join(
            "%s = '%s'\n" % setting for setting in settings.items()))
        self.assert_second_there()
