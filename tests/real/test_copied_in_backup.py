"""A database that is copied file by file while the backup is made: the backup's files of its source may be later ones, or gone."""
import json
import os
import shutil
import signal
import time

from bootstrap_case import PlainCase, wait_until
from source_cluster import switch_wal


def has_open(pid, path):
    try:
        return any(os.readlink('/proc/%d/fd/%s' % (pid, name)) == path for name in os.listdir('/proc/%d/fd' % pid))
    except OSError:
        return False


class CopiedInBackup(PlainCase):
    def setUp(self):
        super().setUp()
        self.make_source('autovacuum = off', 'create database prod')
        self.prod('create table t (n int)')
        self.prod('insert into t select generate_series(1, 1000)')
        # pgBackRest begins with the largest file.
        self.plain.sql('create table filler as select md5(n::text) from generate_series(1, 1500000) n; checkpoint')

    def prod(self, statement, database='prod', server=None):
        return self.lab.psql((server or self.plain.server).port, statement, database)

    def copy_database(self):
        major = int(os.path.basename(os.path.dirname(self.lab.bin_directory)))
        self.plain.sql('create database copied template prod' + (' strategy file_copy' if major >= 15 else ''))

    def back_up_while(self, change):
        """What `change` does comes behind the first file that pgBackRest copies, and before the others."""
        filler = os.path.join(self.plain.server.data_directory, self.plain.sql("select pg_relation_filepath('filler')"))
        backup = self.lab.start('backup', 'pgbackrest', '--config=' + self.lab.path('pgbackrest.conf'), '--stanza=demo', '--type=full',
                                '--process-max=1', '--log-level-console=info', 'backup')

        def worker():
            return next((pid for pid, command in self.lab.living().items() if 'backup:local' in command and has_open(pid, filler)), None)
        pid = wait_until('the copy of the largest file', worker, every=.01)
        os.kill(pid, signal.SIGSTOP)
        try:
            change()
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until('the backup to end', lambda: backup.poll() is not None)
        self.assertEqual(backup.returncode, 0, self.lab.log('backup'))
        time.sleep(1.1)  # as in back_up()

    def move(self):
        self.plain.sql("create tablespace a location '%s'" % self.lab.make('a'))
        self.plain.sql('alter database prod set tablespace a')

    def copy_and_insert(self):
        self.copy_database()
        switch_wal(self.plain)
        self.prod('insert into t select generate_series(1001, 3000)')
        self.plain.sql('checkpoint')

    def end_source(self):
        self.older = json.loads(self.lab.run('pgbackrest', '--config=' + self.lab.path('pgbackrest.conf'), '--stanza=demo', '--output=json',
                                             'info'))[0]['backup'][0]['label']
        self.plain.write_batches(1)
        self.lose()
        shutil.rmtree(self.lab.path('a'), ignore_errors=True)

    def assert_rows_in(self, **wanted):
        self.open()
        self.assertEqual({name: self.prod('select count(*) from t', name, self.server) for name in wanted}, wanted)

    def test_a_database_that_was_moved_meanwhile(self):
        self.back_up_while(self.move)
        self.end_source()
        self.assert_refused(self.bootstrap(), 7, 'is moved to another tablespace', 'one that ended before')
        self.assert_absent()
        self.assert_done(self.bootstrap('--set=' + self.older))
        self.assert_rows_in(prod='1000')

    def test_rows_that_came_into_the_source_meanwhile(self):
        self.back_up_while(self.copy_and_insert)
        self.end_source()
        self.assert_refused(self.bootstrap(), 7, 'is copied file by file', 'one that ended before')
        self.assert_absent()
        self.assert_done(self.bootstrap('--set=' + self.older))
        self.assert_rows_in(copied='1000', prod='3000')

    def test_a_source_that_stayed_as_it_was_until_the_end_of_the_backup(self):
        self.back_up_while(self.copy_database)
        self.prod('insert into t select generate_series(1001, 3000)')
        self.prod('insert into t select generate_series(1001, 1500)', 'copied')
        self.end_source()
        self.assert_done(self.bootstrap())
        self.assert_rows_in(copied='1500', prod='3000')
