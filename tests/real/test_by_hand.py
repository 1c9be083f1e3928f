"""The table of outcomes in README.md: what Patroni makes of a plain `pgbackrest restore`, without this program.

These tests say why the program exists. Should one fail with a newer Patroni, the table has to change.
"""
import re

from bootstrap_case import BATCHES, BATCHES_IN_INCREMENTAL, wait_until
from repository_case import Cluster, RepositoryCase


class RestoredByHand(RepositoryCase):
    def restore_command_line(self, *options):
        """A script for `command` that runs `pgbackrest restore`, as the usual instructions have it."""
        quoted = ' '.join("'%s'" % option for option in options)
        return self.lab.write('restore', '#!/bin/bash\nmkdir -pm 700 %s\nexec pgbackrest --config=%s --stanza=demo %s restore\n' % (
            self.data_directory, self.pgbackrest_configuration, quoted), 0o755)

    def start_patroni(self, block, *options):
        self.node.configure({'command': self.restore_command_line(*options), **block}, self.pgbackrest_configuration)
        self.node.start()

    def archive_get(self):
        return 'pgbackrest --config=%s --stanza=demo archive-get %%f "%%p"' % self.pgbackrest_configuration

    def assert_patroni_gave_up(self):
        self.node.wait_for_end()
        self.assert_absent()
        self.node.set_aside()

    def test_without_any_recovery_setting_the_bootstrap_fails(self):
        self.start_patroni({'no_params': True}, '--set=' + self.source.full_backup)
        self.node.wait_for_log('FATAL: +could not locate required checkpoint record')
        self.assert_patroni_gave_up()

    def test_without_any_recovery_setting_a_backup_with_its_own_wal_is_promoted_as_it_stands(self):
        self.start_patroni({'no_params': True}, '--set=' + self.source.incremental_backup)  # taken with --archive-copy
        self.node.wait_for_leader()
        self.assert_rows(BATCHES_IN_INCREMENTAL, doomed=True, sql=self.node.sql)

    def test_keep_existing_recovery_conf_restores_the_latest_point(self):
        self.start_patroni({'no_params': True, 'keep_existing_recovery_conf': True})
        self.node.wait_for_leader()
        self.assert_rows(BATCHES, doomed=False, sql=self.node.sql)

    def test_keep_existing_recovery_conf_with_a_time_and_the_default_action_fails(self):
        self.start_patroni({'no_params': True, 'keep_existing_recovery_conf': True},
                           '--type=time', '--target=' + self.target('time', 7))
        self.assert_patroni_gave_up()

    def test_recovery_conf_without_the_target_replays_past_it_silently(self):
        self.start_patroni({'no_params': True, 'recovery_conf': {'restore_command': self.archive_get()}},
                           '--type=time', '--target=' + self.target('time', 7), '--target-action=promote')
        self.node.wait_for_leader()
        self.assert_rows(BATCHES, doomed=False, sql=self.node.sql)

    def test_restored_before_patroni_starts_it_waits_for_wal_or_is_promoted_short(self):
        # Patroni's crash recovery in single-user mode decides: what it gets before it ends is all there will be.
        self.lab.run(self.restore_command_line())
        self.node.configure(pgbackrest_configuration=self.pgbackrest_configuration)
        self.node.start()
        self.node.wait_for_log('waiting for WAL|could not receive data|primary_conninfo|consistent recovery state', 40)
        wait_until('some rounds of Patroni', lambda: len(re.findall(' INFO: ', self.lab.log('node1'))) > 8)
        if self.node.is_leader():
            self.assertLess(int(self.node.sql('select count(distinct batch) from kept')), BATCHES)

    def test_an_interrupted_replay_is_promoted_with_rows_missing(self):
        slow = self.wrap_pgbackrest('[ "$VERB" != archive-get ] || sleep 1')
        self.start_patroni({'no_params': True, 'keep_existing_recovery_conf': True}, '--cmd=' + slow)
        self.node.wait_for_log('restored log file "%s"' % self.source.segments[6])
        self.node.kill()
        self.node.start()
        self.node.wait_for_leader()
        self.assertLess(int(self.node.sql('select count(distinct batch) from kept')), BATCHES)

    def test_what_the_primary_had_not_archived_is_missing(self):
        self.empty_repository()
        self.facts = {'identifiers': {}, 'backups': {}, 'batches': {}}
        old = Cluster(self, 'data.old').create().begin('stanza-create', 'alpha').back_up('alpha').write(1).stop()
        old.start('archive_command=false').write(2, archive=False).stop()
        self.start_patroni({'no_params': True, 'keep_existing_recovery_conf': True})
        self.node.wait_for_leader()
        self.assertEqual(self.node.sql('select distinct batch from kept'), '1')

    def rows_by_hand(self):
        self.start_patroni({'no_params': True, 'keep_existing_recovery_conf': True})
        self.node.wait_for_leader()
        return self.node.sql("select string_agg(batch::text, ' ' order by batch) from (select distinct batch from kept) b")

    def test_an_empty_cluster_in_the_same_stanza_comes_back(self):
        self.situation('replaced')
        self.assertEqual(self.rows_by_hand(), '50')

    def test_a_timeline_without_its_history_is_passed_by(self):
        self.situation('two_timelines')
        self.remove_from_archive('00000002.history')
        self.assertEqual(self.rows_by_hand(), '1 2 3')

    def test_the_old_primary_s_rows_come_in_place_of_the_new_one_s(self):
        self.situation('failover')
        self.remove_from_archive('00000002????????????????-*')
        self.assertIn('3', self.rows_by_hand().split())
