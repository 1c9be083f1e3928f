"""reuse-data: auto takes what Patroni set aside where nobody can need it, and says what it passes over, and why."""
import os
import re

from repository_case import Cluster, RepositoryCase
from test_patroni import UnderPatroni
from lab import Server
from source_cluster import switch_wal

AUTO = '--reuse-data=auto'


def sums_of(lab, directory):
    return sorted(lab.run('find', directory, '-type', 'f', '-exec', 'md5sum', '{}', '+').split('\n'))


def command_of(result):
    """That makes the files its own, as the hint has it."""
    return re.search(r'make its files its own: (find .* \+)$', result.log, re.M)[1]


def kept_files(result):
    """How many files pgBackRest did not copy: only those whose checksum is the backup's. For a log of level debug."""
    return result.log.count(' - exists and matches backup')


class SetAside(RepositoryCase):
    """The lost cluster's data directory has the name that Patroni gives, and nothing is known of it but what is in it."""

    def setUp(self):
        super().setUp()
        self.empty_repository()
        self.facts = {'identifiers': {}, 'backups': {}, 'batches': {}}
        self.failed = self.data_directory + '.failed'
        self.alpha = Cluster(self, 'data').create().begin('stanza-create', 'alpha').back_up('alpha').write(1)

    def set_aside(self):
        self.alpha.stop()
        os.rename(self.data_directory, self.failed)

    def assert_takes(self, result):
        self.assert_done(result)
        self.assertIn('reuse-data: auto takes %s, which a server of this cluster wrote to last at ' % self.failed, result.log)
        self.assertIn('%s is the staging directory now: only changed files are copied' % self.failed, result.log)
        self.assertFalse(os.path.exists(self.failed))

    def assert_passes_over(self, result, why):
        self.assert_done(result)
        self.assertRegex(result.log, 'reuse-data: auto passes over %s: %s' % (re.escape(self.failed), why))
        self.assertIn('reuse-data: auto finds nothing beside %s that can be reused: everything is copied' % self.data_directory, result.log)
        self.assertTrue(os.path.exists(self.failed + '/PG_VERSION'))

    def test_what_is_set_aside_is_taken_and_what_fits_is_kept(self):
        self.alpha.write(2)
        self.set_aside()
        told = self.check(AUTO)
        self.assert_done(told)
        self.assertIn('reuse-data: auto takes ' + self.failed, told.log)
        self.assertTrue(os.path.exists(self.failed))
        result = self.bootstrap(AUTO, '--log-level=debug')
        self.assert_takes(result)
        self.assertGreater(kept_files(result), 300)
        self.assert_rows_of(result, 1, 2, timeline=2)

    def test_another_clusters_is_passed_over(self):
        self.alpha.stop().remove()
        self.lab.run('initdb', '-D', self.failed, '-U', 'postgres', '-N')
        result = self.bootstrap(AUTO)
        self.assert_passes_over(result, 'it belongs to another cluster')
        self.assert_rows_of(result, 1)

    def test_one_in_which_a_server_runs_is_passed_over(self):
        self.set_aside()
        server = Server(self.lab, self.failed, 'by-hand')
        server.start('archive_mode=off')
        result = self.bootstrap(AUTO)
        self.assert_passes_over(result, r'process \d+ of a PostgreSQL server works in it')
        self.assertEqual(server.sql('select count(distinct batch) from kept'), '1')
        server.stop()
        self.assert_rows_of(result, 1)

    def bootstrap_in_container(self, *arguments):
        """With processes of its own: those of others are not in its /proc."""
        if not self.lab.as_postgres:
            self.skipTest('only root has processes of its own')
        user, self.lab.as_postgres = self.lab.as_postgres, {}
        try:
            return self.run_program('unshare', '--pid', '--fork', '--kill-child', '--mount-proc', 'setpriv', '--reuid=%s' % user['user'],
                                    '--regid=%s' % user['group'], '--clear-groups', 'sh', '-c', '"$@"; exit $?', 'sh', *self.command(*arguments))
        finally:
            self.lab.as_postgres = user

    def test_one_in_which_a_server_of_another_container_works_is_passed_over_and_not_taken_by_name_either(self):
        self.set_aside()
        server = Server(self.lab, self.failed, 'by-hand')
        server.start('archive_mode=off')
        self.assert_refused(self.bootstrap_in_container('--reuse-data=' + self.failed), 9,
                            'reuse-data %s: .* is open for writing' % re.escape(self.failed), 'leave reuse-data out')
        self.assertTrue(os.path.exists(self.failed + '/postmaster.pid'))
        result = self.bootstrap_in_container(AUTO)
        self.assert_passes_over(result, r'\S+ in it is open for writing')
        self.assertEqual(server.sql('select count(distinct batch) from kept'), '1')
        server.stop()
        self.assert_rows_of(result, 1)

    def test_what_is_open_for_writing_is_left_out_or_taken_by_name_once_that_is_stopped(self):
        self.set_aside()
        server = Server(self.lab, self.failed, 'by-hand')
        server.start('archive_mode=off')
        self.assert_refused(self.bootstrap_in_container('--reuse-data=' + self.failed), 9, ' is open for writing',
                            'stop what has it open, or leave reuse-data out')
        self.assert_rows_of(self.bootstrap_in_container(), 1)
        self.assertEqual(server.sql('select count(distinct batch) from kept'), '1')
        server.stop()
        result = self.again('--reuse-data=' + self.failed)
        self.assert_rows_of(result, 1)
        self.assertIn('%s is the staging directory now' % self.failed, result.log)
        self.assertFalse(os.path.exists(self.failed))

    def test_one_with_a_tablespace_elsewhere_is_passed_over_and_neither_is_touched(self):
        elsewhere = self.lab.make('elsewhere')
        self.alpha.sql("create tablespace space location '%s'" % elsewhere)
        self.alpha.sql('create table there tablespace space as select 1 as n')
        self.alpha.back_up('with-tablespace')
        self.set_aside()
        before = sums_of(self.lab, elsewhere)
        result = self.bootstrap(AUTO, '--tablespace-map=space=' + self.lab.path('mapped'))
        self.assert_passes_over(result, r'pg_tblspc/\d+ in it is a symbolic link, and nothing elsewhere is touched unless reuse-data names')
        self.assertEqual(sums_of(self.lab, elsewhere), before)
        self.assert_rows_of(result, 1)

    def test_one_whose_wal_the_archive_does_not_have_waits_until_it_has(self):
        self.alpha.stop()
        self.alpha.start('archive_command=false')
        self.alpha.write(2, archive=False)
        switch_wal(self.alpha)
        self.set_aside()
        result = self.bootstrap(AUTO)
        self.assert_passes_over(result, 'the archive does not have its WAL segment 0000')
        self.assert_rows_of(result, 1)
        self.server.stop()
        self.lab.run('bash', '-c', re.search(r'for wal in .*; done', result.log).group())  # as the warning says
        result = self.again(AUTO)
        self.assert_takes(result)
        self.assert_rows_of(result, 1, 2)

    def test_one_that_a_person_moved_away_is_told_and_stays(self):
        self.alpha.stop()
        lost = self.data_directory + '.lost'
        os.rename(self.data_directory, lost)
        result = self.bootstrap(AUTO)
        self.assert_done(result)
        self.assertIn('reuse-data: auto passes over %s: Patroni gives no such name' % lost, result.log)
        self.assert_rows_of(result, 1)
        self.assertTrue(os.path.exists(lost))
        result = self.again('--reuse-data=' + lost)  # as that line says
        self.assert_rows_of(result, 1)
        self.assertFalse(os.path.exists(lost))

    def test_a_snapshot_of_hard_links_is_not_changed(self):
        self.alpha.write(2)
        self.alpha.stop()
        lost, snapshot = self.data_directory + '.lost', self.lab.path('snapshot')
        os.rename(self.data_directory, lost)
        self.lab.run('cp', '-al', lost, snapshot)
        before = sums_of(self.lab, snapshot)
        result = self.bootstrap('--reuse-data=' + lost)
        self.assert_refused(result, 9, r'reuse-data %s: .* has another name elsewhere \(a hard link\)' % re.escape(lost), 'leave reuse-data out; or')
        self.assertTrue(os.path.exists(lost + '/PG_VERSION'))
        self.lab.run('sh', '-c', command_of(result))
        result = self.again('--reuse-data=' + lost, '--log-level=debug')
        self.assertGreater(kept_files(result), 300)
        self.assert_rows_of(result, 1, 2)
        self.assertEqual(sums_of(self.lab, snapshot), before)


class GivenUp(UnderPatroni):
    """The program itself handed it over, and nobody has led with it."""

    def setUp(self):
        super().setUp()
        self.failed = self.data_directory + '.failed'
        self.assert_done(self.bootstrap())
        os.rename(self.data_directory, self.failed)

    def test_another_request_takes_its_files_and_none_of_its_rows(self):
        result = self.bootstrap(AUTO, '--type=lsn', '--target=' + self.target('lsn', 6), '--log-level=debug')
        self.assert_done(result)
        self.assertIn('reuse-data: auto takes ' + self.failed, result.log)
        self.assertIn('Patroni gave it up, so nobody needs what else is in it', result.log)
        self.assertGreater(kept_files(result), 300)
        self.assertFalse(os.path.exists(self.failed))
        self.open()
        self.assert_rows(6)

    def test_the_same_request_takes_it_back_as_without_auto(self):
        result = self.bootstrap(AUTO)
        self.assert_done(result)
        self.assertIn('reuse-data: auto takes nothing: the restore goes on with ' + self.failed, result.log)
        self.assertIn('%s is taken back' % self.failed, result.log)
        self.assert_complete()

    def test_nor_is_a_snapshot_changed_when_it_is_taken_back(self):
        snapshot = self.lab.path('snapshot')
        self.lab.run('cp', '-al', self.failed, snapshot)
        before = sums_of(self.lab, snapshot)
        result = self.bootstrap()
        self.assert_refused(result, 9, r'has another name elsewhere \(a hard link\)', 'move %s away' % self.failed)
        self.lab.run('sh', '-c', command_of(result))
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('%s is taken back' % self.failed, result.log)
        self.assert_complete()
        self.assertEqual(sums_of(self.lab, snapshot), before)
