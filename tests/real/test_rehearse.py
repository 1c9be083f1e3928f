"""rehearse: a restore drill that shows what a restore would do, touches nothing else and leaves nothing behind."""
import base64
import datetime
import glob
import json
import os
import re
import shlex
import shutil
import time
import unittest

from bootstrap_case import BATCHES, ROWS, PlainCase, program, read, wait_until
from json_schema import assert_fits
from rehearsal_case import CHOSEN_PRIORITY, SLEEP, RehearsalCase
from repository_case import RepositoryCase
from source_cluster import switch_wal, wait_until_archived

PACKAGED = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../packaging/systemd')
RUNBOOKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs/runbooks')
REPORT_SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs/report.schema.json')


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

    def test_a_pgbackrest_that_chooses_its_own_priority_is_told_this_one(self):
        """From 2.58 on. This one says that it is one, and takes the option away from the real one."""
        told, asked = self.lab.path('log/priorities'), self.lab.path('log/asked')
        wrapper = self.wrap_pgbackrest('''[ "$VERB" != version ] || { echo once >>%s; echo pgBackRest 2.58; exit; }
words=()
for word; do case $word in
  --priority=*) echo "$VERB $word" >>%s ;;
  *) words+=("$word") ;;
esac; done
set -- "${words[@]}"''' % (asked, told))
        self.assert_done(self.rehearse('--pgbackrest=' + wrapper))
        self.assertEqual(read(asked), 'once\n')
        self.assertEqual({'%s --priority=1' % verb for verb in ('info', 'restore', 'archive-get')} - set(read(told).splitlines()), set())
        self.assertEqual([line for line in read(told).splitlines() if not line.endswith(' --priority=1')], [])


class Resources(RehearsalCase):
    def told_to_start(self, *options):
        """The words with which pgBackRest was called for the copy, and PostgreSQL for the replay."""
        words = self.lab.path('log/words')
        result = self.rehearse('--log-level=debug', '--pgbackrest=' + self.wrap_pgbackrest(
            '[ $VERB != restore ] || printf "%%s\\n" "$*" >%s' % words), *options)
        self.assert_done(result)
        return read(words), re.search(r' DEBUG: starting (\S*postgres .*)', result.log).group(1)

    def test_one_process_and_the_memory_that_was_asked_for(self):
        copy, replay = self.told_to_start()
        self.assertIn(' --process-max=1 ', copy)
        self.assertRegex(replay, r'\bshared_buffers=128MB\b')
        self.configure({'process-max': 3})  # of this node's restore
        copy, replay = self.told_to_start('--memory=800MB')
        self.assertIn(' --process-max=1 ', copy)
        self.assertRegex(replay, r'\bshared_buffers=200MB\b')


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
                         ['plan', 'copy', 'replay', 'probes', 'dump', 'databases', 'shutdown', 'verification', 'checksums', 'sync'])
        self.assertEqual((drill['replayed_segments'], drill['copied_bytes']), (drill['latest_segments'], drill['latest_bytes']))
        self.assertGreater(drill['projected_seconds'], 0)
        self.assertEqual(drill, self.history()[0])
        self.assert_what_is_lost(drill, result.log, read(metrics))
        for words in ('<h1>Rehearsal of demo: <span class="good">done</span>', '<th scope="row">examined</th><td>1 probes, dump of ',
                      '<th scope="row">window</th><td>20', '<th scope="row">lost now</th><td>what was committed in the last ',
                      '<th scope="row">recovery</th><td>about '):
            self.assertIn(words, read(page))
        for name in ('last_run_success', 'last_run_target_reached'):
            self.assertIn(self.metric(name, 1), read(metrics))
        self.assertEqual(len(re.findall(r'\n\w+_last_(?:success|run_window_end)_timestamp_seconds\{run="drill",', read(metrics))), 2)

    def assert_what_is_lost(self, drill, log, metrics):
        """The window ends with the last commit, which dropped a table behind the last batch and was archived at once; what came
        behind that by the end of the drill is lost."""
        wrote = datetime.datetime.fromisoformat(self.target('time', BATCHES)).timestamp()
        archived = max(os.stat(path).st_mtime for path in glob.glob(self.repository + '/archive/demo/*/*/0*'))
        self.assertLess(archived - wrote, 60)
        self.assertLessEqual(int(wrote), drill['last_commit'])
        self.assertLessEqual(drill['last_commit'], archived)
        ended, now = drill['at'] + drill['seconds'], time.time()
        self.assertTrue(now - 20 < ended < now + 1, (ended, now))
        since = datetime.datetime.fromtimestamp(drill['last_commit'], datetime.timezone.utc).strftime('%Y-%m-%d %H:%M:%S')
        self.assertIn(' to the last commit at ' + since, drill['window'])
        hours, minutes, seconds = re.search(
            r'\nlost now   what was committed in the last (?:(\d+) h )?(?:(\d+) min ?)?(?:(\d+) s)?, since %s\+00\n' % since, log).groups('0')
        lost = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
        self.assertAlmostEqual(lost, ended - drill['last_commit'], delta=60 if int(hours) else 2)
        self.assertIn('_last_run_window_end_timestamp_seconds{run="drill",scope="%s",stanza="demo"} %d' % (
            self.node.scope, drill['last_commit']), metrics)

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

    def test_the_block_s_variables_decide_what_is_restored_as_they_do_for_patroni(self):
        empty = self.lab.write('empty.conf', '[demo]\npg1-path=%s\n[global]\nrepo1-path=%s\n' % (self.data_directory, self.lab.path('empty')))
        command = 'env PGBACKREST_CONFIG=%s ' + program() + ' bootstrap'
        self.configure({'pgbackrest-config': None, 'command': command % self.pgbackrest_configuration})
        self.assert_done(self.rehearse(environment={'PGBACKREST_CONFIG': empty}))
        self.configure({'pgbackrest-config': None, 'command': command % empty})
        self.assertNotEqual(self.rehearse(environment={'PGBACKREST_CONFIG': self.pgbackrest_configuration}).code, 0)

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
        self.assertNotRegex(unit, '(?m)^Condition', 'a drill that systemd skips fails nowhere')
        timer = read(os.path.join(PACKAGED, 'patroni_pgbackrest-rehearse.timer')).partition('[Timer]\n')[2].partition('\n[')[0]
        self.assertEqual({line for line in timer.splitlines() if '=' in line},
                         {'OnCalendar=weekly', 'RandomizedDelaySec=48h', 'Persistent=true'})

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

    def test_a_passphrase_for_a_repository_that_has_none(self):
        self.lab.pgbackrest_configuration(self.data_directory, settings={
            'repo1-cipher-type': 'aes-256-cbc', 'repo1-cipher-pass': 'wrong'})
        self.assert_red(self.rehearse(), 5, 'stanza demo in repo1 cannot be decrypted', 'plan')

    def test_too_little_disk(self):
        self.assert_red(self.rehearse('--disk-floor=900TB'), 3, 'of which disk-floor keeps 900', 'plan')
        self.scratch = os.path.join(self.lab.mount_tmpfs(15, 'disk'), 'scratch')
        self.assert_red(self.rehearse('--disk-floor=0'), 3, 'has room for|of which disk-floor keeps', 'plan')

    def test_a_disk_that_fills_in_the_middle(self):
        self.scratch = os.path.join(self.lab.mount_tmpfs(500, 'disk'), 'scratch')
        # In the spool, where it may write; and nothing is said for a while then.
        filling = self.wrap_pgbackrest('''for word; do case $word in
  --spool-path=*) [ $VERB != archive-get ] || { head -c 250M /dev/zero >${word#*=}/filler; %s; } ;;
esac; done''' % SLEEP)
        began = time.monotonic()
        result = self.rehearse('--keep', '--disk-floor=250MB', '--pgbackrest=' + filling)
        self.assertLess(time.monotonic() - began, 40)
        self.assert_red(result, 11, 'and disk-floor keeps 250', 'replay')
        self.assert_nothing_left()  # somebody else needs the room
        self.assert_refused(result, 11, '', 'or name a scratch directory on another disk')
        self.scratch = self.lab.path('scratch')
        self.assert_done(self.rehearse('--disk-floor=1MB'))

    def test_what_a_failed_one_kept_is_removed_as_the_next_one_says(self):
        result = self.rehearse('--keep', '--probe=select false')
        self.assert_red(result, 8, 'returned', 'probes')
        self.assertIn('the rehearsed cluster is kept, and archives nothing\n', result.log)
        refused = self.rehearse('--keep')
        self.assert_refused(refused, 9, 'holds a rehearsal that was kept')
        self.lab.run(*shlex.split(re.search(r'then (rm -r .*)', refused.problems()[0][1]).group(1)))
        os.rmdir(self.scratch)
        self.assert_done(self.rehearse())

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


class Runbook(RehearsalCase):
    """The commands of the runbook, in their order; both languages have the same."""
    LANGUAGES = ('rehearse.md', 'rehearse.zh-CN.md')
    ENABLE = 'systemctl enable --now patroni_pgbackrest-rehearse.timer'

    @staticmethod
    def blocks(name):
        """[lines of each block of a console]"""
        return [block.splitlines() for block in re.findall(r'(?ms)^```console\n(.*?)^```$', read(os.path.join(RUNBOOKS, name)))]

    def commands(self):
        """Those of a prompt, without it."""
        english, chinese = ([line[2:] for block in self.blocks(name) for line in block if line.startswith('# ')] for name in self.LANGUAGES)
        self.assertEqual(english, chinese)
        return english

    def words_here(self, command):
        words = shlex.split(command)
        self.assertEqual(words[:5], ['sudo', '-u', 'postgres', 'patroni_pgbackrest', 'rehearse'])
        places = {'--patroni-config=/etc/patroni/config.yml': '--patroni-config=' + self.yml, '--scratch=/srv/rehearsal': '--scratch=' + self.scratch}
        return [program(), *[places.get(word, word) for word in words[4:]]]

    def test_its_commands_do_what_it_says(self):
        commands = self.commands()
        commands.remove(self.ENABLE)
        drill, history = commands
        result = self.run_program(*CHOSEN_PRIORITY, *self.words_here(drill))
        self.assert_done(result)
        self.assert_nothing_left()
        shown = self.blocks('rehearse.md')[0][1:]
        self.assertEqual(shown, self.blocks('rehearse.zh-CN.md')[0][1:])
        told = {line[:10].strip(): line for line in result.log.splitlines()}
        for line in shown:
            self.assertIn(line[:10].strip(), told)

        def phases(line):
            return re.findall(r'(?:^phases +|, )(\w+) ', line)
        self.assertEqual(phases(told['phases']), phases(next(line for line in shown if line.startswith('phases'))))
        looked_back = self.run_program(*self.words_here(history))
        self.assert_done(looked_back)
        self.assertIn('  demo  succeeded  in ', looked_back.log)

    def test_it_names_options_that_there_are(self):
        known = self.lab.run(program(), 'rehearse', '--help')
        for name in self.LANGUAGES:
            text = read(os.path.join(RUNBOOKS, name))
            for option in set(re.findall(r'`(--[a-z-]+)', text)):
                self.assertRegex(known, r'(?m)%s\b' % option, name)

    @unittest.skipUnless(shutil.which('systemctl') and shutil.which('systemd-analyze'), 'needs systemd')
    def test_the_timer_can_be_enabled_and_systemd_has_nothing_against_it_and_its_service(self):
        self.assertIn(self.ENABLE, self.commands())
        self.lab.make('root/etc/systemd/system')
        units = self.lab.make('root/usr/lib/systemd/system')
        for name in os.listdir(PACKAGED):
            self.lab.write(os.path.join(units, name), read(os.path.join(PACKAGED, name)).replace('/usr/bin/patroni_pgbackrest', program()), 0o644)
        words = [word for word in shlex.split(self.ENABLE) if word != '--now']  # nothing is started here
        self.lab.run(words[0], '--root=' + self.lab.path('root'), *words[1:])
        self.assertTrue(os.path.islink(self.lab.path('root/etc/systemd/system/timers.target.wants/patroni_pgbackrest-rehearse.timer')))
        verified = self.lab.attempt('systemd-analyze', 'verify', '--man=no', *[os.path.join(units, name) for name in os.listdir(units)])
        if 'Failed to initialize manager' in verified.stderr:
            self.skipTest('systemd-analyze needs cgroups')  # in a bare chroot there are none
        self.assertEqual((verified.returncode, [line for line in verified.stderr.splitlines() if 'patroni_pgbackrest' in line]), (0, []))


class EncryptedRepository(PlainCase, RehearsalCase):
    def use_passphrase(self, words):
        self.lab.pgbackrest_configuration(self.data_directory, self.node.port, self.repository, {
            'repo1-cipher-type': 'aes-256-cbc', 'repo1-cipher-pass': words})

    def test_a_wrong_passphrase(self):
        of_source = {'PGBACKREST_REPO1_CIPHER_TYPE': 'aes-256-cbc', 'PGBACKREST_REPO1_CIPHER_PASS': 'the one of the source'}
        self.lab.environment.update(of_source)
        self.make_source('autovacuum=off')
        self.plain.write_batches(1)
        self.lose()
        for name in of_source:
            del self.lab.environment[name]
        self.use_passphrase('another one')
        red = self.rehearse()
        self.assert_red(red, 5, 'stanza demo in repo1 cannot be decrypted', 'plan')
        self.use_passphrase('the one of the source')
        green = self.rehearse('--dump')
        self.assert_done(green)
        for words in ('another one', 'the one of the source'):
            self.assertNotIn(words, red.log + green.log)


class BesidePatroni(RehearsalCase):
    """The cluster lives, with a real Patroni, and goes on as if there were no rehearsal."""

    def keys(self):
        """What the DCS has of the scope, but for what a Patroni that runs writes again and again."""
        told = json.loads(self.lab.run('etcdctl', '--endpoints=http://' + self.node.etcd, 'get', '--prefix', '/service/%s/' % self.node.scope,
                                       '-w', 'json', environment={'ETCDCTL_API': '3'}))
        keys = {base64.b64decode(each['key']).decode(): (each['create_revision'], base64.b64decode(each['value'])) for each in told['kvs']}
        return {key: value for key, value in keys.items() if not re.search(r'/(status|optime/leader|history|members/.*)$', key)}

    def test_neither_the_dcs_nor_the_leader_notices(self):
        # A leader gives way when it has not heard of the DCS for retry_timeout, which may be the fault of the tests beside this one.
        self.configure(bootstrap={'dcs': {'ttl': 120, 'retry_timeout': 50}})
        self.node.start()
        self.node.wait_for_leader()
        self.node.wait_for_log('the leader with the lock')
        of_server = 'select system_identifier, pg_postmaster_start_time(), timeline_id from pg_control_system(), pg_control_checkpoint()'
        self.node.sql('checkpoint')
        keys, server = self.keys(), self.node.sql(of_server)
        self.assertIn('/service/%s/initialize' % self.node.scope, keys)
        self.assert_done(self.run_program(*self.command_of('--set=' + self.source.full_backup, '--type=time', '--target=' + self.target('time', 7))))
        self.assert_nothing_left()
        self.assertEqual(self.keys(), keys)
        self.assertEqual(self.node.sql(of_server), server)
        self.node.wait_for_leader()  # it is still the same one: its key and its server are


class SecondCluster(RehearsalCase, RepositoryCase):
    def test_a_second_cluster_in_the_stanza(self):
        self.situation('replaced')
        self.assert_red(self.rehearse(), 2, self.facts['identifiers']['alpha'], 'plan')
        self.assert_done(self.rehearse('--system-identifier=' + self.facts['identifiers']['alpha']))


class Superuser(PlainCase, RehearsalCase):
    def test_one_that_nobody_can_make_is_red_until_the_source_s_is_named(self):
        self.make_source('autovacuum=off', 'create role boss superuser login')
        as_boss = ('psql', '-X', '-h', self.lab.directory, '-p', str(self.plain.server.port), '-U', 'boss', '-d', 'postgres', '-Atc')
        self.lab.run(*as_boss, 'alter role postgres nologin')
        self.lab.run(*as_boss, 'select pg_switch_wal()')
        waiting = os.path.join(self.plain.server.data_directory, 'pg_wal/archive_status/*.ready')
        wait_until('everything to be archived', lambda: not glob.glob(waiting))
        self.configure(postgresql={'authentication': {'superuser': {'username': 'chief', 'password': 'secret-of-chief'}}})
        result = self.rehearse()
        self.assert_red(result, 3, 'chief, as whom Patroni logs in, is no superuser of the restored cluster', 'replay')
        self.assert_refused(result, 3, 'chief', r'name in postgresql.authentication.superuser the superuser that the source had\s*$')
        self.configure(postgresql={'authentication': {'superuser': {'username': 'boss', 'password': 'secret-of-boss'}}})
        again = self.rehearse()
        self.assert_done(again)
        self.assertNotIn('secret-of-', result.log + again.log)


class OtherDatabase(PlainCase, RehearsalCase):
    def test_probes_are_asked_where_patroni_would_ask_them(self):
        self.make_source('', 'create database app')
        self.lab.run('psql', '-X', '-h', self.lab.directory, '-p', str(self.plain.server.port), '-U', 'postgres', '-d', 'app', '-Atc',
                     'create table orders as select 1 n')
        self.plain.write_batches(1)
        self.lose()
        self.configure({'probe': 'select count(*) = 1 from orders'}, postgresql={'database': 'app'})
        self.assert_done(self.rehearse('--dump'))


class OtherLibraries(PlainCase, RehearsalCase):
    def test_indexes_that_this_system_sorts_in_another_way_are_a_warning(self):
        self.make_source('', "create collation english (provider = icu, locale = 'en');"
                             'create table names (a text collate english primary key)')
        self.plain.sql("update pg_collation set collversion = '1.1' where collname = 'english'")
        self.plain.write_batches(1)
        self.lose()
        result = self.rehearse()
        self.assert_done(result)
        self.assertRegex(result.log, 'WARNING: 1 indexes of database postgres were built with collations that this system sorts in another way')
        self.assertEqual([each['hint'].partition(': ')[::2] for each in self.history()[-1]['warnings'] if '1 indexes' in each['message']],
                         [('after a restore, in the restored cluster',
                           'REINDEX them before they are relied on, then ALTER COLLATION … REFRESH VERSION for each collation')])


class LargeSegments(PlainCase, RehearsalCase):
    def test_what_is_kept_can_be_started(self):
        """PostgreSQL's own min_wal_size is less than two of these."""
        self.make_source('', '', '--wal-segsize=64')
        self.plain.write_batches(1)
        self.lose()
        result = self.rehearse('--keep')
        self.assert_done(result)
        self.remove_what_was_kept(*self.start_what_was_kept(result, ROWS))


class DamagedPage(PlainCase, RehearsalCase):
    def setUp(self):
        super().setUp()
        self.make_source('', 'create table damaged as select generate_series(1, 1000) n')
        self.plain.sql('vacuum (freeze) damaged')
        self.plain.sql('alter database postgres set zero_damaged_pages = on')  # as somebody may have left it
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


class DamagedIndex(PlainCase, RehearsalCase):
    """Two entries of an index have changed their places: nothing but a look at their order finds it."""
    LINE_POINTERS, SIZE = 8192 + 24, 4  # in the first page behind the metapage, which is its root and its only leaf

    def setUp(self):
        super().setUp()
        if not os.path.exists(os.path.join(self.lab.bin_directory, 'pg_amcheck')):
            self.skipTest('PostgreSQL 13 has no pg_amcheck')
        self.make_source('autovacuum=off', 'create extension amcheck; create table whole (n int primary key);'
                                           'create table damaged (n int primary key); insert into damaged select generate_series(1, 100)')
        self.plain.sql('vacuum (freeze) damaged')
        self.plain.sql('checkpoint')
        file = os.path.join(self.plain.server.data_directory, self.plain.sql("select pg_relation_filepath('damaged_pkey')"))
        self.plain.server.stop()
        self.lab.run('pg_checksums', '--disable', '-D', self.plain.server.data_directory)
        with open(file, 'r+b') as index:
            index.seek(self.LINE_POINTERS)
            first, second = index.read(self.SIZE), index.read(self.SIZE)
            index.seek(self.LINE_POINTERS)
            index.write(second + first)
        self.plain.start_again()
        self.plain.back_up()
        self.plain.write_batches(1)
        self.lose()

    def test_amcheck_finds_it_and_names_the_index(self):
        result = self.rehearse('--dump')
        self.assert_done(result)  # a dump reads no index
        result = self.rehearse('--amcheck')
        self.assert_red(result, 8, r'pg_amcheck found corruption: .*btree index "postgres\.(public\.)?damaged_pkey".*item order', 'amcheck')
        self.assert_refused(result, 8, '', 'do not use this data: restore again')
        self.assertNotIn('whole_pkey', result.log)


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
        self.assertIn('a restore of this node would be refused: 1 prepared transactions are pending', result.log)
        self.plain.sql("rollback prepared 'one'")
        self.archive_all()
        result = self.rehearse('--dump')
        self.assert_done(result)
        self.assertNotIn('prepared transactions are pending', result.log)

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
        self.plain.sql('create database closed allow_connections = false')
        self.archive_all()
        result = self.rehearse('--amcheck')
        self.assert_done(result)
        self.assertIn('WARNING: database closed accepts no connections, and pg_amcheck leaves it out', result.log)
        self.assertIn('examined   amcheck (not of every database)\n', result.log)


