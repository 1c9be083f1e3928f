"""What a run leaves for the next one: failures that last are not repeated, finished work is not done twice."""
import os
import shutil
import socket

from bootstrap_case import BATCHES, read, wait_until
from lab import Server, send
from test_patroni import UnderPatroni


class Memory(UnderPatroni):
    def counting_pgbackrest(self, body=''):
        return self.wrap_pgbackrest('[ $VERB != restore ] || echo . >>%s\n%s' % (self.lab.path('log/restores'), body))

    def restores(self):
        return read(self.lab.path('log/restores')).count('.')

    def test_a_failure_that_lasts_is_not_repeated(self):
        self.damage_wal(7)
        self.configure({'pgbackrest': self.counting_pgbackrest()})
        self.assert_refused(self.bootstrap(), 7, 'damaged')
        again = self.bootstrap()
        self.assert_refused(again, 7, 'the same restore failed at .* and nothing has changed since: .*damaged',
                            'remove .*data.restoring.d/failure.json to try it again')
        self.assertEqual(self.restores(), 1)
        os.remove(self.staging + '.d/failure.json')
        self.assert_refused(self.bootstrap(), 7, 'damaged')

    def test_another_configuration_is_worth_another_try(self):
        self.damage_wal(7)
        self.configure()
        self.assert_refused(self.bootstrap(), 7, 'damaged')
        self.configure({'type': 'lsn', 'target': self.target('lsn', 6)})
        self.assert_done(self.bootstrap())
        self.assert_complete(6)

    def test_twenty_starts_restore_once(self):
        self.configure({'type': 'xid', 'target': '4000000', 'set': self.source.incremental_backup, 'pgbackrest': self.counting_pgbackrest()})
        codes = [self.bootstrap().code for _ in range(20)]
        self.assertEqual(codes, [4] * 20)
        self.assertEqual(self.restores(), 1)
        self.assertEqual(sorted(os.listdir(self.lab.directory)).count('data.restoring'), 1)
        self.assertEqual([name for name in os.listdir(self.lab.directory) if 'failed' in name], [])

    def test_failures_that_may_pass_wait_longer_each_time(self):
        self.configure({'retry': 0, 'pgbackrest': self.wrap_pgbackrest(
            '[ $VERB != restore ] || { echo "ERROR: [049]: raised by the test" >&2; exit 49; }')})
        self.assert_refused(self.bootstrap(), 6, 'raised by the test')
        self.assert_refused(self.bootstrap(), 6, 'raised by the test')
        self.configure()
        waiting = self.start_bootstrap()
        self.wait_for_log('it failed 2 times in a row: waiting')
        send(15, [waiting.pid])
        self.assertEqual(self.result_of(waiting, 5).code, 143)
        self.assert_resumes()

    def test_a_port_that_is_taken(self):
        self.configure({'pgbackrest': self.counting_pgbackrest()})
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(('127.0.0.1', self.node.port))
            taken.listen()
            self.node.start()
            self.node.wait_for_end(120)
        self.assert_absent()
        self.node.start()
        self.node.wait_for_leader()
        self.assertIn('is taken back', self.lab.log('node1'))
        self.assertEqual(self.restores(), 1)
        self.assert_back(BATCHES)

    def test_what_was_set_aside_is_out_of_date_when_another_node_went_on(self):
        self.configure()
        workspace = self.staging + '.d'
        self.assert_done(self.bootstrap())
        os.rename(self.data_directory, self.data_directory + '.failed')
        os.rename(workspace, workspace + '.kept')
        self.assert_done(self.bootstrap())  # the other node
        self.open()
        self.sql('insert into kept values (100)')
        self.sql("select pg_create_restore_point('end')")
        segment = self.sql('select pg_walfile_name(pg_switch_wal())')
        wait_until('the other node to archive', lambda: self.sql(
            "select count(*) from pg_stat_archiver where last_archived_wal >= '%s'" % segment) == '1')
        self.server.stop()
        os.rename(self.data_directory, self.lab.path('of-the-other-node'))
        shutil.rmtree(workspace)
        os.rename(workspace + '.kept', workspace)
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('the archive has newer WAL than it: only its files are used', result.log)
        self.open()
        self.assertEqual(self.sql('select count(*) from kept where batch = 100'), '1')

    def test_reuse_data_copies_what_has_changed(self):
        self.configure()
        self.assert_done(self.bootstrap())
        shutil.move(self.data_directory, self.lab.path('old'))
        result = self.bootstrap('--reuse-data=' + self.lab.path('old'))
        self.assert_done(result)
        self.assertIn('%s is the staging directory now' % self.lab.path('old'), result.log)
        self.assertFalse(os.path.exists(self.lab.path('old')))
        copied = result.log.count('pgbackrest: restore file')
        self.assertLess(copied, 400, 'files were copied again')
        self.assert_complete()

    def restored_and_moved(self):
        self.configure()
        self.assert_done(self.bootstrap())
        shutil.move(self.data_directory, self.lab.path('old'))
        return self.lab.path('old')

    def test_reuse_data_in_which_a_server_runs_is_refused(self):
        old = Server(self.lab, self.restored_and_moved(), 'old')
        old.start()
        self.assert_refused(self.bootstrap('--reuse-data=' + old.data_directory), 9, 'of a PostgreSQL server works in ' + old.data_directory)
        self.assertEqual(old.sql('select count(distinct batch) from kept'), str(BATCHES))
        old.stop()
        self.assert_done(self.bootstrap('--reuse-data=' + old.data_directory))
        self.assert_complete()

    def test_reuse_data_of_a_standby(self):
        old = self.restored_and_moved()
        for name, text in (('standby.signal', ''), ('postgresql.auto.conf', "primary_conninfo = 'host=192.0.2.1'\n"),
                           ('recovery.signal', ''), ('backup_label.old', 'x')):
            self.lab.write('old/' + name, text)
        self.assert_done(self.bootstrap('--reuse-data=' + old))
        self.assert_complete()
        self.assertFalse(os.path.exists(os.path.join(self.data_directory, 'standby.signal')))

    def test_reuse_data_whose_pg_wal_is_a_link(self):
        # It may be the pg_wal of a server that lives: nothing there is touched.
        old = self.restored_and_moved()
        elsewhere = self.lab.path('elsewhere')
        os.rename(old + '/pg_wal', elsewhere)
        os.symlink(elsewhere, old + '/pg_wal')
        kept = sorted(os.listdir(elsewhere))
        result = self.bootstrap('--reuse-data=' + old)
        self.assertEqual(sorted(os.listdir(elsewhere)), kept)
        self.assert_done(result)
        self.assert_complete()
        self.assertFalse(os.path.islink(self.data_directory + '/pg_wal'))

    def test_reuse_data_of_another_cluster_is_refused(self):
        self.configure()
        self.lab.run('initdb', '-D', self.lab.path('other'), '-U', 'postgres', '-N')
        self.assert_refused(self.bootstrap('--reuse-data=' + self.lab.path('other')), 9, 'it belongs to another cluster')
        self.assertTrue(os.path.exists(self.lab.path('other/PG_VERSION')))
        self.assert_absent()
