"""The old cluster is alive: WAL keeps arriving in the stanza while it is restored elsewhere."""
from bootstrap_case import PlainCase, read, wait_until
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
        wait_until('the replay to begin', lambda: read(self.lab.path('asked')))
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
