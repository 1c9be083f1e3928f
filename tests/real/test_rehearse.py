"""rehearse: a restore drill that shows what a restore would do, touches nothing else and leaves nothing behind."""
import json
import os
import re
import shlex
import signal
import unittest

from bootstrap_case import BATCHES, ROWS, BootstrapCase, PlainCase, program, read, wait_until
from json_schema import assert_fits
from repository_case import RepositoryCase
from source_cluster import switch_wal, wait_until_archived

PACKAGED = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../packaging/systemd')
REPORT_SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs/report.schema.json')
SLEEP = 'exec sleep 47'
CHOSEN_PRIORITY = ('nice', '-n', '1', 'ionice', '-c', '2')  # or it would wait for the tests that run beside it


class RehearsalCase(BootstrapCase):
    def setUp(self):
        super().setUp()
        self.scratch = self.lab.path('scratch')

    def command_of(self, *arguments):
        return [*CHOSEN_PRIORITY, program(), 'rehearse', '--patroni-config=' + self.yml, '--scratch=' + self.scratch, *arguments]

    def rehearse(self, *arguments, **options):
        """The stanza's files are the same before and after it, and nothing is left of it."""
        before = self.files_below(self.repository)
        result = self.run_program(*self.command_of(*arguments), **options)
        self.assertEqual(self.files_below(self.repository), before)
        if '--keep' not in arguments:
            self.assert_nothing_left()
        return result

    def assert_nothing_left(self):
        self.assertFalse(os.path.lexists(self.scratch), 'the scratch directory is still there')

    @staticmethod
    def files_below(directory):
        """{path: (size, time)}"""
        found = {}
        for parent, _, names in os.walk(directory):
            for name in names:
                facts = os.lstat(os.path.join(parent, name))
                found[os.path.join(parent, name)] = (facts.st_size, facts.st_mtime_ns)
        return found

    def assert_red(self, result, code, message, phase):
        """The exit code and the message, on the screen and in the history."""
        self.assert_refused(result, code, message)
        self.assertRegex(result.log, r'rehearsal  failed in the phase (%s) with exit code %d: ' % (phase, code))
        last = self.history()[-1]
        self.assertEqual(last['exit_code'], code)
        self.assertRegex(last['phase'], '^(%s)$' % phase)

    def history(self):
        path = self.lab.path('.local/state/patroni_pgbackrest/rehearsals.jsonl')
        return [json.loads(line) for line in read(path).splitlines()]

    def metric(self, name, value):
        """The line of a drill's metric."""
        return 'patroni_pgbackrest_%s{run="drill",scope="%s",stanza="demo"} %d\n' % (name, self.node.scope, value)

    def start_what_was_kept(self, result):
        """Its server, psql for it, and the words that remove it, as a rehearsal has printed them."""
        start, reach, remove = (re.search(r'\n *%s: (.*)' % words, result.log).group(1)
                                for words in ('start it', 'reach it', 'remove it, when its server is stopped'))
        server = self.lab.start('kept', *shlex.split(start))
        psql = [*shlex.split(reach), '-U', 'postgres', '-Atc']
        wait_until('the kept server', lambda: self.lab.attempt(*psql, 'select 1').returncode == 0)
        self.assertEqual(self.lab.run(*psql, 'select count(*) from kept'), str(BATCHES * ROWS))
        self.assertEqual(self.lab.run(*psql, 'show archive_mode'), 'off')
        return server, shlex.split(remove)

    def remove_what_was_kept(self, server, remove):
        server.send_signal(signal.SIGINT)
        wait_until('the kept server to stop', lambda: server.poll() is not None)
        self.lab.run(*remove)
        self.assertEqual(os.listdir(self.scratch), [])
        os.rmdir(self.scratch)

    def found(self):
        """The ids of check's findings."""
        result = self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--format=json')
        told = json.JSONDecoder().raw_decode(result.log[result.log.index('{\n'):])[0]
        return [finding['id'] for finding in told['findings']]


class Priority(RehearsalCase):
    def priority_of(self, *command):
        seen = self.lab.path('log/seen')
        wrapper = self.wrap_pgbackrest('echo "$(nice) $(ionice -p $$)" > %s; exec pgbackrest "$@"' % seen)
        self.assertEqual(self.run_program(*command, '--pgbackrest=' + wrapper, '--set=20200101-000000F').code, 4)
        return read(seen).strip()

    def test_it_steps_behind_others_unless_its_caller_has_chosen(self):
        chosen = self.command_of()
        self.assertEqual(self.priority_of(*chosen[chosen.index(program()):]), '19 idle')
        self.assertEqual(self.priority_of(*chosen), '1 best-effort: prio 4')


class Green(RehearsalCase):
    def test_the_latest_point_with_everything_looked_at(self):
        report, page, metrics = (self.lab.path(name) for name in ('report.json', 'drill.html', 'drill.prom'))
        result = self.rehearse('--probe=select count(*) = %d from kept' % (BATCHES * ROWS), '--checksums', '--dump',
                               '--report=' + report, '--html=' + page, '--metrics-file=' + metrics)
        self.assert_done(result)
        self.assert_absent()
        self.assert_nothing_runs()
        self.assertFalse(os.path.lexists(self.staging + '.d'), 'something lies beside the data directory')
        for words in ('rehearsal  succeeded in ', 'reached    0/', 'examined   1 probes, dump of ', ', checksums\n',
                      'window     20', 'lost now   what was committed in the last ', 'recovery   about '):
            self.assertIn(words, result.log)
        told = json.loads(read(report))
        assert_fits(self, told, json.loads(read(REPORT_SCHEMA)))
        self.assertEqual((told['command'], told['phase'], told['outcome']['exit_code']), ('rehearse', 'done', 0))
        drill = told['rehearsal']
        self.assertEqual([each['phase'] for each in drill['phases']],
                         ['plan', 'copy', 'replay', 'probes', 'dump', 'shutdown', 'verification', 'checksums', 'sync'])
        self.assertEqual((drill['replayed_segments'], drill['copied_bytes']), (drill['latest_segments'], drill['latest_bytes']))
        self.assertGreater(drill['projected_seconds'], 0)
        self.assertEqual(drill, self.history()[0])
        self.assertIn('Rehearsal', read(page))
        for name in ('last_run_success', 'last_run_target_reached'):
            self.assertIn(self.metric(name, 1), read(metrics))
        self.assertEqual(len(re.findall(r'\n\w+_last_(?:success|run_window_end)_timestamp_seconds\{run="drill",', read(metrics))), 2)

    def test_the_blocks_metrics_and_log_format_are_a_rehearsals_as_well(self):
        self.configure({'metrics-file': self.lab.path('node.prom'), 'log-format': 'json'})
        result = self.rehearse('--set=20200101-000000F', '--html=' + self.lab.path('away/drill.html'))
        self.assertEqual(result.code, 4)
        logged = [json.loads(line) for line in result.log.splitlines() if line.startswith('{')]
        self.assertTrue(any('away/drill.html' in entry['message'] and entry['level'] == 'warning' for entry in logged), logged)
        self.assertIn(self.metric('last_run_exit_code', 4), read(self.lab.path('node.prom')))

    def test_a_target_of_the_past_and_a_named_set(self):
        target = self.target('time', 7)
        result = self.rehearse('--type=time', '--target=' + target, '--set=' + self.source.full_backup, '--format=json',
                               '--probe=select count(*) = %d from kept' % (7 * ROWS))
        self.assert_done(result)
        told = json.JSONDecoder().raw_decode(result.log[result.log.index('{\n'):])[0]['rehearsal']
        self.assertEqual(told['backup_set'], self.source.full_backup)
        self.assertGreater(told['replayed_segments'], 0)
        self.assertIn('to the last commit at', told['window'])

    def test_a_random_moment_is_chosen_again_by_its_seed(self):
        for _ in range(2):
            result = self.rehearse('--random', '--seed=7')
            self.assert_done(result)
            self.assertRegex(result.log, r'seed 7 chose time 20')
        first, second = self.history()
        self.assertEqual((first['target'], first['seed']), (second['target'], 7))
        self.assert_done(self.rehearse('--random'))
        self.assertNotEqual(self.history()[2]['seed'], None)

    def test_the_history_shows_each_and_how_they_change(self):
        nothing = self.run_program(program(), 'rehearse', '--history', '--patroni-config=' + self.yml)
        self.assertIn('no rehearsal is known', nothing.log)
        self.assert_done(self.rehearse())
        self.assertEqual(self.rehearse('--probe=select false').code, 8)
        self.assert_done(self.rehearse())
        shown = self.run_program(program(), 'rehearse', '--history', '--patroni-config=' + self.yml)
        self.assertEqual(shown.code, 0)
        self.assertEqual(len(re.findall(r'  demo  succeeded  in ', shown.log)), 2)
        self.assertEqual(len(re.findall(r'  demo  failed \(8\)  in .*returned ', shown.log)), 1)
        self.assertRegex(shown.log, r'trend: copied bytes a second: \d+ % (less|more) than the median of the 1 before')
        lines = self.run_program(program(), 'rehearse', '--history', '--format=json', '--patroni-config=' + self.yml).log
        self.assertEqual([json.loads(line) for line in lines.splitlines()], self.history())

    def test_check_misses_a_rehearsal_until_one_has_succeeded(self):
        self.assertIn('no-rehearsal', self.found())
        self.assertEqual(self.rehearse('--probe=select false').code, 8)
        self.assertIn('no-rehearsal', self.found())
        self.assert_done(self.rehearse())
        self.assertNotIn('no-rehearsal', self.found())
        self.configure({'rehearsals': self.lab.path('others.jsonl')})
        self.assertIn('no-rehearsal', self.found())

    def test_amcheck_says_where_its_extension_is_missing(self):
        result = self.rehearse('--amcheck')
        self.assert_done(result)
        self.assertRegex(result.log, r'WARNING: .*pg_amcheck')
        self.assertIn('examined   nothing but the recovery itself\n', result.log)

    def test_a_restored_cluster_and_its_server_stay_as_they_are(self):
        self.assert_done(self.bootstrap())
        before = self.files_below(self.data_directory)
        self.assert_done(self.rehearse('--checksums'))
        self.assertEqual(self.files_below(self.data_directory), before)
        self.open('archive_mode=off')
        self.assert_done(self.rehearse())
        self.assert_rows(BATCHES, doomed=False)

    def test_what_a_restore_of_this_node_would_be_refused_for_is_a_warning(self):
        self.configure({'process-max': 'many'})
        result = self.rehearse()
        self.assert_done(result)
        self.assertIn('a restore of this node would be refused: ', result.log)
        self.assertEqual(len([each for each in self.history()[-1]['warnings'] if 'many' in each['message']]), 1)

    def test_patroni_mode_is_rehearsed_by_a_private_server(self):
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_done(self.rehearse())

    def test_the_command_of_the_packages_unit(self):
        unit = read(os.path.join(PACKAGED, 'patroni_pgbackrest-rehearse.service'))
        words = shlex.split(re.search(r'(?m)^ExecStart=(.*)$', unit).group(1))
        places = {'/usr/bin/patroni_pgbackrest': program(), '--patroni-config=/etc/patroni/config.yml': '--patroni-config=' + self.yml,
                  '--scratch=/var/lib/patroni_pgbackrest/rehearsal': '--scratch=' + self.scratch}
        self.assertEqual(set(places) - set(words), set())
        self.assert_done(self.run_program(*CHOSEN_PRIORITY, *[places.get(word, word) for word in words]))
        self.assert_nothing_left()
        after = re.search(r'(?m)^ExecStopPost=(.*)$', unit).group(1)
        for packaged, here in places.items():
            after = after.replace(packaged, here)
        self.assert_done(self.run_program(*shlex.split(after)))
        self.assertIn('Unit]', read(os.path.join(PACKAGED, 'patroni_pgbackrest-rehearse.timer')))

    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_as_root_it_refuses_before_it_writes_anything(self):
        self.lab.as_postgres = {}
        result = self.run_program(*self.command_of())
        self.assert_refused(result, 3, 'rehearse runs as root', 'sudo -u postgres patroni_pgbackrest rehearse$')
        self.assert_nothing_left()
        self.assertEqual(self.history(), [])

    def test_what_is_kept_can_be_started_and_is_not_removed_by_the_next(self):
        result = self.rehearse('--keep')
        self.assert_done(result)
        server, remove = self.start_what_was_kept(result)
        self.assert_refused(self.rehearse('--keep'), 9, 'holds a rehearsal that was kept', 'rm -r')
        self.remove_what_was_kept(server, remove)
        self.assert_done(self.rehearse())


class Red(RehearsalCase):
    def test_a_missing_segment(self):
        os.remove(self.archived(self.source.segments[5]))
        self.assert_red(self.rehearse(), 4, 'missing', 'plan')

    def test_a_false_probe(self):
        self.assert_red(self.rehearse('--probe=select false'), 8, 'returned', 'probes')

    def test_a_damaged_record(self):
        self.damage_wal(7)
        self.assert_red(self.rehearse(), 7, 'a WAL record before it is damaged', 'replay|shutdown')

    def test_a_wrong_passphrase(self):
        self.lab.pgbackrest_configuration(self.data_directory, settings={
            'repo1-cipher-type': 'aes-256-cbc', 'repo1-cipher-pass': 'wrong'})
        self.assert_red(self.rehearse(), 5, 'stanza demo in repo1 cannot be decrypted', 'plan')

    def test_too_little_disk(self):
        self.assert_red(self.rehearse('--disk-floor=900TB'), 3, 'of which disk-floor keeps 900', 'plan')
        self.scratch = os.path.join(self.lab.mount_tmpfs(15, 'disk'), 'scratch')
        self.assert_red(self.rehearse('--disk-floor=0'), 3, 'has room for|of which disk-floor keeps', 'plan')

    def test_a_disk_that_fills_in_the_middle(self):
        self.scratch = os.path.join(self.lab.mount_tmpfs(500, 'disk'), 'scratch')
        # In the data directory, where it may write.
        filling = self.wrap_pgbackrest('[ $VERB != archive-get ] || [ -e filler ] || head -c 250M /dev/zero >filler')
        self.assert_red(self.rehearse('--disk-floor=250MB', '--pgbackrest=' + filling), 11, 'and disk-floor keeps 250', 'replay')

    def test_a_cluster_that_no_program_of_this_node_can_run(self):
        self.configure(postgresql={'bin_dir': '/nowhere'})
        self.assert_red(self.rehearse(), 3, '/nowhere', 'plan')

    def test_options_that_no_rehearsal_takes(self):
        result = self.run_program(*self.command_of('--link-all', '--reuse-data=/lost', '--memory=much'))
        for option in ('link-all', 'reuse-data', 'memory'):
            self.assert_refused(result, 2, '', place='--' + option)
        self.assertIn('rehearsal  failed before its first phase with exit code 2: ', result.log)
        self.assertEqual([(each['exit_code'], each['stanza']) for each in self.history()], [(2, 'demo')])

    def test_a_pg_amcheck_that_does_not_come_to_its_end(self):
        self.configure(postgresql={'bin_dir': self.wrapped_binaries('pg_amcheck', 'kill -9 $$')})
        self.assert_red(self.rehearse('--amcheck'), 8, 'pg_amcheck was killed by signal 9', 'amcheck')

    def test_what_is_kept_of_a_red_one_starts_as_printed(self):
        result = self.rehearse('--keep', '--probe=select false')
        self.assert_red(result, 8, 'returned', 'probes')
        self.remove_what_was_kept(*self.start_what_was_kept(result))

    def test_nothing_is_kept_where_nothing_was_restored(self):
        self.assert_red(self.rehearse('--keep', '--set=20200101-000000F'), 4, '.', 'plan')
        self.assert_nothing_left()
        failing = self.wrap_pgbackrest('[ $VERB != restore ] || { echo "ERROR: [058]: raised by the test" >&2; exit 58; }')
        result = self.rehearse('--keep', '--pgbackrest=' + failing)
        self.assertIn('the copy did not come to its end: nothing is kept', result.log)
        self.assertEqual(self.history()[-1]['phase'], 'copy')
        self.assert_nothing_left()


class SecondCluster(RehearsalCase, RepositoryCase):
    def test_a_second_cluster_in_the_stanza(self):
        self.situation('replaced')
        self.assert_red(self.rehearse(), 2, self.facts['identifiers']['alpha'], 'plan')
        self.assert_done(self.rehearse('--system-identifier=' + self.facts['identifiers']['alpha']))


class ScratchDirectories(RehearsalCase):
    def refuse(self, scratch, code, message):
        self.scratch = scratch
        self.assert_refused(self.run_program(*self.command_of()), code, message)

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
        self.configure(postgresql={'bin_dir': wrapped})
        at = self.wrap_pgbackrest('[ $VERB$((${#SEGMENT})) != "${STOP_AT:-never}" ] || ' + SLEEP)
        return {'plan': ('info0', '--pgbackrest=' + at), 'copy': ('restore0', '--pgbackrest=' + at),
                'replay': ('archive-get24', '--pgbackrest=' + at), 'checksums': ('never', '--checksums')}

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
        process = self.start('--pgbackrest=' + at)
        self.wait_for_sleep()
        process.terminate()
        wait_until('the end', lambda: process.poll() is not None)
        self.assertEqual(process.returncode, 143)
        self.assert_nothing_left()
        self.assert_nothing_runs()
        self.assertEqual(self.history()[-1]['exit_code'], 143)

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


class PreparedTransaction(PlainCase, RehearsalCase):
    """One that has locked a table is pending at the end of the archive. Nobody ends it in a rehearsal."""

    def setUp(self):
        super().setUp()
        self.make_source('autovacuum=off\nmax_prepared_transactions=5', 'create table locked as select 1 n')
        self.has_amcheck = os.path.exists(os.path.join(self.lab.bin_directory, 'pg_amcheck'))
        if self.has_amcheck:
            self.plain.sql('create extension amcheck')
        self.plain.write_batches(1)
        self.plain.sql("begin; truncate locked; prepare transaction 'one'")
        self.archive_all()

    def archive_all(self):
        self.plain.sql('checkpoint')
        wait_until_archived(self.plain, switch_wal(self.plain))

    def test_a_dump_names_what_is_locked_and_works_when_that_has_ended(self):
        result = self.rehearse('--dump')
        self.assert_red(result, 8, r'database postgres cannot be read as a whole: .* keeps everybody from locked \(one\)', 'dump')
        self.assertLess(dict((each['phase'], each['seconds']) for each in self.history()[-1]['phases'])['dump'], 50)
        self.plain.sql("rollback prepared 'one'")
        self.archive_all()
        self.assert_done(self.rehearse('--dump'))

    def test_amcheck_leaves_out_what_is_locked(self):
        if not self.has_amcheck:
            self.skipTest('PostgreSQL 13 has no pg_amcheck')
        result = self.rehearse('--amcheck')
        self.assert_done(result)
        self.assertRegex(result.log, r'WARNING: .*waited 10 s for a lock on heap table "postgres\.(public\.)?locked", and left it out')
        self.assertIn('examined   amcheck (not of every table)\n', result.log)
        self.plain.sql("rollback prepared 'one'")
        self.archive_all()
        result = self.rehearse('--amcheck')
        self.assert_done(result)
        self.assertIn('examined   amcheck\n', result.log)


class DamagedPage(PlainCase, RehearsalCase):
    def setUp(self):
        super().setUp()
        self.make_source('', 'create table damaged as select generate_series(1, 1000) n')
        self.plain.sql('vacuum (freeze) damaged')
        self.plain.sql('checkpoint')
        file = os.path.join(self.plain.server.data_directory, self.plain.sql("select pg_relation_filepath('damaged')"))
        self.plain.server.stop()
        with open(file, 'r+b') as page:
            page.seek(8192 + 4000)
            page.write(b'\xff' * 16)
        self.plain.start_again()
        self.plain.back_up()
        self.plain.write_batches(1)
        self.lose()

    def test_a_damaged_page_is_found_by_checksums_and_by_a_dump(self):
        self.assert_done(self.rehearse())  # the recovery itself reads none of it
        self.assert_red(self.rehearse('--checksums'), 8, 'pg_checksums found damaged pages: .*checksum verification failed', 'checksums')
        self.assert_red(self.rehearse('--dump'), 8, 'database postgres cannot be read as a whole', 'dump')
