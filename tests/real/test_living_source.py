"""The old cluster is alive: WAL keeps arriving in the stanza while it is restored elsewhere."""
import glob
import json
import re
import shlex

from bootstrap_case import PlainCase, program, read, wait_until
from lab import SilentServer
from source_cluster import switch_wal, wait_until_archived


class LivingSource(PlainCase):
    def setUp(self):
        super().setUp()
        self.make_source()
        self.plain.write_batches(1, 2)
        wait_until_archived(self.plain, switch_wal(self.plain))
        configuration = read(self.lab.path('pgbackrest.conf')).replace(
            'pg1-path=' + self.plain.server.data_directory, 'pg1-path=' + self.data_directory)
        self.pgbackrest_configuration = self.lab.write('restore.conf', configuration)

    def restore_while_it_writes(self, block=None, **sections):
        self.configure({'pgbackrest': self.slow_pgbackrest(), **(block or {})}, **sections)
        process = self.start_bootstrap()
        wait_until('the replay to begin', lambda: read(self.lab.path('log/asked')))
        self.plain.write_batches(3)
        wait_until_archived(self.plain, switch_wal(self.plain))
        return self.result_of(process)

    def test_the_restored_cluster_would_archive_into_its_stanza(self):
        self.assert_refused(self.restore_while_it_writes(), 9, 'has arrived in stanza demo since the restore began',
                            'stop the old cluster')
        self.assert_absent()
        self.plain.server.stop()
        self.assert_done(self.bootstrap())
        self.assert_complete(3, doomed=True)

    def test_the_source_is_fenced(self):
        result = self.restore_while_it_writes({'source': 'fenced'})
        self.assert_done(result)
        self.assertIn('although source says that it is fenced', result.log)
        self.assert_finished()

    def test_the_restored_cluster_archives_elsewhere(self):
        result = self.restore_while_it_writes(bootstrap={'dcs': {'postgresql': {'parameters': {
            'archive_command': 'pgbackrest --stanza=other archive-push %p'}}}})
        self.assert_done(result)
        self.assertIn('the restored one archives elsewhere', result.log)
        self.assert_finished()

    def assert_refused_until_it_archives(self, elsewhere, result):
        """Refused for what the DCS holds, and done once that is changed as the hint says."""
        self.assert_refused(result, 9, 'has arrived in stanza demo since the restore began', 'a stanza of its own')
        self.assert_absent()
        hint = re.search(r'(patronictl edit-config \S+ --force -s postgresql\.parameters\.archive_command=)null', result.log)
        command = shlex.split(hint[1])
        self.lab.run(command[0], '-c', self.yml, *command[1:-1], command[-1] + elsewhere)
        self.assert_done(self.bootstrap())
        self.assert_finished()

    def test_it_archives_where_the_configuration_says_that_the_dcs_holds(self):
        # bootstrap.dcs, which archives elsewhere, does not count beside it.
        into_demo = 'pgbackrest --config=%s --stanza=demo archive-push %%p' % self.pgbackrest_configuration
        self.node.put_key(json.dumps({'ttl': 20, 'loop_wait': 1, 'retry_timeout': 3, 'postgresql': {'parameters': {
            'archive_mode': 'on', 'archive_command': into_demo}}}), 'config')
        elsewhere = 'pgbackrest --stanza=other archive-push %p'
        result = self.restore_while_it_writes(bootstrap={'dcs': {'postgresql': {'parameters': {'archive_command': elsewhere}}}})
        self.assert_refused_until_it_archives(elsewhere, result)

    def test_a_dcs_that_tells_only_in_the_copy_where_it_archives(self):
        dcs = SilentServer(self.node.etcd)
        self.addCleanup(dcs.close)
        self.node.put_key(json.dumps({'ttl': 20, 'loop_wait': 1, 'retry_timeout': 3, 'postgresql': {'parameters': {
            'archive_mode': 'on', 'archive_command': 'pgbackrest --config=%s --stanza=demo archive-push %%p'
                                                     % self.pgbackrest_configuration}}}), 'config')
        elsewhere = 'pgbackrest --stanza=other archive-push %p'
        self.configure({'pgbackrest': self.waiting_pgbackrest()}, etcd3={'hosts': dcs.address},
                       bootstrap={'dcs': {'postgresql': {'parameters': {'archive_command': elsewhere}}}})
        process = self.start_bootstrap()
        self.wait_for_the_copy()
        self.assertTrue(self.is_dcs_asked())
        dcs.speak()
        wait_until('the answer', lambda: not self.is_dcs_asked())
        self.plain.write_batches(3)
        wait_until_archived(self.plain, switch_wal(self.plain))
        self.let_the_copy_go_on()
        result = self.result_of(process)
        self.assert_refused_until_it_archives(elsewhere, result)

    def test_what_alter_system_said_of_the_source_does_not_make_a_clone_archive_into_its_stanza(self):
        self.plain.sql("alter system set archive_command = 'pgbackrest --config=%s --stanza=demo archive-push %%p'"
                       % self.pgbackrest_configuration)
        self.plain.sql('alter system set work_mem = \'7MB\'')
        self.plain.back_up()
        result = self.restore_while_it_writes(bootstrap={'dcs': {'postgresql': {'parameters': {
            'archive_command': 'pgbackrest --stanza=other archive-push %p'}}}})
        self.assert_done(result)
        self.assertRegex(result.log, "WARNING: archive_command of the source's ALTER SYSTEM would archive into stanza demo")
        auto_conf = read(self.data_directory + '/postgresql.auto.conf')
        self.assertNotIn('archive_command', auto_conf)
        self.assertIn('7MB', auto_conf)
        self.node.start()
        self.node.wait_for_leader()
        wait_until('the end of its recovery', lambda: self.node.sql('select pg_is_in_recovery()') == 'f')
        self.node.sql('select pg_switch_wal()')
        wait_until('it to archive', lambda: self.node.sql('select failed_count > 0 from pg_stat_archiver') == 't')
        self.assertEqual(glob.glob(self.repository + '/archive/demo/*/*/0000000[2-9]*'), [])

    def test_nor_does_a_clone_archive_that_is_not_to_archive(self):
        self.plain.sql("alter system set archive_mode = 'on'")
        self.plain.back_up()
        result = self.restore_while_it_writes(bootstrap={'dcs': {'postgresql': {'parameters': {'archive_mode': 'off'}}}})
        self.assert_done(result)
        self.assertNotIn('archive_mode', read(self.data_directory + '/postgresql.auto.conf'))

    def test_nearest_ends_where_the_plan_ended(self):
        at = self.plain.sql("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'")
        self.configure({'pgbackrest': self.waiting_pgbackrest()}, bootstrap={'dcs': {'postgresql': {'parameters': {
                           'archive_command': 'pgbackrest --stanza=other archive-push %p'}}}})
        process = self.start_bootstrap('--type=time', '--target=' + at, '--nearest')
        self.wait_for_the_copy()
        for batch in (3, 4):
            self.plain.write_batches(batch)
            wait_until_archived(self.plain, switch_wal(self.plain))
        self.let_the_copy_go_on()
        result = self.result_of(process)
        self.assert_done(result)
        self.plain.server.stop()
        self.assert_complete(2)
        verified = self.run_program(program(), 'verify', '--patroni-config=' + self.yml)
        self.assertNotIn('verify-target-missed', verified.log)
