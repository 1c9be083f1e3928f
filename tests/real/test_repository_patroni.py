"""Patroni mode: PostgreSQL itself asks for histories, so what it is given must be what was planned."""
import glob
import gzip
import os
import re

from bootstrap_case import PlainCase, read, wait_until
from archiving_cluster import Cluster
from repository_case import RepositoryCase
from source_cluster import ROWS, switch_wal


class UnderPatroniMode(RepositoryCase):
    def ask(self, block=None, **target):
        """What a person writes into patroni.yml; the refusal before it is forgotten."""
        self.forget_failure()
        self.configure({**(block or {}), 'recovery_conf': self.recovery_conf(**target)})

    def ask_for_the_point_in(self, hint):
        lsn = next(point[1] for point in self.points_in(hint) if point[0] == '--type=lsn').partition('=')[2]
        self.ask({'type': 'lsn', 'target': lsn}, lsn=lsn)

    def assert_leader_has(self, *batches):
        self.node.start()
        self.node.wait_for_leader()
        rows = self.node.sql("select string_agg(batch::text, ' ' order by batch) from (select distinct batch from kept) b")
        self.assertEqual(rows, ' '.join(map(str, batches)))


class RefusedUntilTheHintIsFollowed(UnderPatroniMode):
    """What standalone mode refuses: there PostgreSQL would follow what it finds as well."""

    def refuse(self, code, *wanted):
        self.ask()
        return self.assert_refuses(self.bootstrap(), code, *wanted)

    def test_two_clusters_in_one_stanza(self):
        self.situation('replaced')
        self.refuse(2, *self.facts['identifiers'].values(), 'set', 'system-identifier')
        self.ask({'system-identifier': self.facts['identifiers']['alpha']})
        self.assert_leader_has(1, 2, 3)

    def test_a_timeline_whose_history_is_gone(self):
        self.situation('two_timelines')
        history, = self.in_archive('00000002.history')
        os.rename(history, self.lab.path('kept.history'))
        self.refuse(4, 'timeline 2', '00000002[.]history')
        os.rename(self.lab.path('kept.history'), history)
        self.ask()
        self.assert_leader_has(1, 2, 20, 21)

    def test_a_failover_of_which_a_partial_segment_is_all_there_is(self):
        self.situation('failover')
        self.remove_from_archive('00000002????????????????-*', self.fork_segment(1) + '-*', self.fork_segment(1, 1) + '-*')
        self.ask_for_the_point_in(self.refuse(4, self.fork_segment(1) + '[.]partial'))
        self.assert_leader_has(1)

    def test_an_orphan_s_segment_in_the_new_timeline_s_place(self):
        self.situation('failover')
        self.remove_from_archive(self.fork_segment(2) + '-*')
        self.ask_for_the_point_in(self.refuse(4, self.fork_segment(2)))
        self.assert_leader_has(1)

    def test_nor_with_nothing_else_of_the_new_timeline(self):
        self.situation('failover')
        self.remove_from_archive('00000002????????????????-*')
        hint = self.refuse(4, self.fork_segment(2))
        self.ask({'target-timeline': re.search(r'target-timeline: (\d)', hint)[1]}, timeline='1')
        self.assert_leader_has(1, 2, 3, 4)

    def test_a_backup_on_an_abandoned_branch_in_a_copied_repository(self):
        self.situation('backup_on_abandoned_branch')
        self.touch_all()
        self.refuse(4, 'timeline 2')
        self.ask({'set': self.label('alpha')})
        self.assert_leader_has(1, 2, 20, 21)


class RecordsIntoTheLastSegment(UnderPatroniMode):
    def make_crossing_at_the_end(self):
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1)
        for _ in range(2):
            alpha.sql("select pg_logical_emit_message(true, 'x', repeat('x', 12 << 20))")
        alpha.write(2).crash().remove()

    def test_a_damaged_one_is_refused_before_the_copy(self):
        # The guard has served the last segment then, and PostgreSQL would be promoted without batch 2.
        self.situation('crossing_at_the_end')
        last = self.facts['batches']['2']['segment']
        begins, = self.in_archive('%s%08X-*' % (last[:16], int(last[16:], 16) - 1))
        self.ask()
        self.overwrite_middle(begins, 0xFFFF00)
        hint = self.assert_refuses(self.bootstrap(), 7, 'is damaged: the record at .* has a wrong checksum, and more of the same WAL')
        self.ask_for_the_point_in(hint)
        self.assert_leader_has(1)


class PatroniMode(UnderPatroniMode):
    def test_the_latest_point_of_the_newest_timeline(self):
        self.situation('chain')
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_leader_has(1, 2, 20, 21, 30)

    def test_the_end_of_a_segment_that_is_not_full_is_the_latest_point_for_verify(self):
        self.situation('saved_tail')
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_leader_has(1, 2)
        self.assert_verified()

    def test_the_timeline_that_the_lost_clusters_file_names_is_not_in_force(self):
        self.situation('chain')
        wrapped = self.wrap_pgbackrest('[ "$VERB" != restore ] || { pgbackrest "$@" && '
                                       'echo "recovery_target_timeline = current" >> %s/postgresql.conf; exit; }' % self.staging)
        self.configure({'pgbackrest': wrapped, 'recovery_conf': self.recovery_conf()})
        self.assert_leader_has(1, 2, 20, 21, 30)

    def test_a_missing_history_below_the_newest(self):
        # PostgreSQL's `latest` asks for 2, is told that there is none, and ends on 1.
        self.situation('chain')
        self.remove_from_archive('00000002.history')
        self.configure({'recovery_conf': self.recovery_conf(timeline='latest')})
        hint = self.assert_refuses(self.bootstrap(), 2, 'asks for the newest timeline', 'timeline 3')
        self.assertIn('take recovery_target_timeline out of recovery_conf', hint)
        self.forget_failure()
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_leader_has(1, 2, 20, 21, 30)

    def test_immediate_stays_on_the_backups_timeline(self):
        # The newest one left it before the backup: `latest` is FATAL, "not a child of this server's history".
        self.situation('backup_on_abandoned_branch')
        self.configure({'type': 'immediate', 'set': self.label('second'), 'recovery_conf': self.recovery_conf(**{'': 'immediate'})})
        self.assert_leader_has(1, 2, 3)

    def test_immediate_from_an_orphan_s_backup_stays_there(self):
        self.situation('orphan_backup')
        self.configure({'type': 'immediate', 'set': self.label('orphan'), 'recovery_conf': self.recovery_conf(**{'': 'immediate'})})
        self.assert_leader_has(1, 2, 3, 4)

    def test_a_history_that_is_replaced_after_the_plan_is_not_followed(self):
        self.situation('two_timelines')
        history, = self.in_archive('00000002.history')
        other = self.lab.write('other.history', '1\t%s\tno recovery target specified\n' % self.facts['batches']['1']['lsn'])
        wrapped = self.wrap_pgbackrest('[ "$VERB" != archive-get ] || cp %s %s' % (other, history))
        self.configure({'pgbackrest': wrapped, 'recovery_conf': self.recovery_conf()})
        self.node.start()
        self.node.wait_for_end()
        self.assert_absent()
        self.assertIn('00000002.history is not the one that the restore was planned with', self.lab.log('node1'))

    def test_a_timeline_that_arrives_after_the_plan_is_not_followed(self):
        self.follow_a_timeline_that_arrives()

    def test_a_timeline_that_arrives_after_the_plan_is_not_followed_to_a_time(self):
        self.follow_a_timeline_that_arrives('time')

    def follow_a_timeline_that_arrives(self, kind=None):
        self.situation('two_timelines')
        self.situation('lost')
        block = {'type': kind, 'target': self.time_of(2)} if kind else {}
        target = {kind: self.time_of(2)} if kind else {}
        history, = glob.glob(os.path.join(os.environ['LAB_SOURCE'], 'two_timelines/repo/archive/demo/*/00000002.history'))
        archive = os.path.basename(os.path.dirname(history))
        wrapped = self.wrap_pgbackrest('[ "$VERB" != archive-get ] || cp -n %s %s/archive/demo/%s/' % (
            history, self.repository, archive))
        self.configure({**block, 'pgbackrest': wrapped, 'recovery_conf': self.recovery_conf(timeline='latest', **target)})
        self.node.start()
        self.node.wait_for_end()
        self.assert_absent()
        self.assertIn('00000002.history came into the archive after the restore was planned', self.lab.log('node1'))
        os.remove(glob.glob(os.path.join(self.repository, 'archive/demo/*/00000002.history'))[0])
        self.forget_failure()
        self.configure({**block, 'pgbackrest': wrapped, 'recovery_conf': self.recovery_conf(**target)})
        self.assert_leader_has(*((1, 2) if kind else (1, 2, 3)))


class StaleSpool(RepositoryCase):
    """What asynchronous archive-get and archive-push left on this node before the cluster was lost. pgBackRest's restore
    by hand empties that; ours has a spool of its own."""

    def make_cut(self):
        """Its last segment is the last batch's."""
        Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1, 2, 3).crash().remove()

    def leave_stale_files(self):
        self.situation('cut')
        last = self.facts['batches']['3']['segment']
        self.follow = ['00000002%s%08X' % (last[8:16], int(last[16:], 16) + more) for more in (1, 2)]
        spool = self.lab.path('spool/archive/demo')
        self.lab.run('mkdir', '-p', spool + '/in', spool + '/out')
        self.lab.run('cp', self.of_another_cluster(self.in_archive(last + '-*')[0]), os.path.join(spool, 'in', last))
        for name in ['00000002.history', *self.follow]:
            self.lab.run('touch', '%s/out/%s.ok' % (spool, name))
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(
            self.data_directory, self.node.port, self.repository, {'archive-async': 'y'})

    def assert_all_is_there_and_archived(self, environment=None):
        self.node.start(environment)
        self.node.wait_for_leader()
        rows = self.node.sql("select string_agg(batch::text, ' ' order by batch) from (select distinct batch from kept) b")
        self.assertEqual(rows, '1 2 3')
        for _ in self.follow:
            self.node.sql('insert into kept values (60)')
            switch_wal(self.node)
        for name in ('00000002.history*', *(segment + '-*' for segment in self.follow)):
            wait_until(name + ' to be archived', lambda pattern=name: self.in_archive(pattern), 30)

    def test_it_is_neither_replayed_nor_believed_in_patroni_mode(self):
        self.leave_stale_files()
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_all_is_there_and_archived()
        self.assert_verified()

    def test_archive_push_does_not_believe_it_in_standalone_mode(self):
        self.leave_stale_files()
        self.configure()
        self.assert_all_is_there_and_archived()

    def test_archive_push_does_not_believe_it_where_it_reads_another_configuration_than_the_restore(self):
        self.leave_stale_files()
        of_the_restore = self.lab.write('restore.conf', read(self.pgbackrest_configuration).replace(
            self.lab.path('spool'), self.lab.make('elsewhere')))
        self.configure({'pgbackrest-config': of_the_restore}, bootstrap={'dcs': {'postgresql': {'parameters': {
            'archive_command': 'pgbackrest --stanza=demo archive-push %p'}}}})
        self.assert_all_is_there_and_archived({'PGBACKREST_CONFIG': self.pgbackrest_configuration})


class LeftInTheLostClustersFiles(PlainCase):
    """None of it is in force: the block in the base configuration has every recovery setting."""

    def bring_back_to(self, kind):
        self.make_source('recovery_target_inclusive = off\nrecovery_min_apply_delay = 6h\nrecovery_target_timeline = current\n'
                         "recovery_target_action = pause\nrecovery_target_name = 'nowhere'\n"
                         "archive_cleanup_command = 'rm -rf %s'" % self.lab.path('repo'))
        self.plain.write_batches(1)
        # The LSN at which the record of the commit begins: inclusive or not makes a difference there.
        xid, lsn = self.plain.sql('''
            with kept as (insert into kept select 2 from generate_series(1, %d) returning 1),
                 doomed as (insert into doomed select 2 from generate_series(1, %d) returning 1),
                 written as (select (select count(*) from kept) + (select count(*) from doomed) as rows)
            select pg_current_xact_id(), pg_current_wal_insert_lsn() from written where rows > 0''' % (ROWS, ROWS)).split('|')
        target = {'xid': xid, 'lsn': lsn}[kind]
        self.plain.write_batches(3)
        self.lose()
        self.configure({'type': kind, 'target': target, 'recovery_conf': self.recovery_conf(**{kind: target})})
        self.node.start()
        self.node.wait_for_leader()
        self.assert_rows(2, sql=self.node.sql)
        self.assertTrue(os.path.exists(self.lab.path('repo')))

    def test_in_files_that_are_included(self):
        self.make_source()
        self.lab.make('plain/more')
        with open(self.lab.path('plain/postgresql.conf'), 'a', encoding='utf-8') as file:
            file.write("include 'first.conf'\ninclude_dir 'more'\n")
        self.lab.write('plain/first.conf', 'recovery_target_inclusive = off\nrecovery_target_timeline = current\n')
        self.lab.write('plain/more/last.conf', "recovery_min_apply_delay = 6h\nrecovery_target_lsn = '0/1'\n")
        self.plain.back_up()
        target = self.plain.write_batches(1, 2, 3)[2]['xid']
        self.lose()
        self.configure({'type': 'xid', 'target': target, 'recovery_conf': self.recovery_conf(xid=target)})
        self.node.start()
        self.node.wait_for_leader()
        self.assert_rows(2, sql=self.node.sql)

    def test_for_a_transaction(self):
        self.bring_back_to('xid')

    def test_for_an_lsn(self):
        self.bring_back_to('lsn')

    def test_a_record_that_is_damaged_in_the_last_segment(self):
        self.make_source()
        self.plain.write_batches(1, 2, 3)
        self.lose()
        for last in sorted(glob.glob(self.repository + '/archive/demo/*/*/00000001*-*.gz'), reverse=True):
            with gzip.open(last) as file:
                file.seek(0x8000)
                if any(file.read(0x100)):
                    break
            os.remove(last)  # it has no rows
        self.overwrite_middle(last)
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_refused(self.bootstrap(), 7, 'WAL segment .* is damaged: .* more of the same WAL lies behind it')
        self.assert_absent()
