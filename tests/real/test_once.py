"""What PostgreSQL must not replay twice: a second start goes back to the backup, over files that are further on."""
import os
import shutil

from bootstrap_case import PlainCase, read, wait_until
from source_cluster import switch_wal


class OnlyOnce(PlainCase):
    def setUp(self):
        super().setUp()
        self.make_source('', 'create database prod')
        self.prod('create table t (n int)')
        self.prod('insert into t select generate_series(1, 1000)')
        self.plain.back_up()
        self.places = [self.lab.make('a'), self.lab.make('b')]

    def prod(self, statement, database='prod', server=None):
        return self.lab.psql((server or self.plain.server).port, statement, database)

    def copy_database(self, name):
        major = int(os.path.basename(os.path.dirname(self.lab.bin_directory)))
        self.plain.sql('create database %s template prod%s' % (name, ' strategy file_copy' if major >= 15 else ''))

    def copy_twice(self):
        """Rows that come into prod between two copies of it; the second one brings them to its files."""
        self.copy_database('copied')
        self.prod('insert into t select generate_series(1001, 3000)')
        self.copy_database('copied2')
        self.go_on()

    def move(self):
        self.plain.sql("create tablespace a location '%s'" % self.places[0])
        self.plain.sql('alter database prod set tablespace a')
        self.go_on()

    def go_on(self):
        for batch in range(1, 5):
            self.plain.write_batches(batch)
            switch_wal(self.plain)

    def lose_all(self):
        self.plain.write_batches(5)
        self.lose()
        for place in self.places:
            shutil.rmtree(place)

    def late_tablespace(self):
        self.plain.sql("create tablespace b location '%s'" % self.places[1])

    def kill_in_the_replay(self):
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        wait_until('the replay', lambda: len(read(self.lab.path('log/asked')).split()) > 5)
        self.lab.kill_all()
        self.result_of(process)

    def rows_in(self, database):
        return self.prod('select count(*) from t', database, self.server)

    def assert_copies(self):
        self.open()
        self.assertEqual([self.rows_in(name) for name in ('copied', 'copied2', 'prod')], ['1000', '3000', '3000'])

    def test_a_copied_database_before_a_tablespace_that_needs_another_start(self):
        self.copy_twice()
        self.late_tablespace()
        self.lose_all()
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('the copy is brought back to the backup first', result.log)
        self.assert_copies()

    def test_where_the_copy_is_kept_it_is_not_copied_again(self):
        self.data_directory = self.node.data_directory = os.path.join(self.lab.mount_disk(3000, 'disk', system='xfs'), 'data')
        self.staging = self.data_directory + '.restoring'
        self.copy_twice()
        self.late_tablespace()
        self.lose_all()
        self.configure({'pgbackrest': self.wrap_pgbackrest('[ $VERB != restore ] || echo . >>%s' % self.lab.path('log/restores'))})
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('the copy is brought back to the backup first', result.log)
        self.assertEqual(read(self.lab.path('log/restores')), '.\n')
        self.assert_copies()

    def test_a_moved_database_before_it(self):
        self.move()
        self.late_tablespace()
        self.lose_all()
        self.assert_done(self.bootstrap())
        self.open()
        self.assertEqual(self.rows_in('prod'), '1000')

    def test_a_copied_database_and_a_killed_replay(self):
        self.copy_twice()
        self.lose_all()
        self.kill_in_the_replay()
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('which gives something else the second time', result.log)
        self.assert_copies()

    def test_without_such_a_record_a_killed_replay_goes_on(self):
        self.go_on()
        self.lose_all()
        self.kill_in_the_replay()
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('the recovery goes on', result.log)

    def test_raised_limits_behind_a_copied_database(self):
        self.copy_twice()
        self.plain.server.stop()
        self.plain.start_again('max_connections = 150\nmax_prepared_transactions = 7')
        self.lose_all()
        self.assert_done(self.bootstrap())
        self.open('max_connections=150', 'max_prepared_transactions=7')
        self.assertEqual(self.rows_in('copied'), '1000')

    def test_five_tablespaces_and_raised_limits(self):
        for number in range(5):
            self.plain.sql("create tablespace t%d location '%s'" % (number, self.lab.make('t%d' % number)))
            switch_wal(self.plain)
        self.plain.server.stop()
        self.plain.start_again('max_prepared_transactions = 20')
        self.plain.sql('begin; insert into kept values (5); prepare transaction \'p\'')
        self.lose_all()
        for number in range(5):
            shutil.rmtree(self.lab.path('t%d' % number))
        self.configure(bootstrap=self.allow_prepared(20))
        self.assert_done(self.bootstrap())

    def test_a_tablespaces_directory_that_was_exchanged(self):
        self.late_tablespace()
        self.go_on()
        self.lose_all()
        self.kill_in_the_replay()
        self.assertNotEqual(os.listdir(self.places[1]), [])
        shutil.rmtree(self.places[1])
        self.lab.make('b')
        self.assert_done(self.bootstrap())
