"""What came up against what was asked: `verify` as Patroni's post_bootstrap, and by hand."""
import json
import os
import re
import shutil
import signal

from bootstrap_case import BATCHES, PlainCase, program, read, wait_until
from lab import PatroniNode, send
from test_patroni import UnderPatroni
from test_resume import ResumeCase

EVERY_BATCH = 'select count(distinct batch) = %d from kept'


class VerifyCase(UnderPatroni):
    def with_verify(self, block=None, **sections):
        """Brings the cluster back under a Patroni that asks verify."""
        self.configure(block, bootstrap={'post_bootstrap': program() + ' verify', **sections})
        self.node.start()

    def verify(self, *arguments, environment=None, yml=True):
        given = ['--patroni-config=' + self.yml] if yml else []
        return self.run_program(program(), 'verify', *given, *arguments,
                                environment={'PGUSER': 'postgres', **(environment or {})})

    def found(self, *arguments):
        """The ids of what verify finds by hand."""
        return set(re.findall(r'(?m)^(?:ERROR {3}|WARNING )(verify-[a-z-]+): ', self.verify(*arguments).log))

    def follow(self, finding, act, *arguments):
        """What its hint says is done, and the finding is gone, with no new one."""
        before = self.found(*arguments)
        self.assertIn(finding, before)
        act()
        self.assertLessEqual(self.found(*arguments), before - {finding})

    def url(self, port):
        return 'postgresql://postgres:topsecret@127.0.0.1:%d/postgres' % port


class AsPostBootstrap(VerifyCase):
    def test_the_latest_point_and_the_same_asked_again_by_hand(self):
        self.with_verify({'probe': [EVERY_BATCH % BATCHES, {'template1': "select 'it''s' is not null"}]})
        self.node.wait_for_leader()
        said = self.lab.log('node1')
        self.assertRegex(said, r'(?m)^asked      latest, backup set \S+, timeline 1$')
        self.assertRegex(said, r'(?m)^reached    \S+ \(no recovery target specified\), timeline 2, last transaction at ')
        self.assertRegex(said, r'(?m)^probes     2 of 2 true\n0 errors, 0 warnings$')
        self.assertNotIn('secret-of', said)

        by_hand = self.verify()
        self.assert_done(by_hand)
        self.assertIn('archiving  ', by_hand.log)
        self.assertRegex(by_hand.log, '0 errors, 0 warnings\n$')
        printed = self.lab.attempt(program(), 'verify', '--patroni-config=' + self.yml, '--format=json',
                                   '--probe=select 1 = 2', '--probe=nowhere=select true',
                                   environment={'PGUSER': 'postgres'})
        self.assertEqual(printed.returncode, 8, printed.stderr)
        report = json.loads(printed.stdout)
        self.assertEqual((report['exit_code'], report['asked']['type'], report['reached']['timeline']), (8, 'default', 2))
        self.assertEqual([(each['id'], each['severity'], each['place']) for each in report['findings']],
                         [('verify-probe', 'error', '--probe'), ('verify-probe-unanswered', 'error', '--probe')])
        self.assertIn('database "nowhere" does not exist', report['findings'][1]['message'])
        self.password_is_never_seen()
        self.wrong_input()

    def password_is_never_seen(self):
        self.lab.make('bin', mode=0o755)
        self.lab.write('bin/psql', '#!/bin/bash\ntr "\\0" " " </proc/$$/cmdline >>%s\nexec %s/psql "$@"\n'
                       % (self.lab.path('seen'), self.lab.bin_directory), 0o755)
        result = self.verify(self.url(self.node.port), '--format=json', yml=False,
                             environment={'PATH': self.lab.path('bin') + ':/usr/bin:/bin'})
        self.assert_done(result)
        self.assertIn('verify-no-patroni-yml', result.log)
        self.assertRegex(self.verify(self.url(self.node.port)).log, '0 errors, 0 warnings\n$')  # named, as the hint says
        self.assertIn('psql', read(self.lab.path('seen')))
        self.assertNotIn('topsecret', result.log + read(self.lab.path('seen')))
        self.assertNotIn('topsecret', self.lab.log('node1'))

    def wrong_input(self):
        for arguments, yml, environment, code, message in (
                (['hots=topsecret'], False, {}, 2, 'the connection string cannot be read: a keyword is unknown, host'),
                (['postgresql://a:topsecret@127.0.0.1:1/'], False, {}, 3, 'the server cannot be asked: psql exited with code 2'),
                ([], False, {}, 2, 'neither a connection string nor a patroni.yml'),
                ([self.url(self.node.port)], False, {'PATH': self.lab.path('tmp')}, 3, 'psql was not found')):
            result = self.verify(*arguments, yml=yml, environment=environment)
            self.assert_refused(result, code, message)
            self.assertNotIn('topsecret', result.log)
        broken = self.lab.write('broken.yml', 'scope: [\n')
        self.assert_refused(self.run_program(program(), 'verify', '--patroni-config=' + broken), 2, '.')

    def test_a_time_in_patroni_mode(self):
        self.with_verify({**self.patroni_mode('time', 7), 'probe': EVERY_BATCH % 7})
        self.node.wait_for_leader()
        said = self.lab.log('node1')
        self.assertRegex(said, r'(?m)^asked      time ')
        self.assertRegex(said, r'(?m)^reached    \S+ \(before .*\), timeline 2$')
        self.assertRegex(said, r'(?m)^probes     1 of 1 true\n0 errors, 0 warnings$')

    def test_a_false_probe_makes_patroni_discard_the_cluster(self):
        metrics, of_the_block = self.lab.path('restore.prom'), self.lab.path('block.prom')
        self.with_verify({'probe': EVERY_BATCH % (BATCHES + 1), 'metrics-file': of_the_block,
                          'command': '%s bootstrap --metrics-file=%s' % (program(), metrics)})
        self.node.wait_for_end()
        labels = '{run="restore",scope="%s",stanza="demo"' % self.node.scope
        for line in ('last_run_success%s} 0\n', 'last_run_exit_code%s} 8\n', 'last_run_target_reached%s} 0\n', 'last_run_info%s,phase="verify",'):
            self.assertIn('\npatroni_pgbackrest_' + line % labels, read(metrics))
        self.assertFalse(os.path.exists(of_the_block), 'nor had the restore written there')
        self.assertRegex(self.lab.log('node1'), r"(?m)^ERROR   verify-probe: .*: probe 1: .* returned 'false' instead of true")
        self.assert_absent()
        self.assertIn('"rejected": {', read(self.node.set_aside() + '/patroni_pgbackrest.rejected'))
        self.node.start()
        self.node.wait_for_end()
        self.assertRegex(self.lab.log('node1'), "ERROR: the same restore was rejected by verify, and nothing has changed since: "
                                                "probe 1: .* returned 'false' instead of true")
        self.with_verify({'probe': EVERY_BATCH % BATCHES})
        self.node.wait_for_leader()
        self.assertIn('is taken back', self.lab.log('node1'))

    def test_an_archiver_that_fails_is_only_a_warning(self):
        self.with_verify({'type': 'time', 'target': self.target('time', 7), 'probe': EVERY_BATCH % 7},
                         dcs={'postgresql': {'parameters': {'archive_command': 'false'}}})
        self.node.wait_for_leader()
        result = self.verify()
        self.assert_done(result)
        self.assertIn('WARNING verify-archiver-failing: the archiver fails with 00000002.history', result.log)
        self.assertIn('0 errors, 1 warnings', result.log)
        # What its hint says: archive_command is corrected. It is compared with the DCS then, and not with bootstrap.dcs.
        archive = 'pgbackrest --config=%s --stanza=demo archive-push %%p' % self.pgbackrest_configuration
        self.lab.run('patronictl', '-c', self.yml, 'edit-config', self.node.scope, '--force', '--pg', 'archive_command=' + archive)
        self.archives_with(archive)
        self.node.sql('select pg_switch_wal()')
        wait_until('the archiver to succeed', lambda: not self.found(), 120)
        self.node.sql("alter system set archive_command = 'true'")
        self.node.sql('select pg_reload_conf()')
        self.archives_with('true')

        def reset():
            self.node.sql('alter system reset archive_command')
            self.node.sql('select pg_reload_conf()')
            self.archives_with(archive)
        self.follow('verify-archive-setting', reset)

    def test_archiving_is_compared_with_what_the_dcs_still_held_at_the_bootstrap(self):
        archive = 'pgbackrest --config=%s --stanza=demo archive-push %%p' % self.pgbackrest_configuration
        self.node.put_key(json.dumps({'ttl': 20, 'loop_wait': 1, 'retry_timeout': 3, 'postgresql': {
            'use_pg_rewind': True, 'parameters': {'archive_mode': 'on', 'archive_command': archive}}}), 'config')
        self.with_verify(dcs={'postgresql': {'parameters': {'archive_command': 'false'}}})
        self.node.wait_for_leader()
        self.assertRegex(self.lab.log('node1'), r'(?m)^0 errors, 0 warnings$')
        self.archives_with(archive)
        self.assertEqual(self.found(), set())

    def archives_with(self, command):
        wait_until('archive_command to be ' + command, lambda: self.node.sql('show archive_command') == command, 30)

    def test_after_an_initdb_there_are_only_warnings(self):
        # Patroni calls it then as well; with these rules only the file in PGPASSFILE lets it in.
        self.yml = self.node.configure(
            bootstrap={'post_bootstrap': program() + ' verify'},
            postgresql={'pg_hba': ['local all all peer', 'host all all 127.0.0.1/32 md5',
                                   'host replication all 127.0.0.1/32 md5']})
        self.node.start()
        self.node.wait_for_leader()
        self.assertIn('WARNING verify-no-journal: there is no journal of a restore beside', self.lab.log('node1'))
        self.assertIn('0 errors, ', self.lab.log('node1'))


class ByHand(VerifyCase):
    def test_a_server_in_recovery_a_hanging_one_and_none(self):
        self.assert_done(self.bootstrap())
        self.assert_refused(self.verify(), 3, 'no server runs in ', 'start Patroni')
        self.lab.write('data/standby.signal', '')
        self.open('hot_standby=on', 'max_prepared_transactions=1000')
        result = self.verify()
        self.assertEqual(result.code, 8, result.log)
        self.assertIn('ERROR   verify-in-recovery: the server is still in recovery', result.log)
        send(signal.SIGSTOP, [self.server.process.pid])
        result = self.verify('--probe=select true')
        send(signal.SIGCONT, [self.server.process.pid])
        self.assert_refused(result, 3, 'the server cannot be asked: .*timeout')

    def test_what_is_left_of_a_recovery_is_a_warning(self):
        self.assert_done(self.bootstrap())
        self.open()
        self.sql("alter system set restore_command = 'cp /nowhere/%f %p'")
        self.sql("alter system set archive_command = 'topsecret'")
        self.sql("select pg_reload_conf()")
        self.lab.write('data/recovery.signal', '')
        os.remove(self.staging + '.d/journal.json')
        result = self.verify()
        self.assert_done(result)
        for name in ('verify-no-journal', 'verify-signal-file', 'verify-recovery-setting'):
            self.assertIn('WARNING ' + name, result.log)
        self.assertNotIn('topsecret', result.log)
        result = self.verify('--amcheck')
        self.assert_done(result)
        self.assertIn('WARNING verify-amcheck-not-done', result.log)
        if not os.path.exists(os.path.join(self.lab.bin_directory, 'pg_amcheck')):
            return  # PostgreSQL 13 has none
        self.assertRegex(result.log, 'WARNING verify-amcheck-not-done: .*skipping database "postgres"')

    def test_corruption_is_gone_after_the_restore_that_its_hint_asks_for(self):
        if not os.path.exists(os.path.join(self.lab.bin_directory, 'pg_amcheck')):
            self.skipTest('PostgreSQL 13 has no pg_amcheck')
        self.assert_done(self.bootstrap())
        self.open()
        self.follow('verify-amcheck-not-done', lambda: self.sql('create extension amcheck'), '--amcheck')
        damaged = os.path.join(self.data_directory, self.sql("select pg_relation_filepath('kept')"))
        self.server.stop()
        with open(damaged, 'r+b') as file:
            file.seek(4000)
            file.write(b'x' * 100)
        self.open()
        result = self.verify('--amcheck')
        self.assertEqual(result.code, 8, result.log)
        said = re.search(r"ERROR   verify-corruption: .*\n(?:.*\n)*?\s+HINT: do not use this data: restore again, .*: (pgbackrest .* verify)\n",
                         result.log)
        self.assertTrue(said, result.log)
        looked = self.lab.attempt('sh', '-c', said.group(1))
        self.assertNotRegex(looked.stdout + looked.stderr, r'ERROR: \[0(27|31|32|37)\]')  # of a command line
        self.server.stop()
        shutil.rmtree(self.data_directory)
        self.assert_done(self.bootstrap('--set=' + self.source.full_backup))
        self.open()
        self.sql('create extension if not exists amcheck')
        self.assertFalse(self.found('--amcheck') & {'verify-corruption', 'verify-amcheck-not-done'})

    def test_what_a_hint_says_takes_its_finding_away(self):
        self.assert_done(self.bootstrap())
        self.open()
        others = self.found()
        history = os.path.join(self.data_directory, 'pg_wal', '00000002.history')
        os.remove(history)
        said = re.search(r'HINT: it tells .*: (pgbackrest) --stanza=NAME (archive-get \S+ \S+)\n', self.verify().log)
        self.assertTrue(said)
        self.follow('verify-history-missing', lambda: self.lab.run(
            'pgbackrest', '--config=' + self.pgbackrest_configuration, '--stanza=demo', *said.group(2).split()))
        journal = self.staging + '.d/journal.json'
        os.rename(journal, journal + '.away')
        self.follow('verify-no-journal', lambda: os.rename(journal + '.away', journal))
        signal_file = self.lab.write('data/recovery.signal', '')
        self.follow('verify-signal-file', lambda: os.remove(signal_file))
        self.sql("alter system set restore_command = 'cp /nowhere/%f %p'")
        self.follow('verify-recovery-setting', lambda: self.sql('alter system reset restore_command'))
        self.assertEqual(self.found('--probe=select 1 = 2', '--probe=nowhere=select true'),
                         others | {'verify-probe', 'verify-probe-unanswered'})
        self.assertEqual(self.found('--probe=select 1 = 1', '--probe=postgres=select true'), others)
        self.server.stop()
        self.lab.write('data/standby.signal', '')
        self.open('hot_standby=on', 'max_prepared_transactions=1000')
        self.follow('verify-in-recovery', lambda: self.sql('select pg_promote()'))


class Health(PlainCase):
    def verify(self):
        return self.run_program(program(), 'verify', '--patroni-config=' + self.yml, environment={'PGUSER': 'postgres'})

    def make_source_with(self, *statements):
        self.make_source('', ';'.join(statements))
        self.plain.write_batches(1)
        self.lose()

    def test_indexes_that_another_library_built_are_named(self):
        self.make_source_with("create collation english (provider = icu, locale = 'en')",
                              'create table names (a text collate english primary key, b text)', 'create index b on names (b)')
        self.assert_done(self.bootstrap())
        self.open()
        self.assertNotIn('verify-collation', self.verify().log)
        self.sql("update pg_collation set collversion = '1.1' where collname = 'english'")
        result = self.verify()
        self.assert_done(result)
        self.assertRegex(result.log, r'WARNING verify-collation: 1 indexes of database postgres were built with collations that this '
                                     r'system sorts in another way \(english: 1\.1, now [^)]+\): public.names_pkey\n\s+HINT: REINDEX')
        self.sql('reindex index names_pkey')
        self.sql('alter collation english refresh version')
        self.assertNotIn('verify-collation', self.verify().log)

    def test_a_default_collation_without_a_version_of_its_own_is_known_by_its_locale(self):
        if int(os.path.basename(os.path.dirname(self.lab.bin_directory))) >= 15:
            self.skipTest('a database has a version of its collation since PostgreSQL 15')
        if self.lab.attempt('localedef', '-i', 'en_US', '-f', 'UTF-8', os.path.join(self.lab.make('locales'), 'en_US.utf8')).returncode != 0:
            self.skipTest('needs localedef and what it makes locales of')
        self.lab.environment['LOCPATH'] = self.lab.path('locales') + ':/usr/lib/locale'
        self.make_source('', "create collation \"en_US.utf8\" (locale = 'en_US.utf8');"  # as initdb does for what locale -a lists
                         'create table names (a text primary key, b text); create index b on names (b collate "C")', '--locale=en_US.UTF-8')
        self.plain.write_batches(1)
        self.lose()
        self.assert_done(self.bootstrap())
        self.open()
        self.assertNotIn('verify-collation', self.verify().log)
        self.sql("update pg_collation set collversion = '2.0' where collname = 'en_US.utf8'")
        result = self.verify()
        self.assert_done(result)
        self.assertRegex(result.log, r'WARNING verify-collation: 1 indexes of database postgres were built with collations that this system sorts in '
                                     r'another way \(default, as "en_US\.utf8": 2\.0, now [^)]+\): public\.names_pkey\n.*HINT: REINDEX them .* for each')
        self.sql('reindex index names_pkey')
        self.sql('alter collation "en_US.utf8" refresh version')
        self.assertNotIn('verify-collation', self.verify().log)

    def test_a_database_that_another_library_made_is_named(self):
        if int(os.path.basename(os.path.dirname(self.lab.bin_directory))) < 15:
            self.skipTest('a database has no version of its collation before PostgreSQL 15')
        self.make_source_with("create database sorted template template0 locale_provider icu icu_locale 'en'")
        self.assert_done(self.bootstrap())
        self.open()
        self.sql("update pg_database set datcollversion = '1.1' where datname = 'sorted'")
        self.assertRegex(self.verify().log, 'WARNING verify-collation: database sorted was made with version 1.1 of its collation, and '
                                            'this system has [^\n]+\n.*REFRESH COLLATION VERSION: no index depends on it')
        self.lab.psql(self.server.port, 'create table names (a text primary key)', 'sorted')
        self.assertRegex(self.verify().log, r'verify-collation: 1 indexes of database sorted .*\(default: 1.1, now .*names_pkey')

    def test_a_database_that_was_left_out_is_named(self):
        self.make_source_with('create database other', 'create database half')
        self.assert_done(self.bootstrap('--db-include=half'))
        self.open()
        result = self.verify()
        self.assert_done(result)
        self.assertRegex(result.log, 'WARNING verify-database-unusable: database other cannot be used: .*\n.*DROP DATABASE "?other')
        self.assertNotIn('database half cannot', result.log)
        self.sql('drop database other')
        self.assertNotIn('verify-database-unusable', self.verify().log)
        self.sql("update pg_database set datconnlimit = -2 where datname = 'half'")
        self.assertIn('database half cannot be used: its DROP DATABASE was interrupted', self.verify().log)
        self.sql('drop database half')
        self.assertNotIn('verify-database-unusable', self.verify().log)

    def test_a_subscription_that_goes_on_is_named(self):
        self.make_source_with('create table kept_too (n int)',
                              "create subscription news connection 'host=127.0.0.1 port=1' publication p with (connect = false, slot_name = 'news')")
        self.assert_done(self.bootstrap())
        self.open()
        self.assertNotIn('verify-subscription', self.verify().log)
        self.sql('alter subscription news enable')
        self.assertRegex(self.verify().log, 'WARNING verify-subscription: subscription news of database postgres is enabled, and takes '
                                            'changes from slot news')
        self.sql('alter subscription news disable')
        self.assertNotIn('verify-subscription', self.verify().log)


class WhenPatroniSkipsIt(ResumeCase):
    def test_resume_asks_the_probes_instead_in_verify_s_place(self):
        self.interrupt_the_replay({'probe': EVERY_BATCH % (BATCHES + 1)})
        self.assert_refused(self.resume(), 8, "returned 'false' instead of true", 'choose another target')
        self.assert_absent()
        self.configure({'probe': EVERY_BATCH % BATCHES})
        resumed = self.resume()
        self.assert_done(resumed)
        self.assertIn('1 probes returned true', resumed.log)


class ReplicaBackup(VerifyCase):
    """A replica method that takes the newest backup, whichever branch it lies on."""

    def restoring(self, node):
        pgbackrest = 'pgbackrest --config=%s --stanza=demo ' % self.pgbackrest_configuration
        return {'create_replica_methods': ['pgbackrest', 'basebackup'],
                'pgbackrest': {'command': pgbackrest + '--pg1-path=%s --type=standby restore' % node.data_directory,
                               'keep_data': True, 'no_params': True},
                'recovery_conf': {'restore_command': pgbackrest + '--pg1-path=%s archive-get %%f "%%p"' % node.data_directory}}

    def second_node(self):
        node = PatroniNode(self.lab, self.node.etcd, 'node2', self.node.scope, self.lab.make('data2'))  # 2.33 makes none
        node.configure(pgbackrest_configuration=self.pgbackrest_configuration, postgresql=self.restoring(node))
        return node

    def test_one_behind_the_target_is_named_and_after_the_hint_s_full_backup_a_replica_streams(self):
        self.bring_back({'type': 'lsn', 'target': self.target('lsn', 2)}, postgresql=self.restoring(self.node))
        result = self.verify()
        self.assert_done(result)
        said = re.search(r'WARNING verify-replica-backup: node1.yml:\d+: replica method pgbackrest takes backup set (\S+), which ends at \S+ on '
                         r'timeline 1, which this cluster left at \S+: .*\n\s+HINT: make a full backup before any replica: (.*)\n', result.log)
        self.assertTrue(said, result.log)
        self.assertEqual(said.group(1), self.source.incremental_backup)
        self.lab.run('sh', '-c', said.group(2))
        result = self.verify()
        self.assert_done(result)
        self.assertNotIn('verify-replica-backup', result.log)
        second = self.second_node()
        second.start()
        second.wait_for_log('replica has been created using pgbackrest')
        wait_until('node2 to stream', lambda: self.node.sql('select state from pg_stat_replication') == 'streaming', 60)

    def test_one_before_the_target_is_followed_over_the_fork(self):
        self.bring_back({'type': 'lsn', 'target': self.target('lsn', 8)}, postgresql=self.restoring(self.node))
        result = self.verify()
        self.assert_done(result)
        self.assertNotIn('verify-replica-backup', result.log)

    def test_a_repository_that_does_not_answer_is_said(self):
        methods = self.restoring(self.node)
        self.bring_back(postgresql=methods)
        os.rename(self.repository, self.repository + '.away')
        self.lab.write('repo', '')
        result = self.verify()
        self.assert_done(result)
        self.assertRegex(result.log, r'WARNING verify-replica-backup: .*: which backup set replica method pgbackrest takes is not known: ')
        os.remove(self.repository)
        os.rename(self.repository + '.away', self.repository)
        self.assertNotIn('verify-replica-backup', self.verify().log)
