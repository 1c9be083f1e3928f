"""The program serves the WAL of its private server: fetched ahead, taken from pgBackRest's spool, without a pgbackrest for each segment."""
import contextlib
import os
import re
import time

from bootstrap_case import BATCHES, BootstrapCase, PlainCase, Server, read, wait_until
from lab import descendants, send
from source_cluster import switch_wal, wait_until_archived

NOT_AHEAD = 'WAL is fetched segment by segment from now on'


class WalServer(BootstrapCase):
    def noting(self, body=''):
        """A pgbackrest that fetches ahead as the real one does, and writes down what its archive-get is called for."""
        return '--pgbackrest=' + self.wrap_pgbackrest(
            '[ "$VERB" != archive-get ] || echo $SEGMENT >>%s\n%s' % (self.lab.path('log/asked'), body), ahead=True)

    def calls(self):
        """The segments for which archive-get was called, once for each call."""
        return [name for name in read(self.lab.path('log/asked')).split() if len(name) == 24]

    def assert_whole(self, result, tidied=True):
        self.assert_done(result)
        self.assertNotIn('trying again', result.log)
        self.assert_nothing_runs(tidied=tidied)
        self.assert_complete()

    # Fetched ahead ------------------------------------------------------------------------------------------------

    def test_pgbackrest_is_called_for_few_of_the_segments(self):
        result = self.bootstrap(self.noting())
        self.assert_whole(result)
        self.assertNotIn('fetched without', result.log)
        self.assertLess(len(self.calls()), BATCHES)

    def test_a_target_in_the_middle(self):
        result = self.bootstrap(self.noting(), '--type=time', '--target=' + self.target('time', 7))
        self.assert_done(result)
        self.assert_complete(7)

    def test_pg_wal_on_another_file_system(self):
        disk = self.lab.mount_tmpfs(600, 'wal')
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write('[demo:restore]\nlink-map=pg_wal=%s\n' % os.path.join(disk, 'pg_wal'))
        self.assert_whole(self.bootstrap(self.noting()))

    # What is wrong with the archive -------------------------------------------------------------------------------

    def test_a_segment_that_is_gone_when_it_is_fetched_ahead(self):
        victim, gone = self.archived(self.source.segments[9]), self.lab.path('gone')
        process = self.start_bootstrap('--retry=1', '--retry-wait=0', self.noting('until [ -e %s ] || [ $VERB != archive-get ]; do sleep .05; done' % gone))
        wait_until('the first archive-get', lambda: os.path.exists(self.lab.path('log/asked')))
        os.remove(victim)
        self.lab.write(gone, '')
        self.assert_refused(self.result_of(process, 120), 4, '%s was in the archive when the restore was planned' % self.source.segments[9],
                            'bring it back')
        self.assert_absent()
        self.assert_nothing_runs()

    def test_a_segment_that_cannot_be_decompressed(self):
        archived = self.archived(self.source.segments[9])
        os.truncate(archived, os.path.getsize(archived) // 2)
        result = self.bootstrap(self.noting(), '--retry=0')
        self.assertIn(result.code, (5, 7), result.log)
        self.assertRegex(result.log, self.source.segments[9])
        self.assert_absent()
        self.assert_nothing_runs()

    def test_a_damaged_record_in_what_was_fetched_ahead(self):
        self.damage_wal(7)
        self.assert_refused(self.bootstrap(self.noting()), 7, 'a WAL record before it is damaged', 'type lsn')
        self.assert_absent()

    # What is wrong with pgBackRest's processes and its spool ------------------------------------------------------

    def test_the_asynchronous_process_is_killed_in_between(self):
        environment = self.asynchronous('''if first; then
  $REAL "$@" & until ls $IN/*%s || ! kill -0 $!; do sleep .01; done >/dev/null 2>&1
  kill -9 $!; exit 1
fi''' % self.source.segments[5][-8:])
        self.assert_whole(self.bootstrap(environment=environment))
        self.assertTrue(os.path.isdir(self.lab.path('log/first')))

    def test_no_asynchronous_process_lives(self):
        result = self.bootstrap(environment=self.asynchronous('kill -9 $$'), seconds=240)
        self.assert_whole(result)

    def test_a_spool_that_cannot_be_written_to(self):
        result = self.bootstrap(environment=self.asynchronous('mkdir -p $IN; chmod 500 $IN'), seconds=240)
        self.assert_whole(result)
        if self.lab.pgbackrest_version() < (2, 59):  # which does without it by itself
            self.assertIn(NOT_AHEAD, result.log)

    def test_what_an_earlier_run_left_in_the_spool_is_not_looked_at(self):
        last = self.source.segments[BATCHES]
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        self.wait_for_replay_of(7)
        process.kill()
        self.result_of(process)
        left = self.staging + '.d/spool/archive/demo/in'
        self.lab.run('mkdir', '-p', left)
        self.lab.run('cp', self.of_another_cluster(self.archived(last)), os.path.join(left, last))
        result = self.bootstrap()
        self.assert_whole(result, tidied=False)
        self.assertNotIn('of another cluster', result.log)

    # Whoever asks, and whoever is asked ---------------------------------------------------------------------------

    def hold_the_replay(self):
        """A bootstrap whose fifth segment does not come."""
        self.process = self.start_bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            '[ "$SEGMENT" != %s ] || [ $VERB != archive-get ] || { touch %s; while :; do sleep .05; done; }' % (
                self.source.segments[5], self.lab.path('log/held'))))
        wait_until('the fifth segment', lambda: os.path.exists(self.lab.path('log/held')))

    def asking(self):
        """{pid: words} of the restore_command."""
        words = {pid: command.split() for pid, command in descendants(self.process.pid).items()}
        return {pid: each for pid, each in words.items() if each[1:2] == ['archive-get'] and each[2].startswith('--socket=')}

    def test_the_program_is_killed_while_postgresql_waits(self):
        self.hold_the_replay()
        self.process.kill()
        self.assertEqual(self.result_of(self.process, 30).code, -9)
        self.assert_absent()
        self.assert_nothing_runs(tidied=False)
        self.assert_resumes()

    def test_the_program_is_told_to_end_while_postgresql_waits(self):
        self.hold_the_replay()
        self.process.terminate()
        self.assertEqual(self.result_of(self.process, 30).code, 143)
        self.assert_absent()
        self.assert_nothing_runs()
        self.assert_resumes()

    def test_what_runs_the_restore_command_is_killed_while_it_waits(self):
        self.hold_the_replay()
        asking = list(self.asking())
        self.assertEqual(len(asking), 1)
        send(9, asking)
        result = self.result_of(self.process, 60)
        self.assertEqual(result.code, 7, result.log)
        self.assert_absent()
        self.assert_nothing_runs()
        self.assert_resumes()

    def test_a_segment_that_is_asked_for_twice_at_once(self):
        self.hold_the_replay()
        words, = self.asking().values()
        again = self.lab.start('again', *words[:3], self.source.segments[4], 'pg_wal/again')
        time.sleep(.5)
        self.assertIsNone(again.poll())  # it waits for its turn
        self.process.terminate()
        self.assertEqual(self.result_of(self.process, 30).code, 143)
        wait_until('the second to end', lambda: again.poll() is not None)
        self.assertEqual(again.returncode, 200)
        self.assertRegex(self.lab.log('again'), r'ERROR: %s is not delivered: .*\n\s*HINT: it has ended' % self.source.segments[4])
        self.assert_nothing_runs()

    def test_no_restore_command_without_the_program(self):
        done = self.lab.attempt(*self.command()[:1], 'archive-get', '--socket=' + self.lab.path('nobody'), self.source.segments[4], 'x')
        self.assertEqual(done.returncode, 200)
        self.assertTrue(re.search('ERROR: .* is not delivered: .*nobody: No such file', done.stderr), done.stderr)


class ManySegments(PlainCase):
    def bytes_in_spool(self):
        held = 0
        for directory, _, names in os.walk(self.staging + '.d/spool'):
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # taken meanwhile
                    held += os.path.getsize(os.path.join(directory, name))
        return held

    def lose_many(self):
        """75 segments of 1 MB. The queue is an eighth of what is free on the disk of the data directory."""
        self.make_source('', '', '--wal-segsize=1')
        for batch in range(1, 4):
            for _ in range(25):
                self.plain.sql('create table if not exists filling (n int); insert into filling select generate_series(1, 200)')
                last = switch_wal(self.plain)
            self.plain.write_batches(batch)
        wait_until_archived(self.plain, last)
        self.data_directory = self.node.data_directory = os.path.join(self.lab.mount_tmpfs(300, 'disk'), 'data')
        self.staging = self.data_directory + '.restoring'
        self.lose()

    def noting(self):
        return self.wrap_pgbackrest('[ "$VERB" != archive-get ] || echo "$@" >>%s' % self.lab.path('log/asked'), ahead=True)

    def assert_never_held_too_much(self, is_over):
        """By a server that takes none for a while."""
        asked = self.lab.path('log/asked')
        # A child that it has just forked has its name, too, and a later number.
        startup = min(wait_until('the replay', lambda: [
            pid for pid, command in self.lab.living().items() if 'postgres: startup' in command], every=.01))
        send(19, [startup])
        wait_until('what fetches ahead', lambda: read(asked), every=.01)
        queue, processes = (int(re.search('--%s=([0-9]+)' % name, read(asked)).group(1))
                            for name in ('archive-get-queue-max', 'process-max'))
        held = [0]

        def is_full():
            held.append(self.bytes_in_spool())
            return held[-1] > queue / 2 and held[-1] == held[-2]
        wait_until('the spool to be full', is_full, every=.5)
        send(18, [startup])
        while not is_over():
            held.append(self.bytes_in_spool())
            time.sleep(.01)
        self.assertLessEqual(max(held), queue + (processes << 20))

    def test_more_than_the_queue_holds(self):
        self.lose_many()
        process = self.start_bootstrap('--pgbackrest=' + self.noting())
        self.assert_never_held_too_much(lambda: process.poll() is not None)
        result = self.result_of(process)
        self.assert_done(result)
        self.assertNotIn('trying again', result.log)
        self.assert_complete(3, doomed=False)

    def test_more_than_the_queue_holds_in_patroni_mode(self):
        self.lose_many()
        settings = self.recovery_conf()
        self.configure({'recovery_conf': settings, 'pgbackrest': self.noting()})
        self.assert_done(self.bootstrap())
        self.lab.write(self.data_directory + '/postgresql.conf', "include 'postgresql.base.conf'\n" + ''.join(
            "%s = '%s'\n" % setting for setting in settings.items()))
        server = Server(self.lab, self.data_directory)
        server.launch('archive_mode=off')
        self.assert_never_held_too_much(lambda: server.process.poll() is not None or 'archive recovery complete' in self.lab.log('postgres'))
        wait_until('PostgreSQL to accept connections', server.is_open)
        self.assertNotIn('trying again', self.lab.log('postgres'))
        self.assert_rows(3, doomed=False, sql=server.sql)
        server.stop()
