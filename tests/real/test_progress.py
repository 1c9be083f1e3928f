"""What a restore tells of itself while it runs, and what is known of it afterwards."""
import fcntl
import html.parser
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
import threading
import time
import unittest

from bootstrap_case import BootstrapCase, PlainCase, program, read, wait_until
from json_schema import assert_fits
from lab import started

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs')
SCHEMA = os.path.join(DOCS, 'status.schema.json')


class StatusCase(BootstrapCase):
    def status(self, code=0):
        """What status --format json tells, which must be as its schema says."""
        done = self.lab.attempt(program(), 'status', '--datadir=' + self.data_directory, '--format=json')
        self.assertEqual((done.returncode, done.stderr), (code, ''))
        told = json.loads(done.stdout)
        assert_fits(self, told, json.loads(read(SCHEMA)))
        return told

    def status_text(self, code=0):
        result = self.run_program(program(), 'status', '--patroni-config=' + self.yml)
        self.assertEqual(result.code, code, result.log)
        return result.log


class SlowRestore(PlainCase, StatusCase):
    """It takes more than a minute: a repository host whose connection is slow, and WAL that takes its time. Both keep to a
    timetable: what somebody else on this machine holds up for a moment is made up for, and changes no phase's length."""
    BYTES_A_SECOND = 700000
    SEGMENT_TAKES = 2.5  # seconds

    def lose_a_cluster_of_some_large_files(self):
        self.make_source('autovacuum=off', ';'.join(
            'create table filler%d as select md5(i::text) from generate_series(1, 150000) i' % number for number in range(8)))
        self.plain.write_batches(*range(1, 13))
        self.lose()

    def put_behind_a_slow_connection(self):
        """pgBackRest runs what it would have run through ssh on the repository's host here, and gets its answers slowly."""
        host = self.lab.write('host.conf', read(self.pgbackrest_configuration))
        slowly = self.lab.write('slowly.py', '''import os, sys, time
due = time.monotonic()
while True:
    piece = os.read(0, 16384)
    if not piece:
        break
    os.write(1, piece)
    due += len(piece) / float(sys.argv[1])
    time.sleep(max(0, due - time.monotonic()))
''')
        ssh = self.lab.write('ssh', '#!/bin/bash\neval "${!#}" | /usr/bin/python3 -B %s %d\n' % (slowly, self.BYTES_A_SECOND), 0o755)
        self.lab.pgbackrest_configuration(self.data_directory, self.node.port, self.repository, {
            'repo1-host': 'repository', 'repo1-host-user': 'somebody', 'repo1-host-config': host, 'cmd-ssh': ssh})

    def pgbackrest_with_slow_wal(self):
        return self.wrap_pgbackrest('''if [ $VERB$((${#SEGMENT})) = archive-get24 ]; then
  now=${EPOCHREALTIME/[.,]/}
  due=$(cat %(timetable)s 2>/dev/null) || due=$now
  due=$((due + %(takes)d))
  echo $due >%(timetable)s
  [ $now -ge $due ] || sleep $(printf %%d.%%06d $(((due - now) / 1000000)) $(((due - now) %% 1000000)))
fi''' % {'timetable': self.lab.path('log/timetable'), 'takes': self.SEGMENT_TAKES * 1e6})

    def watch(self, process):
        """{phase: [(seconds since it began, percent, seconds left)]} while the restore goes on; {phase: seconds}."""
        seen = {'copy': [], 'replay': []}
        while process.poll() is None:
            phase = self.status()['phase']
            if phase['name'] in seen:
                seen[phase['name']].append((phase['seconds'], phase['percent'], phase['seconds_left']))
            time.sleep(0.3)
        return seen, {phase['name']: phase['seconds'] for phase in self.status()['finished_phases']}

    def assert_watched(self, watching):
        """status --watch has printed lines as its schema says, and has ended with the restore."""
        wait_until('status --watch to end', lambda: watching.poll() is not None)
        lines = [json.loads(line) for line in self.lab.log('watch').splitlines()]
        for told in lines:
            assert_fits(self, told, json.loads(read(SCHEMA)))
        self.assertEqual((watching.returncode, lines[-1]['state']), (0, 'done'))
        self.assertGreater(len(lines), 10)

    def assert_known(self, took, seen):
        """Percentages never go back, and from the middle on the end is known within 30 %."""
        percents = [percent for _, percent, _ in seen if percent is not None]
        self.assertEqual(percents, sorted(percents))
        self.assertGreater(len(set(percents)), 3)
        self.assertGreater(percents[-1], 80)
        late = [(at, left) for at, _, left in seen if at > took / 2]
        self.assertGreater(len(late), 5)
        for at, left in late:
            self.assertIsNotNone(left, seen)
            self.assertLess(abs(at + left - took), 0.3 * took, (at, left, took, seen))

    def test_percentages_never_go_back_and_the_end_is_known_from_the_middle_on(self):
        self.lose_a_cluster_of_some_large_files()
        self.put_behind_a_slow_connection()
        process = self.start_bootstrap('--process-max=1', '--pgbackrest=' + self.pgbackrest_with_slow_wal())
        wait_until('the restore in the status', lambda: self.status()['state'] == 'running')
        watching = self.lab.start('watch', program(), 'status', '--datadir=' + self.data_directory, '--watch', '--format=json')
        seen, took = self.watch(process)
        self.assert_done(self.result_of(process))
        self.assert_watched(watching)
        self.assertGreater(took['copy'] + took['replay'], 55)
        for phase in ('copy', 'replay'):
            with self.subTest(phase):
                self.assertGreater(took[phase], 20)
                self.assert_known(took[phase], seen[phase])


class Terminal(StatusCase):
    COLUMNS = 80

    def on_terminal(self, *command, shown='stderr'):
        """The exit code, and what is drawn on a terminal, piece for piece."""
        ours, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack('HHHH', 24, self.COLUMNS, 0, 0))
        outputs = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, shown: screen}
        process = subprocess.Popen(command, env={**self.lab.environment, 'TERM': 'xterm'}, cwd=self.lab.directory,
                                   stdin=subprocess.DEVNULL, start_new_session=True, **outputs, **self.lab.as_postgres)
        started.add(process.pid)
        os.close(screen)
        told = b''
        try:
            while piece := os.read(ours, 65536):
                told += piece
        except OSError:
            pass  # nobody has it any more
        os.close(ours)
        code = process.wait(60)
        print(told.decode())
        return code, re.split(r'[\r\n]|\x1b\[K', told.decode())

    def test_a_bar_for_each_phase_with_amount_rate_time_left_and_the_commit_time(self):
        slow = self.wrap_pgbackrest('''case "$VERB" in
restore)
  pgbackrest "$@" &
  while kill -STOP $!; do sleep .3; kill -CONT $!; sleep .1; done 2>>%s
  wait $!
  exit ;;
archive-get) sleep .7 ;;
esac''' % self.lab.path('log/wrapper'))
        code, told = self.on_terminal(*self.command('--pgbackrest=' + slow))
        self.assertEqual(code, 0)
        bars = {phase: [piece for piece in told if re.match(phase + r' \[#*-*\] +\d+ %', piece)] for phase in ('copy', 'replay')}
        for phase, drawn in bars.items():
            self.assertGreater(len(drawn), 2, phase)
            self.assertLess(max(map(len, drawn)), self.COLUMNS, phase)
        self.assertTrue([bar for bar in bars['copy'] if re.search(r' \d.* of \d+\.\d MiB  .*/s  \d+ s left$', bar)], bars)
        self.assertTrue([bar for bar in bars['replay'] if re.search(r'  up to 20\d\d-\d\d-\d\d .*  \d+ s left$', bar)], bars)
        self.assertTrue([piece for piece in told if re.search(r' INFO: restore of demo: done in ', piece)])
        self.assertFalse([piece for piece in told if 'INFO: replay: ' in piece and ' left' in piece], 'a bar and lines as well')

    def members(self):
        return self.lab.run('etcdctl', '--endpoints=http://' + self.node.etcd, 'get', '--prefix',
                            '/service/%s/members/' % self.node.scope, environment={'ETCDCTL_API': '3'})

    def test_status_watched_beside_patroni_to_the_end_with_the_members_of_its_dcs(self):
        self.configure({'pgbackrest': self.waiting_pgbackrest()})
        self.node.start()
        self.wait_for_the_copy()
        wait_until('node1 to say what it does', lambda: 'running custom bootstrap script' in self.members())
        going_on = threading.Timer(3, self.let_the_copy_go_on)
        going_on.start()
        self.addCleanup(going_on.cancel)
        code, told = self.on_terminal(program(), 'status', '--patroni-config=' + self.yml, '--watch', shown='stdout')
        self.assertEqual(code, 0)
        screens = '\n'.join(piece for piece in told if piece).split('\x1b[H\x1b[J')
        self.assertEqual(screens.pop(0), '')
        self.assertGreater(len(screens), 1)
        self.assertRegex(screens[0], r'^restore +running, in the phase copy')
        self.assertRegex(screens[-1], r'^restore +done at .* ago\)\n')
        self.assertIn('\nmembers    node1; nobody leads\n', screens[-1])
        self.node.wait_for_leader()
        known = self.status()  # of what the restore saw
        self.assertEqual((known['state'], known['members'], known['leader']), ('done', ['node1'], None))


class Progress(StatusCase):
    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_status_tells_root_and_who_may_not_read_it_gets_an_error(self):
        process = self.start_bootstrap('--pgbackrest=' + self.waiting_pgbackrest())
        self.wait_for_the_copy()

        def status_as(**user):
            return subprocess.run([program(), 'status', '--datadir=' + self.data_directory, '--format=json'], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False, **user)
        of_root, of_nobody = status_as(), status_as(user=65534, group=65534, extra_groups=[])
        self.assertEqual((of_root.returncode, of_root.stderr), (0, ''))
        told = json.loads(of_root.stdout)
        self.assertEqual((told['state'], told['phase']['name']), ('running', 'copy'))
        self.assertEqual((of_nobody.returncode, of_nobody.stdout), (2, ''))
        self.assertIn('Permission denied', of_nobody.stderr)
        self.let_the_copy_go_on()
        self.assert_done(self.result_of(process))

    def test_status_after_a_kill_in_the_replay_and_after_the_run_that_went_on(self):
        self.assertRegex(self.status_text(), r'^restore +none is known\n')
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest(), '--type=lsn',
                                       '--target=' + self.target('lsn', 9))
        self.wait_for_replay_of(7)
        wait_until('the replay in the status', lambda: self.status()['phase']['unit'] == 'segments')
        self.assertRegex(self.status_text(), r'^restore +running, in the phase replay\nprogress +replay: \d+ %, \d+ of \d+ WAL segments, at \d+/')
        process.kill()
        self.assertEqual(self.result_of(process).code, -9)
        self.assert_nothing_runs(tidied=False)
        self.assertEqual(self.status(143)['state'], 'interrupted')
        self.assertRegex(self.status_text(143), r'^restore +interrupted in the phase replay at \d+ %, last seen at .* ago\); '
                                                r'what was copied is kept for resume or the next bootstrap\n')
        self.assert_done(self.bootstrap('--type=lsn', '--target=' + self.target('lsn', 9)))
        told = self.status()
        self.assertEqual((told['state'], told['last_error']), ('done', None))
        self.assertEqual((told['members'], told['leader']), ([], None))
        self.assertIn('\nmembers    none in the DCS; nobody leads\n', self.status_text())
        self.assertRegex(told['reached'], r'^\d+/\w+ \(after LSN .*\), new timeline 2$')
        self.assertEqual([phase['name'] for phase in told['finished_phases']],
                         ['request', 'plan', 'copy', 'replay', 'verification', 'sync', 'hand-over'])

    def test_status_in_patroni_mode_says_that_the_wal_is_still_to_be_replayed(self):
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_done(self.bootstrap())
        self.assertRegex(self.status_text(), r"^restore +done at .* ago\); the WAL is left to Patroni's PostgreSQL, "
                                               r'whose log tells of its replay\n')
        self.assertEqual([phase['name'] for phase in self.status()['finished_phases']],
                         ['request', 'plan', 'copy', 'delivery', 'verification', 'sync', 'hand-over'])

    def test_status_of_a_failed_restore_has_its_exit_code_and_its_words(self):
        self.damage_wal(5)
        self.assertEqual(self.bootstrap().code, 7)
        told = self.status(7)
        self.assertEqual((told['state'], told['phase']['name'], told['last_error']['exit_code']), ('failed', 'replay', 7))
        text = self.status_text(7)
        self.assertRegex(text, r'\nerror +.* \(exit code 7, replay of the WAL failed\)\nhint +.')
        self.assertTrue(re.search(r'\nnext try +when somebody has changed what the error names\n', text), text)

    def facts(self):
        """What check tells of the restore."""
        done = self.lab.attempt(program(), 'check', *self.command()[2:], '--format=json')
        told = json.loads(done.stdout)
        assert_fits(self, told, json.loads(read(os.path.join(DOCS, 'check.schema.json'))))
        return told['facts']

    def test_check_says_how_long_a_restore_takes_once_one_was_measured_here(self):
        self.assertRegex(self.facts()['time to a leader'], r'^not known, since no restore was measured on this node yet: '
                                                           r'[\d.]+ MiB to copy, \d+ WAL segments \([\d.]+ MiB\) to replay$')
        self.assert_done(self.bootstrap())
        kept = json.loads(read(self.data_directory + '.restores.json'))['runs']
        self.assertEqual(len(kept), 1)
        self.assertGreater(kept[0]['bytes'], 1 << 20)
        self.assertGreater(kept[0]['segments'], 3)
        shutil.rmtree(self.data_directory)
        self.assertRegex(self.facts()['time to a leader'], r'^about \d+ s: [\d.]+ MiB copied in \d+ s, \d+ WAL segments \([\d.]+ MiB\) '
                                                           r'replayed in \d+ s, \d+ s for the rest; by the rates of the last restore here$')

    def metrics(self):
        """{name: {value of its own label or '': value}} of the metrics file, all with the labels of this restore."""
        metrics = {}
        labels = '{run="restore",scope="%s",stanza="demo"' % self.node.scope
        for line in read(self.lab.path('restore.prom')).splitlines():
            if not line.startswith('#'):
                name, own, value = re.match(r'patroni_pgbackrest_(\w+)' + re.escape(labels) + r'(.*)\} (\S+)$', line).groups()
                metrics.setdefault(name, {})[own] = float(value)
        return metrics

    def test_metrics_of_a_restore_and_of_the_failure_behind_it(self):
        option = '--metrics-file=' + self.lab.path('restore.prom')
        began = time.time()
        self.assert_done(self.bootstrap(option))
        done = self.metrics()
        for name, value in (('last_run_success', 1), ('last_run_exit_code', 0), ('last_run_target_reached', 1)):
            self.assertEqual(done[name], {'': value}, name)
        self.assertLessEqual(int(began), done['last_run_start_timestamp_seconds'][''])
        self.assertEqual(done['last_success_timestamp_seconds'], done['last_run_end_timestamp_seconds'])
        self.assertEqual([label for label in done['last_run_phase_duration_seconds']],
                         [',phase="%s"' % phase for phase in ('request', 'plan', 'copy', 'replay', 'verification', 'sync', 'hand-over')])
        self.assertGreater(done['last_run_backup_size_bytes'][''], 1 << 20)
        self.assertEqual(done['last_run_reached_timestamp_seconds'], done['last_run_window_end_timestamp_seconds'])
        self.assertLess(done['last_run_window_end_timestamp_seconds'][''], began)
        self.assertEqual(self.bootstrap(option).code, 9)  # the data directory is not empty any more
        failed = self.metrics()
        self.assertEqual((failed['last_run_success'], failed['last_run_exit_code']), ({'': 0}, {'': 9}))
        self.assertEqual(failed['last_success_timestamp_seconds'], done['last_success_timestamp_seconds'])

    def page(self):
        """[(tag, text)] of the report's page, in which each tag that is opened is closed where it should be."""
        seen, opened = [], []

        class Parser(html.parser.HTMLParser):
            def handle_starttag(self, tag, attributes):
                if tag != 'meta':
                    opened.append(tag)

            def handle_endtag(self, tag):
                assert opened.pop() == tag, (tag, opened)

            def handle_data(self, data):
                if opened and data.strip():
                    seen.append((opened[-1], data.strip()))

        Parser().feed(read(self.lab.path('report.html')))
        self.assertEqual(opened, [])
        return seen

    def test_the_page_and_the_closing_table_of_a_restore_and_the_page_of_the_failure_behind_it(self):
        options = ['--html=' + self.lab.path('report.html'), '--report=' + self.lab.path('report.json')]
        result = self.bootstrap(*options)
        self.assert_done(result)
        self.assertRegex(result.log, r' INFO: restore of demo: done in \d+ s\n  target +latest\n  reached +\d+/\w+ .*, new timeline 2\n')
        self.assertRegex(result.log, r'\n  copy +\d+ s +\d+ %\n  replay +\d+ s +\d+ %\n')
        page = self.page()
        self.assertIn(('span', 'done'), page)
        self.assertEqual([text for tag, text in page if tag == 'th'][:7],
                         ['request', 'plan', 'copy', 'replay', 'verification', 'sync', 'hand-over'])
        self.assertIn(('p', 'none'), page)
        self.assertEqual(self.bootstrap(*options).code, 9)  # the data directory is not empty any more
        failed = self.page()
        self.assertIn(('span', 'failed in the phase request (exit code 9, refused for safety)'), failed)
        self.assertTrue([text for tag, text in failed if tag == 'p' and text.startswith('What to do: move it away yourself')])
        told = json.loads(read(self.lab.path('report.json')))
        assert_fits(self, told, json.loads(read(os.path.join(DOCS, 'report.schema.json'))))
        self.assertEqual((told['phase'], told['outcome']['retryable']), ('request', False))

    def told_with_secrets(self, *arguments):
        """The exit code of a bootstrap, and all that it and status tell of it, with the secrets of patroni.yml."""
        paths = {option: self.lab.path('told.' + kind) for option, kind in (('report', 'json'), ('html', 'html'), ('metrics-file', 'prom'))}
        result = self.bootstrap('--log-level=debug', *('--%s=%s' % option for option in paths.items()), *arguments)
        status = self.lab.attempt(program(), 'status', '--datadir=' + self.data_directory, '--format=json').stdout
        return result.code, [result.log, status, *(read(path) for path in paths.values())]

    def test_no_secret_of_patroni_yml_in_anything_that_is_told(self):
        self.configure(postgresql={'authentication': {name: {'username': name + '1', 'password': 'marked-%s' % name}
                                                      for name in ('superuser', 'replication', 'rewind')}},
                       restapi={'authentication': {'username': 'api', 'password': 'marked-api'}})
        for code, arguments in ((4, ['--set=20200101-000000F']), (0, []), (9, [])):
            ended, told = self.told_with_secrets(*arguments)
            self.assertEqual(ended, code, told[0][-3000:])
            self.assertEqual([text for text in told if not text], [])
            for text in told:
                self.assertNotIn('marked-', text)

    def entries(self, log):
        """The lines of a log for a program, each of which must be as its schema says; the last one has the exit code."""
        entries = [json.loads(line) for line in log.splitlines()]
        for entry in entries:
            assert_fits(self, entry, json.loads(read(os.path.join(DOCS, 'log.schema.json'))))
        self.assertEqual([entry['exit_code'] for entry in entries if 'exit_code' in entry], [entries[-1]['exit_code']])
        return entries

    def test_a_log_for_a_program_is_as_its_schema_says_whatever_command_writes_it(self):
        self.configure({'log-format': 'json', 'log-level': 'debug'})
        entries = self.entries(self.bootstrap().log)
        self.assertEqual((entries[-1]['exit_code'], entries[-1]['level']), (0, 'info'))
        self.assertTrue([entry for entry in entries if entry['level'] == 'debug'])
        refused = self.entries(self.bootstrap().log)  # the data directory is not empty any more
        self.assertEqual((refused[-1]['exit_code'], refused[-2]['level']), (9, 'error'))
        self.assertTrue(refused[-2]['hint'])
        for words in (['verify'], ['resume'], ['recovery-end'], ['configure'],
                      ['status', '--datadir=' + self.lab.path('nothing')], ['archive-get', 'x'],
                      ['check', '--patroni-config=' + self.yml], ['rehearse', '--patroni-config=' + self.yml, '--set=20200101-000000F',
                                                                  '--scratch=' + self.lab.path('scratch')]):
            done = self.lab.attempt(program(), *words, '--log-format=json')
            told = [json.loads(line) for line in done.stderr.splitlines()]
            self.assertTrue(told, words)
            for entry in told:
                assert_fits(self, entry, json.loads(read(os.path.join(DOCS, 'log.schema.json'))))
            self.assertEqual(told[-1].get('exit_code', done.returncode), done.returncode, words)

    def test_a_log_for_a_program_has_the_progress_in_numbers(self):
        slow = self.wrap_pgbackrest('[ $VERB$((${#SEGMENT})) != archive-get24 ] || sleep 4')
        entries = self.entries(self.bootstrap('--log-format=json', '--pgbackrest=' + slow, seconds=200).log)
        replay = [entry for entry in entries if entry.get('phase') == 'replay']
        self.assertTrue(replay, entries)
        self.assertEqual({entry['unit'] for entry in replay}, {'segments'})
        self.assertEqual([entry['percent'] for entry in replay], sorted(entry['percent'] for entry in replay))
