"""The scratch directory of rehearse: which it takes, and what it leaves there, whenever it ends."""
import os
import re
import shlex
import unittest

from bootstrap_case import BATCHES, PlainCase, program, read, wait_until
from rehearsal_case import SLEEP, RehearsalCase
from source_cluster import switch_wal, wait_until_archived


class ScratchDirectories(RehearsalCase):
    def refuse(self, scratch, code, message):
        self.scratch = scratch
        result = self.run_program(*self.command_of())
        self.assert_refused(result, code, message)
        self.hint = result.problems()[0][1]

    def follow(self, pattern):
        """Does, as this user, what the hint of the refusal says."""
        self.lab.run_as_root('sh', '-c', re.search(pattern, self.hint).group(0))

    def test_it_is_nobody_s_and_apart_from_the_data_directory(self):
        self.refuse(self.data_directory, 9, 'are not apart')
        self.refuse(self.data_directory + '/scratch', 9, 'are not apart')
        self.refuse(self.lab.directory, 9, 'are not apart')
        self.refuse(self.staging, 9, 'are not apart')
        self.lab.make('somebody')
        self.lab.write('somebody/file', 'mine')
        self.refuse(self.lab.path('somebody'), 9, 'is not empty')
        self.assertEqual(os.listdir(self.lab.path('somebody')), ['file'])

    def test_a_refusal_is_in_history_and_metrics(self):
        self.configure({'metrics-file': self.lab.path('node.prom')})
        self.lab.make('somebody')
        self.lab.write('somebody/file', 'mine')
        self.assert_done(self.rehearse('--keep'))
        self.assertIn(self.metric('last_run_success', 1), read(self.lab.path('node.prom')))
        for scratch, message in ((self.scratch, 'holds a rehearsal that was kept'), (self.lab.path('somebody'), 'is not empty')):
            self.refuse(scratch, 9, message)
            last = self.history()[-1]
            self.assertEqual((last['exit_code'], last['stanza']), (9, 'demo'))
            self.assertIn(message, last['message'])
            for name, value in (('last_run_success', 0), ('last_run_exit_code', 9)):
                self.assertIn(self.metric(name, value), read(self.lab.path('node.prom')))
        self.assertEqual(len(self.history()), 3)

    def test_it_is_in_no_place_of_a_living_server(self):
        self.assert_done(self.bootstrap())
        self.open('archive_mode=off')
        self.configure(postgresql={'data_dir': self.lab.path('another')})
        self.refuse(self.data_directory + '/pg_wal/scratch', 9, 'process [0-9]+ of a PostgreSQL server has ' + self.data_directory)
        self.assertFalse(os.path.exists(self.data_directory + '/pg_wal/scratch'))
        self.assert_rows(BATCHES, doomed=False)

    def test_it_is_in_no_place_of_a_stopped_server(self):
        self.assert_done(self.bootstrap())
        self.configure(postgresql={'data_dir': self.lab.path('another')})
        self.refuse(self.data_directory + '/pg_replslot', 9, self.data_directory + " is a PostgreSQL server's")
        self.assertEqual(os.listdir(self.scratch), [])

    def test_it_is_in_no_place_of_pgbackrest_s(self):
        for place in (self.repository, self.lab.path('spool'), self.lab.path('lock'), self.lab.path('log')):
            self.refuse(place + '/scratch', 9, 'are not apart')
            self.assertFalse(os.path.exists(place + '/scratch'))

    def test_it_is_one_that_nobody_else_may_write_to(self):
        self.lab.make('scratch', mode=0o777)
        self.refuse(self.scratch, 9, 'others may write to scratch directory')
        self.assertEqual(os.listdir(self.scratch), [])
        self.follow(r'chmod go-w [^ ,]+')
        self.assert_done(self.run_program(*self.command_of()))

    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_what_to_do_about_a_mount_that_is_root_s_works_in_the_end(self):
        mount = self.lab.make('mount')
        os.chown(mount, 0, self.lab.as_postgres['group'])
        os.chmod(mount, 0o755)
        self.refuse(mount, 11, 'cannot make directory')
        self.assertRegex(self.hint, r'let postgres write to \S+: it belongs to root')
        os.chmod(mount, 0o775)
        self.refuse(mount, 9, 'others may write to scratch directory')
        self.follow(r'chown postgres \S+ && chmod go-w [^ ,]+')
        self.assert_done(self.run_program(*self.command_of()))
        self.assertEqual(os.listdir(mount), [])

    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_of_one_in_memory_it_warns_and_not_of_one_on_a_disk_as_the_hint_has_it(self):
        self.scratch = os.path.join(self.lab.mount_tmpfs(3000, 'memory'), 'scratch')
        result = self.rehearse()
        self.assert_done(result)
        self.assertIn('WARNING: the scratch directory %s is in memory' % self.scratch, result.log)
        self.assertIn('name a directory on a disk', [each['hint'] for each in self.history()[-1]['warnings']])
        self.scratch = os.path.join(self.lab.mount_disk(3000, 'disk'), 'scratch')
        result = self.rehearse()
        self.assert_done(result)
        self.assertNotIn('is in memory', result.log)

    def test_an_empty_one_of_somebody_stays(self):
        self.lab.make('scratch')
        self.assert_done(self.run_program(*self.command_of()))
        self.assertEqual(os.listdir(self.scratch), [])


class Interrupted(RehearsalCase):
    def start(self, *arguments):
        return self.lab.start('rehearse', *self.command_of(*arguments))

    def wait_for_sleep(self):
        wait_until('the moment', lambda: any('sleep 47' in command for command in self.lab.living().values()))

    def moments(self):
        """{moment: options}; what stops there is `sleep 47`."""
        wrapped = self.wrapped_binaries('pg_checksums', SLEEP)
        os.remove(os.path.join(wrapped, 'pg_dump'))
        self.lab.write('bin/pg_dump', '#!/bin/bash\n' + SLEEP, 0o755)
        self.configure(postgresql={'bin_dir': wrapped})
        at = self.wrap_pgbackrest('[ $VERB$((${#SEGMENT})) != "${STOP_AT:-never}" ] || ' + SLEEP)
        return {'plan': ('info0', '--pgbackrest=' + at), 'copy': ('restore0', '--pgbackrest=' + at),
                'replay': ('archive-get24', '--pgbackrest=' + at), 'dump': ('never', '--dump'), 'checksums': ('never', '--checksums')}

    def test_killed_at_any_moment_it_leaves_nothing_after_the_next(self):
        for moment, (stop_at, *options) in self.moments().items():
            with self.subTest(moment):
                process = self.lab.start('rehearse', *self.command_of(*options), environment={'STOP_AT': stop_at})
                self.wait_for_sleep()
                process.kill()
                process.wait(20)
                self.assertTrue(os.path.exists(self.scratch + '/ppb.rehearsal/mark.json'))
                self.assert_nothing_runs(20, tidied=False)
                result = self.rehearse()
                self.assert_done(result)
                self.assertIn('what an interrupted rehearsal left: it is removed', result.log)
                self.assert_nothing_runs()
                self.assert_absent()

    def test_killed_while_it_removes_what_it_made_it_leaves_nothing_after_the_next(self):
        files, go = 60000, self.lab.path('log/go')  # which take it a while
        process = self.start('--pgbackrest=' + self.wrap_pgbackrest('[ $VERB != archive-get ] || until [ -e %s ]; do sleep .1; done' % go))
        own = self.scratch + '/ppb.rehearsal'
        wait_until('the replay', lambda: os.path.exists(own + '/data.restoring/postmaster.pid'))
        for number in range(files):
            os.mknod('%s/tmp/%d' % (own, number))
        self.lab.write('log/go', '')
        wait_until('the removal', lambda: process.poll() is not None or not os.path.exists(own + '/data.restoring'), every=.002)
        process.kill()
        self.assertEqual(process.wait(20), -9)
        self.assertTrue(os.path.exists(own + '/mark.json'))
        self.assertTrue(0 < len(os.listdir(own + '/tmp')) < files + 1)
        self.assertEqual([each['exit_code'] for each in self.history()], [0])  # what it showed is known
        result = self.rehearse()
        self.assert_done(result)
        self.assertIn('what an interrupted rehearsal left: it is removed', result.log)
        self.assertEqual([each['exit_code'] for each in self.history()], [0, 0])

    def kill_in_the_replay(self):
        process = self.start('--pgbackrest=' + self.wrap_pgbackrest('[ $VERB != archive-get ] || ' + SLEEP))
        self.wait_for_sleep()
        self.look_back()  # which says nothing of one that is alive
        self.assertNotIn(143, [each['exit_code'] for each in self.history()[-1:]])
        process.kill()
        process.wait(20)
        self.assert_nothing_runs(20, tidied=False)

    def look_back(self):
        return self.run_program(program(), 'rehearse', '--history', '--patroni-config=' + self.yml)

    def test_one_that_was_killed_is_in_history_and_metrics_once_somebody_looks(self):
        metrics = self.lab.path('node.prom')
        self.configure({'metrics-file': metrics})
        self.assert_done(self.rehearse())
        self.kill_in_the_replay()
        self.assertIn(self.metric('last_run_success', 1), read(metrics))
        for _ in range(2):
            shown = self.look_back()
            self.assertEqual(len(re.findall(r'  demo  failed \(143\)  in .*  it was killed, or its machine went down\n', shown.log)), 1)
        for name, value in (('last_run_success', 0), ('last_run_exit_code', 143)):
            self.assertIn(self.metric(name, value), read(metrics))
        last = self.history()[-1]
        self.assertEqual((last['phase'], last['stanza']), ('replay', 'demo'))
        self.assert_done(self.rehearse())  # removes what is left
        # The next rehearsal is somebody who looks as well.
        self.kill_in_the_replay()
        self.assertEqual(self.rehearse('--set=20200101-000000F').code, 4)
        self.assertEqual([each['exit_code'] for each in self.history()], [0, 143, 0, 143, 4])
        self.assertIn(self.metric('last_run_exit_code', 4), read(metrics))
        self.assertEqual([name for name in os.listdir(self.lab.path('.local/state/patroni_pgbackrest')) if 'running' in name], [])

    def test_what_somebody_adds_to_what_a_killed_one_left_is_refused_and_stays(self):
        at = self.wrap_pgbackrest('[ $VERB != archive-get ] || ' + SLEEP)
        process = self.start('--pgbackrest=' + at)
        self.wait_for_sleep()
        process.kill()
        process.wait(20)
        self.assert_nothing_runs(20, tidied=False)
        self.lab.write('scratch/postgresql.conf', 'somebody')
        result = self.run_program(*self.command_of())
        self.assert_refused(result, 9, 'is not empty: postgresql.conf is in it')
        self.assertEqual(read(self.scratch + '/postgresql.conf'), 'somebody')
        os.remove(self.scratch + '/postgresql.conf')
        self.assert_done(self.rehearse())

    def test_killed_while_its_server_answers(self):
        process = self.start('--probe=select pg_sleep(47) is not null')
        wait_until('the probe', lambda: any('psql' in command for command in self.lab.living().values()))
        process.kill()
        process.wait(20)
        self.assert_done(self.rehearse())
        self.assert_nothing_runs()

    def test_ended_by_a_signal_it_leaves_nothing_at_once(self):
        at = self.wrap_pgbackrest('[ $VERB != archive-get ] || ' + SLEEP)
        metrics = self.lab.path('.local/state/patroni_pgbackrest/drill.prom')  # in the directory that it has locked
        process = self.start('--pgbackrest=' + at, '--metrics-file=' + metrics)
        self.wait_for_sleep()
        process.terminate()
        wait_until('the end', lambda: process.poll() is not None)
        self.assertEqual(process.returncode, 143)
        self.assert_nothing_left()
        self.assert_nothing_runs()
        self.assertEqual(self.history()[-1]['exit_code'], 143)
        self.assertIn(self.metric('last_run_exit_code', 143), read(metrics))

    def test_two_at_once_are_refused(self):
        at = self.wrap_pgbackrest('[ $VERB != archive-get ] || ' + SLEEP)
        process = self.start('--pgbackrest=' + at)
        self.wait_for_sleep()
        for scratch in (self.scratch, self.lab.path('another')):
            second = self.run_program(program(), 'rehearse', '--patroni-config=' + self.yml, '--scratch=' + scratch)
            self.assertEqual(second.code, 10, second.log)
            self.assertIn('another rehearsal is under way', second.log)
        process.terminate()
        wait_until('the end', lambda: process.poll() is not None)
        self.assert_done(self.rehearse())


class Confined(RehearsalCase):
    """With Landlock, what a rehearsal starts can write nothing outside of the scratch directory and of pgBackRest's own places."""

    def setUp(self):
        super().setUp()
        self.lab.make('elsewhere')
        self.lab.write('elsewhere/kept', 'kept')
        self.tried = '/dev/shm/' + os.path.basename(self.lab.directory)  # where everybody may write
        self.lab.write(self.tried, '')
        self.addCleanup(os.remove, self.tried)

    def trying(self, name):
        """Shell commands that try it in every way, and write down who has tried, and what succeeded."""
        ways = [way % place for place in (self.lab.path('elsewhere'), self.data_directory, self.repository)
                for way in ('echo x >%s/new', 'mkdir %s/made', 'ln -s x %s/link')]
        ways += [way % self.lab.path('elsewhere') for way in ('echo x >%s/kept', 'rm %s/kept')]
        return 'echo %s >>%s; ' % (name, self.tried) + ' '.join(
            '{ %s; } 2>/dev/null && echo "succeeded: %s" >>%s;' % (way, way, self.tried) for way in ways)

    def binaries(self, names):
        """PostgreSQL's programs, of which these try it first."""
        directory = self.wrapped_binaries(names[0], '')
        for name in names:
            if os.path.lexists(os.path.join(directory, name)):
                os.remove(os.path.join(directory, name))
            self.lab.write('bin/' + name, '#!/bin/bash\n%s\nexec %s/%s "$@"\n' % (
                self.trying(name), self.lab.bin_directory, name), 0o755)
        return directory

    def test_nothing_that_is_started_writes_elsewhere(self):
        said = self.run_program(program(), 'check', '--patroni-config=' + self.yml).log
        if 'the kernel has no Landlock' in said:
            self.skipTest('the kernel has no Landlock')
        self.assert_done(self.bootstrap())  # the data directory of this node
        self.configure(postgresql={'bin_dir': self.binaries(['pg_checksums', 'pg_dump'])})
        wrapper = self.wrap_pgbackrest('case $VERB in restore | archive-get) %s ;; esac' % self.trying('$VERB'))
        before = [self.files_below(place) for place in (self.lab.path('elsewhere'), self.data_directory)]
        self.assert_done(self.rehearse('--checksums', '--dump', '--pgbackrest=' + wrapper))
        self.assertEqual(set(read(self.tried).splitlines()), {'restore', 'archive-get', 'pg_checksums', 'pg_dump'})
        self.assertEqual([self.files_below(place) for place in (self.lab.path('elsewhere'), self.data_directory)], before)


class Bandwidth(RehearsalCase):
    """What is ahead of it is stopped for a moment, and nothing stays stopped."""
    LITTLE = '--bandwidth=64kB'  # takes minutes

    def setUp(self):
        super().setUp()
        if self.lab.run('stat', '-f', '-c', '%T', self.lab.directory) == 'tmpfs':
            self.skipTest('the kernel counts nothing of a tmpfs')

    def start_and_wait_until_stopped(self):
        process = self.lab.start('rehearse', *self.command_of(self.LITTLE))

        def is_stopped():
            self.assertIsNone(process.poll(), self.lab.log('rehearse'))
            return [pid for pid in self.lab.living() if re.search(r'(?m)^State:\sT', read('/proc/%d/status' % pid))]
        wait_until('something to be stopped', is_stopped, every=0.02)
        return process

    def test_it_is_kept_on_the_average(self):
        self.assert_done(self.rehearse('--bandwidth=4MB', seconds=250))
        told, = self.history()
        took = sum(each['seconds'] for each in told['phases'] if each['phase'] in ('copy', 'replay'))
        moved = told['copied_bytes']  # at least: it is written once
        self.assertGreater(took, 0.7 * (moved / (4 << 20) - 1))

    def test_ended_by_a_signal_it_leaves_nothing_at_once(self):
        process = self.start_and_wait_until_stopped()
        process.terminate()
        wait_until('the end', lambda: process.poll() is not None, 20)  # before it may go on: half a minute
        self.assertEqual(process.returncode, 143)
        self.assert_nothing_left()
        self.assert_nothing_runs()

    def test_killed_it_leaves_nothing_stopped(self):
        process = self.start_and_wait_until_stopped()
        process.kill()
        process.wait(20)
        self.assert_nothing_runs(20, tidied=False)
        self.assert_done(self.rehearse())


class Tablespaces(PlainCase, RehearsalCase):
    """The source lives on, with a tablespace of its own."""

    def setUp(self):
        super().setUp()
        self.place = self.lab.make('space')

    def test_those_of_the_backup_are_restored_into_the_scratch_directory(self):
        self.make_source('autovacuum=off', "create tablespace space location '%s'; create table there (n int) tablespace space; "
                             'insert into there select generate_series(1, 1000)' % self.place)
        self.plain.write_batches(1)
        self.plain.sql('checkpoint')
        wait_until_archived(self.plain, switch_wal(self.plain))
        before = self.files_below(self.place)
        # pgBackRest's own configuration says where this node's restore puts them.
        self.lab.write('pgbackrest.conf', read(self.lab.path('pgbackrest.conf')) +
                       '[global:restore]\ntablespace-map=space=%s\nlink-map=pg_wal=%s\n' % (self.place, self.lab.path('elsewhere')))
        self.assert_done(self.rehearse('--probe=select count(*) = 1000 from there', '--dump'))
        self.assertEqual(self.files_below(self.place), before)
        self.assertFalse(os.path.exists(self.lab.path('elsewhere')))
        self.assertEqual(self.plain.sql('select count(*) from there'), '1000')

    def test_one_that_the_wal_makes_is_refused_and_comes_with_the_next_backup(self):
        self.make_source('autovacuum=off')
        self.plain.sql("create tablespace space location '%s'" % self.place)
        self.plain.sql('create table there (n int) tablespace space')
        self.plain.write_batches(1)
        self.plain.sql('checkpoint')
        wait_until_archived(self.plain, switch_wal(self.plain))
        before = self.files_below(self.place)
        self.assert_red(self.rehearse(), 9, 'the WAL makes a tablespace in %s, and a rehearsal writes in' % self.place, 'replay')
        self.assertEqual(self.files_below(self.place), before)
        # One that is kept is not told how to start: its own replay would make the tablespace there.
        kept = self.rehearse('--keep')
        self.assert_red(kept, 9, 'the WAL makes a tablespace', 'replay')
        self.assertIn('its recovery has not ended: look at it, and do not start it\n', kept.log)
        self.assertNotIn('start it: ', kept.log)
        self.lab.run(*shlex.split(re.search(r'\n *remove it: (.*)', kept.log).group(1)))
        os.rmdir(self.scratch)
        self.plain.back_up()
        self.assert_done(self.rehearse())
        self.assertEqual(self.plain.sql('select count(*) from there'), '0')
