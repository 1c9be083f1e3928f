"""The main job: a real Patroni calls the program as bootstrap.method and brings the lost cluster back."""
import glob
import json
import os
import re

import yaml

from bootstrap_case import BATCHES, BATCHES_IN_INCREMENTAL, MARK, BootstrapCase, PlainCase, read, wait_until
from lab import PatroniNode, program, send

EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'examples')


class UnderPatroni(BootstrapCase):
    def bring_back(self, block=None, **sections):
        """Starts Patroni with the method's block and waits until the cluster is up."""
        self.configure(block, **sections)
        self.node.start()
        self.node.wait_for_leader()

    def assert_back(self, batches, doomed=None, timeline=2):
        """The leader is on the new timeline, has exactly those rows, archives, and nothing of ours is left."""
        sql = self.node.sql
        self.assert_rows(batches, batches < BATCHES if doomed is None else doomed, sql)
        sql('checkpoint')
        self.assertEqual(sql('select timeline_id from pg_control_checkpoint()'), str(timeline))
        segment = sql('select pg_walfile_name(pg_switch_wal())')
        wait_until('the new leader to archive', lambda: sql(
            "select count(*) from pg_stat_archiver where last_archived_wal >= '%s'" % segment) == '1')
        self.assertTrue(glob.glob('%s/archive/demo/*/%08X.history' % (self.repository, timeline)))
        wait_until('recovery-end to have tidied up', lambda: not [
            name for name in os.listdir(self.data_directory) if MARK in name])
        self.assert_nothing_of_ours()
        self.assertNotIn('patroni.dynamic.json.', ' '.join(os.listdir(self.data_directory)))

    def assert_no_spool(self):
        """Nor locks, nor a process that fetches ahead."""
        for name in ('spool', 'pgbackrest-lock'):
            self.assertFalse(os.path.exists(os.path.join(self.staging + '.d', name)), name)
        self.assertFalse([command for command in self.lab.living().values() if 'archive-get:async' in command])

    def patroni_mode(self, kind=None, batch=None, **more):
        """A block with recovery_conf, and the request that agrees with it."""
        if kind is None:
            return {'recovery_conf': self.recovery_conf(**more)}
        value = self.target(kind, batch)
        backup_set = {'set': self.source.incremental_backup} if kind in ('xid', 'name') else {}
        return {'type': kind, 'target': value, **backup_set, 'recovery_conf': self.recovery_conf(**{kind: value}, **more)}


class Standalone(UnderPatroni):
    def test_latest(self):
        report = self.lab.path('report.json')
        self.bring_back({'report': report})
        self.assert_back(BATCHES)
        version = re.search(r'[\d.]+', self.lab.run('patroni', '--version')).group()
        self.assertEqual(json.loads(read(report))['versions']['patroni'], version)

    def test_a_time_with_keep_existing_recovery_conf(self):
        self.bring_back({'type': 'time', 'target': self.target('time', 7), 'keep_existing_recovery_conf': True})
        self.assert_back(7)

    def test_no_params(self):
        self.bring_back({'no_params': True, 'type': 'lsn', 'target': self.target('lsn', 6)})
        self.assert_back(6)

    def test_a_block_that_was_changed_while_patroni_ran(self):
        """The time that the running Patroni knows is not in the file any more, as after an edit without a reload."""
        earlier, later = ' --type=time --target=%r' % self.target('time', 7), self.lab.path('later.yml')
        edit = self.lab.write('edit', '#!/bin/sh\ntest ! -e %s || mv %s %s\nexec "$@"\n' % (later, later, self.node.yml), 0o755)
        command = edit + ' ' + program() + ' bootstrap'
        self.configure({'command': command + earlier})
        self.lab.write('later.yml', read(self.yml).replace(earlier, ''))
        self.assertNotEqual(read(later), read(self.yml))
        self.node.start()
        self.node.wait_for_end()
        self.assertIn('bootstrap.pgbackrest is not what Patroni calls (--type is not in it): Patroni goes by what it read '
                      'before the file was changed', self.lab.log(self.node.name))
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_a_parameter_that_was_changed_while_patroni_ran(self):
        """The signal of the hint has Patroni start PostgreSQL with what the file says by then."""
        later = self.lab.path('later.yml')
        edit = self.lab.write('edit', '#!/bin/sh\nsleep 4\nmv %s %s\n(sleep 1; kill -HUP $PPID) &\nexec "$@"\n' % (
            later, self.node.yml), 0o755)
        self.configure({'command': edit + ' ' + program() + ' bootstrap'}, postgresql={'parameters': {'archive_timeout': 11}})
        self.lab.write('later.yml', read(self.yml).replace('archive_timeout: 11', 'archive_timeout: 77'))
        self.node.start()
        self.node.wait_for_leader()
        self.assertIn('WARNING: %s was changed after Patroni had started' % self.yml, self.lab.log(self.node.name))
        self.assertEqual(self.node.sql('show archive_timeout'), '77s')

    def test_the_superuser_s_password_is_the_one_of_patroni_yml(self):
        self.bring_back(postgresql={'parameters': {'password_encryption': 'scram-sha-256'},
                                    'pg_hba': ['local all all scram-sha-256', 'host all all 127.0.0.1/32 scram-sha-256',
                                               'host replication all 127.0.0.1/32 scram-sha-256']})
        counted = self.lab.run('psql', '-X', '-h', '127.0.0.1', '-p', str(self.node.port), '-U', 'postgres', '-Atc',
                               'select count(distinct batch) from kept', environment={'PGPASSWORD': 'secret-of-postgres'})
        self.assertEqual(counted, str(BATCHES))

    def join(self, **postgresql):
        """A second node under a Patroni of its own, which has what the leader writes from now on."""
        second = PatroniNode(self.lab, self.node.etcd, 'node2', self.node.scope, self.lab.path('data2'))
        second.configure(pgbackrest_configuration=self.pgbackrest_configuration, postgresql=postgresql)
        second.start()
        self.node.sql('insert into kept select 99')
        wait_until('the standby to have the new row', lambda: 'server' in self.lab.log('node2') and self.lab.attempt(
            'psql', '-X', '-h', self.lab.directory, '-p', str(second.port), '-U', 'postgres', '-Atc',
            'select count(*) from kept where batch = 99 and pg_is_in_recovery()').stdout.strip() == '1', 90)

    def test_a_second_node_joins_as_a_standby(self):
        self.bring_back()
        self.assert_back(BATCHES)
        self.join()

    def test_a_second_node_from_the_same_backup_replays_over_the_fork_without_a_pause(self):
        # A hot standby with lower limits than the WAL says pauses for ever, or ends (13).
        self.bring_back()
        segment = self.node.sql('select pg_walfile_name(pg_switch_wal())')
        wait_until('it to be archived', lambda: self.node.sql(
            "select last_archived_wal >= '%s' from pg_stat_archiver" % segment) == 't')
        pgbackrest = 'pgbackrest --config=%s --stanza=demo --pg1-path=%s ' % (self.pgbackrest_configuration, self.lab.make('data2'))
        self.join(create_replica_methods=['pgbackrest'],
                  pgbackrest={'command': pgbackrest + '--set=%s --type=none restore' % self.source.incremental_backup,
                              'keep_data': True, 'no_params': True},
                  recovery_conf={'restore_command': pgbackrest + 'archive-get %f "%p"'})
        said = self.lab.log('node2')
        self.assertIn('replica has been created using pgbackrest', said)
        self.assertRegex(said, 'restored log file "00000002[0-9A-F]{16}" from archive')
        self.assertNotIn('insufficient parameter settings', said)

    def test_patroni_yml_may_be_a_directory(self):
        self.configure()
        directory = self.lab.make('conf.d')
        self.lab.write('conf.d/patroni.yml', read(self.yml))
        self.node.yml = directory
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_patroni_yml_may_stand_in_the_environment(self):
        self.configure()
        self.node.process = self.lab.start('node1', 'patroni', environment={'PATRONI_CONFIGURATION': read(self.yml)})
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_environment_variables_beat_patroni_yml(self):
        self.data_directory = self.node.data_directory = self.lab.path('elsewhere')
        self.lab.pgbackrest_configuration(self.data_directory, self.node.port)
        self.configure(postgresql={'data_dir': self.lab.path('data')})
        self.node.start(environment={'PATRONI_POSTGRESQL_DATA_DIR': self.data_directory})
        self.node.wait_for_leader()
        self.assert_back(BATCHES)


class PatroniMode(UnderPatroni):
    def test_the_example(self):
        # As it is, but for what differs from machine to machine.
        example = yaml.safe_load(read(os.path.join(EXAMPLES, 'patroni-recovery-conf.yml')))
        block = example['bootstrap']['pgbackrest']
        block['command'] = block['command'].replace('/usr/bin/patroni_pgbackrest', program())
        block['recovery_conf']['restore_command'] = block['recovery_conf']['restore_command'].replace(
            '/usr/bin/patroni_pgbackrest', program())
        del example['bootstrap']['dcs']['postgresql']['parameters']['archive_command']  # pgBackRest's file is another one
        self.configure(block, tags=example['tags'], bootstrap={
            'dcs': example['bootstrap']['dcs'],
            'post_bootstrap': example['bootstrap']['post_bootstrap'].replace('/usr/bin/patroni_pgbackrest', program())}, postgresql={
            key: example['postgresql'][key] for key in ('create_replica_methods', 'basebackup', 'authentication')})
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_latest(self):
        self.bring_back(self.patroni_mode())
        self.assert_back(BATCHES)

    def test_a_time(self):
        self.bring_back(self.patroni_mode('time', 7))
        self.assert_back(7)

    def test_an_xid(self):
        self.bring_back(self.patroni_mode('xid', 6))
        self.assert_back(6)

    def test_an_lsn(self):
        self.bring_back(self.patroni_mode('lsn', 8))
        self.assert_back(8)

    def test_a_restore_point(self):
        self.bring_back(self.patroni_mode('name', 9))
        self.assert_back(9)

    def test_immediate(self):
        self.bring_back({'type': 'immediate', 'recovery_conf': self.recovery_conf(**{'': 'immediate'})})
        self.assert_back(BATCHES_IN_INCREMENTAL)

    def test_an_exclusive_xid(self):
        block = self.patroni_mode('xid', 6, inclusive='false')
        self.bring_back({**block, 'target-exclusive': 'y'})
        self.assert_back(5)

    def test_an_explicit_timeline(self):
        block = self.patroni_mode('time', 7, timeline='1')
        self.bring_back({**block, 'target-timeline': '1'})
        self.assert_back(7)

    def test_wal_is_fetched_ahead_and_nothing_of_it_is_left(self):
        asked = self.lab.path('log/asked')
        self.bring_back({**self.patroni_mode(), 'pgbackrest': self.wrap_pgbackrest(
            '[ $VERB != archive-get ] || echo "$@" >>%s' % asked, ahead=True)})
        self.assert_back(BATCHES)
        self.assertIn('--archive-async --', read(asked))
        self.assertIn('--spool-path=%s.d/spool ' % self.staging, read(asked))
        self.assert_no_spool()

    def test_the_wal_comes_from_where_the_block_s_own_variables_lead(self):
        # PostgreSQL has Patroni's environment, and not what stands before the program in the command.
        older = self.older_repository()
        self.configure({**self.patroni_mode(), 'pgbackrest-config': None,
                        'command': 'env PGBACKREST_CONFIG=%s %s bootstrap' % (older['PGBACKREST_CONFIG'], program())})
        self.node.start({'PGBACKREST_CONFIG': self.pgbackrest_configuration})
        self.node.wait_for_leader()
        self.assert_back(7)

    def test_a_secret_that_only_the_command_has_is_refused_before_the_copy(self):
        self.configure({**self.patroni_mode(),
                        'command': 'env PGBACKREST_REPO1_CIPHER_PASS=marked-secret %s bootstrap' % program()})
        self.node.start()
        self.node.wait_for_end()
        self.assertIn("ERROR: PGBACKREST_REPO1_CIPHER_PASS is set for this call alone, and PostgreSQL, which replays the WAL, has "
                      "Patroni's environment", self.lab.log('node1'))
        self.assert_absent()
        self.node.start({'PGBACKREST_REPO1_CIPHER_PASS': 'marked-secret'})  # as the hint says
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_a_secret_that_a_script_sets_for_the_guard_as_well_is_not_refused(self):
        self.lab.make('bin')
        script = self.lab.write('bin/patroni_pgbackrest', '#!/bin/sh\nexport PGBACKREST_REPO1_CIPHER_PASS=marked-secret\n'
                                'exec %s "$@"\n' % program(), 0o755)
        conf = {**self.recovery_conf(), 'restore_command': script + ' archive-get %f "%p"'}
        self.bring_back({'command': script + ' bootstrap', 'recovery_conf': conf})
        self.assert_back(BATCHES)

    def test_what_is_handed_over_cannot_be_promoted_by_itself(self):
        # Segments in pg_wal would be replayed by a server without recovery settings; none may be left there.
        self.configure(self.patroni_mode('time', 7))
        self.assert_done(self.bootstrap())
        self.assertEqual([name for name in os.listdir(self.data_directory + '/pg_wal') if len(name) == 24], [])
        self.assertTrue(os.path.exists(self.data_directory + '/backup_label'))
        self.assertTrue(os.path.exists('%s/%s.ticket' % (self.data_directory, MARK)))
        self.assertIn('archive-get', read(self.data_directory + '/postgresql.base.conf'))
        self.assertNotRegex(read(self.data_directory + '/postgresql.auto.conf'), r'(?m)^\s*(restore_command|recovery_target)')
        self.assertFalse(os.path.exists(self.data_directory + '/patroni.dynamic.json'))

    def test_archive_errors_end_the_bootstrap(self):
        wrapped = self.failing_pgbackrest(7, 103)
        self.configure({**self.patroni_mode(), 'pgbackrest': wrapped, 'retry': 1, 'retry-wait': 0})
        self.node.start()
        self.node.wait_for_end()
        self.assert_absent()
        self.assertRegex(self.lab.log('node1'), 'ERROR: archive-get of %s failed' % self.source.segments[7])

    def test_archive_errors_for_a_while_are_survived(self):
        wrapped = self.failing_pgbackrest(7, 49, '[ $(count) -le 2 ]')
        self.bring_back({**self.patroni_mode(), 'pgbackrest': wrapped, 'retry': 3, 'retry-wait': 0})
        self.assert_back(BATCHES)

    def test_a_damaged_record_ends_the_bootstrap(self):
        self.damage_wal(7)
        self.configure(self.patroni_mode())
        self.node.start()
        self.node.wait_for_end()
        self.assert_absent()
        self.assertIn('a WAL record before it is damaged', self.lab.log('node1'))

    def test_a_damaged_record_is_not_replayed_again_until_somebody_clears_the_refusal(self):
        self.damage_wal(7)
        self.configure(self.patroni_mode())

        def hand_overs_after_start():
            self.node.start()
            self.node.wait_for_end()
            self.assert_absent()
            return self.lab.log('node1').count('is ready for Patroni')

        self.assertEqual([hand_overs_after_start() for _ in range(3)], [1, 1, 1])
        self.assertIn("Patroni's recovery of what it was handed over was aborted: ", self.lab.log('node1'))
        self.assertIn('the same restore failed at', self.lab.log('node1'))
        os.remove(self.staging + '.d/failure.json')  # as its hint says
        self.assertEqual(hand_overs_after_start(), 2)


class PatroniModeOfAPlainCluster(PlainCase, UnderPatroni):
    """The lost cluster never knew Patroni: no base configuration file is in its backup."""

    def test_a_stale_target_of_another_type_does_not_matter(self):
        self.make_source("recovery_target_name = 'of last year'\nrestore_command = '/bin/false'")
        targets = self.plain.write_batches(1, 2, 3)
        self.lose()
        self.bring_back({'type': 'time', 'target': targets[2]['time'], 'recovery_conf': self.recovery_conf(time=targets[2]['time'])})
        self.assert_rows(2, sql=self.node.sql)

    def test_limits_that_the_wal_raises_beyond_patroni_s(self):
        # With hot_standby on PostgreSQL would pause for ever there, or end (13).
        self.make_source('max_connections = 20\nmax_worker_processes = 3')
        self.plain.server.stop()
        self.plain.start_again('max_connections = 300\nmax_worker_processes = 30')
        self.plain.write_batches(1, 2)
        self.lose()
        self.bring_back({'recovery_conf': self.recovery_conf()})
        self.assert_rows(2, doomed=False, sql=self.node.sql)

    def test_configuration_files_outside_of_the_data_directory(self):
        # Nothing that they include is in force for the replay, and all of it stays.
        self.make_source()
        target = self.plain.write_batches(1, 2, 3)[2]['xid']
        configuration = self.lab.make('etc')
        for name in ('postgresql.conf', 'pg_hba.conf', 'pg_ident.conf'):
            self.lab.write('etc/' + name, read(self.lab.path('plain', name)))
        self.lab.make('etc/more')
        included = {'first.conf': 'recovery_target_inclusive = off\nrecovery_target_timeline = current\n',
                    'more/last.conf': "recovery_min_apply_delay = 6h\nrecovery_target_lsn = '0/1'\n"}
        for name, text in included.items():
            self.lab.write('etc/' + name, text)
        with open(configuration + '/postgresql.conf', 'a', encoding='utf-8') as file:
            file.write("include 'first.conf'\ninclude_dir 'more'\n")
        self.lose()
        self.bring_back({'type': 'xid', 'target': target, 'recovery_conf': self.recovery_conf(xid=target)},
                        postgresql={'config_dir': configuration})
        self.assert_rows(2, sql=self.node.sql)
        wait_until('recovery-end to have tidied up', lambda: MARK not in read(configuration + '/postgresql.base.conf'))
        self.assertEqual({name: read(os.path.join(configuration, name)) for name in included}, included)
        self.assert_nothing_of_ours()


class FailedBootstraps(UnderPatroni):
    def test_patroni_ends_and_no_data_directory_is_left(self):
        self.configure({'type': 'xid', 'target': '4000000', 'set': self.source.incremental_backup})
        self.node.start()
        self.node.wait_for_end()
        self.assertRegex(self.lab.log('node1'), 'ERROR: .*4000000')
        self.assert_absent()

    def test_the_method_of_a_node_with_a_mistake_never_falls_back_to_initdb(self):
        self.configure({'typ': 'time'})
        self.node.start()
        self.node.wait_for_end()
        self.assertRegex(self.lab.log('node1'), "did you mean 'type'")
        self.assert_absent()


class InterruptedPatroni(UnderPatroni):
    """Patroni and its PostgreSQL are killed, as a power cut would, and Patroni is started again."""

    def kill_in_replay(self, block):
        self.configure({**block, 'pgbackrest': self.slow_pgbackrest()})
        self.node.start()
        self.wait_for_replay_of(7)
        self.node.kill()
        self.node.start()

    def hold_the_replay_from_the_spool(self, **postgresql):
        """All that is planned lies there, but for one segment in the middle."""
        self.configure({**self.patroni_mode(), 'pgbackrest': self.wrap_pgbackrest('', ahead=True)}, postgresql=postgresql)
        self.node.start(self.held_in_the_spool(7))
        self.wait_for_what_is_held()

    def kill_in_the_end_of_recovery_checkpoint(self, block):
        """By then PostgreSQL has removed recovery.signal, and the segment that holds the target lies in pg_wal."""
        self.configure({**block, 'pgbackrest': self.slow_pgbackrest()})
        self.node.start()
        self.wait_for_replay_of(7)
        checkpointer = [pid for pid, command in self.lab.living().items() if 'checkpointer' in command]
        send(19, checkpointer)  # SIGSTOP: the checkpoint never ends
        self.node.wait_for_log('archive recovery complete')
        self.node.kill()
        self.node.start()

    def start_on_what_was_handed_over(self, block):
        """Patroni died between the end of the program and the start of PostgreSQL."""
        self.configure(block)
        self.assert_done(self.bootstrap())
        self.node.start()

    def archive_timeline_2(self, fork):
        """Its history alone."""
        with open(self.lab.path('history'), 'w', encoding='utf-8') as file:
            file.write('1\t%s\tno recovery target specified\n' % fork)
        self.lab.run('cp', self.lab.path('history'), glob.glob(self.repository + '/archive/demo/*-1')[0] + '/00000002.history')

    def assert_never_promoted(self):
        self.node.wait_for_log('was interrupted, and Patroni restarted it as a standby')
        seen = len(re.findall(' INFO: ', self.lab.log('node1')))
        wait_until('some more rounds of Patroni', lambda: self.node.process.poll() is not None or len(
            re.findall(' INFO: ', self.lab.log('node1'))) > seen + 8, 90)
        self.assertFalse(self.node.is_leader())
        self.assertEqual(self.control_data()["Latest checkpoint's TimeLineID"], '1')
        self.assertIn('patronictl remove', self.lab.log('node1'))

    def test_patroni_mode_to_the_latest_point_goes_on_and_all_rows_come_back(self):
        self.kill_in_replay(self.patroni_mode())
        self.node.wait_for_leader(120)
        self.assert_back(BATCHES)

    def test_patroni_mode_goes_on_with_what_was_fetched_ahead_and_leaves_nothing_of_it(self):
        self.hold_the_replay_from_the_spool()
        self.node.kill()
        self.lab.write('log/open', '')
        self.node.start()
        self.node.wait_for_leader(120)
        self.assert_back(BATCHES)
        self.assert_no_spool()

    def test_patroni_mode_believes_nothing_in_the_spool_after_a_power_cut(self):
        disk = self.lab.mount_disk(2500, 'disk')  # so that the queue holds all that is planned
        self.lie_on(disk)
        self.hold_the_replay_from_the_spool(parameters={'fsync': 'on'})
        self.node.kill()
        self.lab.kill_all()
        self.zero_in_the_spool()
        self.lab.cut_power(disk)
        self.lab.write('log/open', '')
        self.node.start()
        self.node.wait_for_leader(120)
        self.assert_back(BATCHES)
        self.assert_no_spool()

    def test_patroni_mode_to_the_latest_point_follows_no_timeline_that_comes_while_it_goes_on(self):
        self.kill_in_replay(self.patroni_mode())
        self.wait_for_replay_of(9)  # the standby has been given the segments before
        self.archive_timeline_2('0/FF000000')
        self.node.wait_for_log('00000002.history came into the archive after the restore was planned', 120)
        self.assertEqual(self.control_data()["Latest checkpoint's TimeLineID"], '1')
        self.assertNotIn('selected new timeline ID', self.lab.log('node1'))
        self.assertNotIn('new target timeline is', self.lab.log('node1'))
        self.assertIn('find out who writes that timeline; then stop Patroni on every node', self.lab.log('node1'))

    def test_patroni_mode_with_a_time_stops_with_the_guard_s_message(self):
        self.kill_in_replay(self.patroni_mode('time', 9))
        self.assert_never_promoted()

    def test_patroni_mode_to_the_latest_point_survives_the_end_of_recovery_checkpoint(self):
        self.kill_in_the_end_of_recovery_checkpoint(self.patroni_mode())
        self.node.wait_for_leader(120)
        self.assert_rows(BATCHES, doomed=False, sql=self.node.sql)

    def test_patroni_mode_with_a_time_is_never_promoted_after_the_end_of_recovery_checkpoint(self):
        self.kill_in_the_end_of_recovery_checkpoint(self.patroni_mode('time', 9))
        self.assert_never_promoted()

    def test_patroni_mode_to_the_latest_point_goes_on_after_the_hand_over(self):
        self.start_on_what_was_handed_over(self.patroni_mode())
        self.node.wait_for_leader(120)
        self.assert_rows(BATCHES, doomed=False, sql=self.node.sql)

    def test_patroni_mode_with_a_time_is_never_promoted_after_the_hand_over(self):
        self.start_on_what_was_handed_over(self.patroni_mode('time', 9))
        self.assert_never_promoted()

    def test_patroni_mode_with_an_explicit_timeline_stops_with_the_guard_s_message(self):
        self.kill_in_replay({**self.patroni_mode(timeline='1'), 'target-timeline': '1'})
        self.assert_never_promoted()

    def test_patroni_mode_on_a_timeline_that_is_not_the_newest_stops_with_the_guard_s_message(self):
        # Timeline 2 forks before the backup, which is therefore no part of it. That set is meant all the same.
        self.archive_timeline_2('0/2000000')
        self.kill_in_replay({
            **self.patroni_mode(timeline='current'), 'target-timeline': 'current', 'set': self.source.incremental_backup})
        self.assert_never_promoted()

    def test_standalone_replay_never_leaves_anything_that_patroni_could_promote(self):
        self.configure({'pgbackrest': self.slow_pgbackrest()})
        self.node.start()
        self.wait_for_replay_of(7)
        send(9, [self.node.process.pid])  # Patroni alone: systemd's KillMode=process
        self.node.process.wait()
        self.assert_nothing_runs()
        self.assert_absent()
        self.node.forget()  # patronictl remove; without it Patroni waits for ever
        self.configure()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_patroni_killed_during_the_copy_takes_the_copy_with_it_and_the_next_call_continues(self):
        hanging = self.wrap_pgbackrest('[ $VERB != restore ] || { pgbackrest "$@"; sleep 600; }')
        self.configure({'pgbackrest': hanging})
        self.node.start()
        wait_until('the copy to be done', lambda: os.path.exists(self.staging + '/global/pg_control'))
        send(9, [self.node.process.pid])
        self.node.process.wait()
        self.assert_nothing_runs()
        self.assert_absent()
        self.node.forget()
        self.configure()
        self.node.start()
        self.node.wait_for_leader()
        self.assertIn('--delta', self.lab.log('node1'))
        self.assert_back(BATCHES)
