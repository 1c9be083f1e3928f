"""Every recovery target in standalone mode, by the rows that must and must not be there afterwards."""
import glob
import json
import os
import re

from bootstrap_case import BATCHES, BATCHES_IN_INCREMENTAL, BootstrapCase, PlainCase, PlainCluster, read, wait_until
from json_schema import assert_fits

BATCH = 7  # after the incremental backup, well before the end


class StandaloneTargets(BootstrapCase):
    def assert_restores(self, *options, batches, **expected):
        result = self.bootstrap(*options)
        self.assert_done(result)
        self.assert_nothing_runs()
        self.assert_complete(batches, **expected)
        return result

    def test_latest_brings_back_every_row_and_the_drop(self):
        self.assert_restores(batches=BATCHES)

    def test_a_time_brings_back_what_was_committed_before_it(self):
        self.assert_restores('--type=time', '--target=' + self.target('time', BATCH), batches=BATCH)

    def test_a_time_with_another_utc_offset_is_the_same_moment(self):
        hour = self.lab.run('date', '-u', '+%Y-%m-%d %H:%M:%S.%N', '-d', self.target('time', BATCH) + ' + 5 hours 30 minutes')
        self.assert_restores('--type=time', '--target=%s+05:30' % hour[:26], batches=BATCH)

    def test_an_xid_brings_back_its_transaction(self):
        self.assert_restores(self.by_set(), '--type=xid', '--target=' + self.target('xid', BATCH), batches=BATCH)

    def test_an_exclusive_xid_stops_before_its_transaction(self):
        self.assert_restores(self.by_set(), '--type=xid', '--target=' + self.target('xid', BATCH), '--target-exclusive', batches=BATCH - 1)

    def test_an_lsn_brings_back_what_lies_before_it(self):
        self.assert_restores('--type=lsn', '--target=' + self.target('lsn', BATCH), batches=BATCH)

    def test_a_restore_point_is_found_by_its_name(self):
        self.assert_restores(self.by_set(), '--type=name', '--target=' + self.target('name', BATCH), batches=BATCH)

    def test_immediate_stops_at_the_end_of_the_backup(self):
        self.assert_restores('--type=immediate', batches=BATCHES_IN_INCREMENTAL)

    def test_immediate_with_an_older_backup_set_stops_at_its_end(self):
        self.assert_restores('--type=immediate', '--set=' + self.source.full_backup, batches=0)

    def test_a_time_before_the_newest_backup_takes_an_older_one(self):
        self.assert_restores('--type=time', '--target=' + self.target('time', 2), batches=2)

    def test_an_lsn_before_the_newest_backup_takes_an_older_one(self):
        self.assert_restores('--type=lsn', '--target=' + self.target('lsn', 2), batches=2)

    def test_a_restore_point_before_the_newest_backup_is_reached_with_set(self):
        self.assert_restores('--type=name', '--target=' + self.target('name', 2), '--set=' + self.source.full_backup, batches=2)

    def test_without_a_set_the_wal_tells_which_one_leads_to_a_transaction(self):
        result = self.assert_restores('--type=xid', '--target=' + self.target('xid', 2), batches=2)
        self.assertIn('backup set ' + self.source.full_backup, result.log)

    def test_without_a_set_the_wal_tells_which_one_leads_to_a_restore_point(self):
        result = self.assert_restores('--type=name', '--target=' + self.target('name', BATCH), batches=BATCH)
        self.assertIn('backup set ' + self.source.incremental_backup, result.log)

    def test_all_keys_may_stand_in_the_block_alone_or_be_passed_as_well(self):
        keys = {'type': 'time', 'target': self.target('time', BATCH), 'process-max': 2, 'no_params': None}
        self.configure(keys)
        passed = ['--%s=%s' % (key, value) for key, value in keys.items() if value]  # as Patroni does since 3.2
        self.assert_restores('--stanza=demo', *passed, batches=BATCH)

    def test_the_report_tells_what_was_reached(self):
        report = self.lab.path('report.json')
        self.assert_done(self.bootstrap(self.by_set(), '--type=name', '--target=' + self.target('name', BATCH), '--report=' + report))
        told = json.loads(read(report))
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs/report.schema.json'), encoding='utf-8') as schema:
            assert_fits(self, told, json.load(schema))
        self.assertEqual(told['outcome']['exit_code'], 0)
        self.assertEqual(told['plan']['backup_set'], self.source.incremental_backup)
        self.assertEqual(told['plan']['recovery'], 'standalone')
        self.assertEqual(told['reached']['timeline'], 2)
        self.assertIn(self.target('name', BATCH), told['reached']['reason'])
        self.assertNotIn('secret', read(report))


class UnreachableTargets(BootstrapCase):
    def assert_unreachable(self, *options, message, hint='.'):
        self.assert_refused(self.bootstrap(*options), 4, message, hint)
        self.assert_absent()
        self.assert_nothing_runs()

    def test_an_lsn_after_the_last_wal_is_refused_with_the_nearest_point(self):
        self.assert_unreachable('--type=lsn', '--target=0/FF000000', message='the archive ends at .* before the target 0/FF000000',
                                hint='a point before it is type lsn and target 0/')

    def test_a_time_after_the_last_wal_is_refused_with_the_nearest_point(self):
        self.assert_unreachable('--type=time', '--target=2099-01-01 00:00:00+00',
                                message='the target time 2099-01-01 .* lies behind the last commit at ',
                                hint='type lsn and target 0/')

    def test_an_xid_that_never_ran_is_refused(self):
        self.assert_unreachable(self.by_set(), '--type=xid', '--target=4000000', message='the archive does not reach the target xid 4000000',
                                hint='the nearest point is LSN 0/.*, time ')

    def test_a_restore_point_that_does_not_exist_is_refused(self):
        self.assert_unreachable(self.by_set(), '--type=name', '--target=no_such_point', message='the archive does not reach the target name no_such_point',
                                hint='the nearest point is LSN 0/.*, time ')

    def test_a_time_before_the_first_backup_is_refused(self):
        self.assert_unreachable('--type=time', '--target=2020-01-01 00:00:00+00', message='no backup set .* ends before the target',
                                hint='nearest point is the end of ' + self.source.full_backup)

    def test_an_unknown_backup_set_is_refused_with_those_there_are(self):
        self.assert_unreachable('--set=20200101-000000F', message='backup set 20200101-000000F does not exist',
                                hint=self.source.incremental_backup)


class InTheBackup(PlainCase):
    def test_a_restore_point_before_the_end_of_the_only_backup_is_refused_until_the_hint_is_followed(self):
        self.plain = PlainCluster(self.lab, self.lab.path('plain-repo'))
        self.plain.start()
        self.plain.write_batches(1)
        backup = self.lab.start('backup', 'pgbackrest', '--config=' + self.lab.path('pgbackrest.conf'), '--stanza=demo', '--type=full', 'backup')
        wait_until('the backup to begin', lambda: glob.glob(self.lab.path('plain-repo/backup/demo/*F/*')) or backup.poll() is not None, every=.02)
        self.plain.sql("select pg_create_restore_point('within')")
        wait_until('the backup', lambda: backup.poll() is not None)
        self.assertEqual(backup.returncode, 0, self.lab.log('backup'))
        self.repository = self.lab.path('plain-repo')
        self.plain.write_batches(2)
        self.lose()
        result = self.bootstrap('--type=name', '--target=within')
        self.assert_refused(result, 4, 'the target name within is at .*, before the end of backup set .*, and no older set leads to it',
                            'the first point that this set leads to is its end')
        self.assert_absent()
        backup_set, kind = re.search(r'say set: (\S+) and type: (\w+)', result.log).groups()
        self.assert_done(self.bootstrap('--set=' + backup_set, '--type=' + kind))
        self.assert_complete(1)


class Timelines(BootstrapCase):
    """After a restore to batch 5 the cluster lives on, on timeline 2; the archive then holds two futures."""

    def setUp(self):
        super().setUp()
        self.assert_done(self.bootstrap('--type=time', '--target=' + self.target('time', 5)))
        self.live_on(100)

    def live_on(self, batch):
        """The restored cluster writes on its timeline, and is lost again."""
        self.open()
        self.sql('insert into kept select %d from generate_series(1, 10)' % batch)
        self.time_after = self.sql("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'")
        self.sql('drop table if exists doomed')
        segment = self.sql('select pg_walfile_name(pg_switch_wal())')
        wait_until('the new timeline to be archived', lambda: self.sql(
            "select count(*) from pg_stat_archiver where last_archived_wal >= '%s'" % segment) == '1')
        self.server.stop()
        os.rename(self.data_directory, '%s.%d' % (self.data_directory, batch))
        self.configure(scope='after_%d' % batch)

    def test_the_history_file_and_segments_of_the_new_timeline_are_archived_by_the_new_server(self):
        archived = self.lab.run('find', self.repository + '/archive', '-name', '00000002*', '-printf', '%f\n')
        self.assertIn('00000002.history', archived)
        self.assertRegex(archived, '00000002[0-9A-F]{16}-')

    def test_latest_follows_the_newest_timeline(self):
        self.assert_done(self.bootstrap())
        self.assert_finished(timeline=3)
        self.open()
        self.assertEqual(self.sql("select string_agg(distinct batch::text, ' ') filter (where batch > 5) from kept"), '100')

    def test_latest_from_an_old_backup_follows_two_forks(self):
        # PostgreSQL reads the history files on the way after the first segment: not the end of the replay.
        self.assert_done(self.bootstrap())
        self.live_on(200)
        self.assert_done(self.bootstrap())
        self.assert_finished(timeline=4)
        self.open()
        self.assertEqual(self.sql("select string_agg(distinct batch::text, ' ') filter (where batch > 5) from kept"), '100 200')

    def test_a_time_on_the_abandoned_timeline_is_restored_from_it(self):
        # With recovery_target_timeline=latest PostgreSQL would follow timeline 2 and stop silently at the fork.
        self.assert_done(self.bootstrap('--type=time', '--target=' + self.target('time', 8)))
        self.assert_complete(8, timeline=3)

    def test_a_time_on_the_new_timeline_is_restored_from_it(self):
        result = self.bootstrap('--type=time', '--target=' + self.time_after)
        self.assert_done(result)
        self.assertIn('timeline 2 (the one that was alive at the target time)', result.log)
        self.assert_finished(timeline=3)
        self.open()
        self.assertEqual(self.sql("select string_agg(distinct batch::text, ' ') filter (where batch > 5) from kept"), '100')
        self.assertEqual(self.sql("select to_regclass('doomed')"), 'doomed')

    def test_the_time_of_an_upload_is_no_sign_of_life(self):
        # As if the repository had been copied; an old cluster that really lived on is in test_repository_times.
        os.utime(max(glob.glob(self.repository + '/archive/demo/*/*/00000001*-*'), key=os.path.basename))
        self.assert_done(self.bootstrap('--type=time', '--target=' + self.time_after))

    def test_target_timeline_chooses_the_abandoned_one(self):
        self.assert_done(self.bootstrap(self.by_set(), '--type=name', '--target=' + self.target('name', 9), '--target-timeline=1'))
        self.assert_complete(9, timeline=3)

    def test_a_timeline_that_is_not_there_is_refused(self):
        os.mkdir(self.data_directory)
        self.assert_refused(self.bootstrap('--target-timeline=7'), 4, 'timeline 7 is not in the archive', 'leave target-timeline out')
        self.assert_absent()
