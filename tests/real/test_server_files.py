"""Configuration that comes back, or lies outside of PGDATA, decides where PostgreSQL has its data, and whether it starts at all."""
import os
import shutil
import subprocess

import test_node
from bootstrap_case import ROWS, PlainCase, read

NO_LOCALE = 'xx_XX.UTF-8'


class ServerFiles(PlainCase, test_node.NodeCase):
    """The lost cluster's directory is back, as it was before its second batch: a server that starts there has half of the rows."""

    def setUp(self):
        super().setUp()
        self.make_source()
        self.old = self.lab.path('plain')

    def lose_with(self, lines, **files):
        """`lines` are in its postgresql.conf when it is backed up, and `files` beside that; its server has read neither."""
        before = read(self.old + '/postgresql.conf')
        self.lab.write('plain/postgresql.conf', before + lines + '\n')
        for name, text in files.items():
            self.lab.write('plain/%s.conf' % name, text + '\n')
        self.plain.back_up()
        self.plain.write_batches(1)
        self.plain.server.stop()
        subprocess.run(['cp', '-a', self.old, self.lab.path('kept')], check=True)
        self.lab.write('plain/postgresql.conf', before)
        self.plain.start_again()
        self.plain.write_batches(2)
        self.lose()
        os.rename(self.lab.path('kept'), self.old)

    def assert_serves_what_was_restored(self):
        self.node.start()
        self.node.wait_for_leader()
        self.assertEqual(self.node.sql('show data_directory'), self.data_directory)
        self.assertEqual(self.node.sql('select count(*) from kept'), str(2 * ROWS))

    def clear(self):
        self.node.stop()
        self.node.forget()
        shutil.rmtree(self.data_directory)

    def test_the_data_directory_of_the_lost_cluster(self):
        self.lose_with("data_directory = '%s'" % self.old)
        for block in (None, self.patroni_mode()):
            self.configure(block)
            self.assert_serves_what_was_restored()
            self.assertIn("data_directory = '%s' taken out of the restored postgresql.conf" % self.old, self.lab.log('node1'))
            self.assertNotIn('\ndata_directory', read(self.data_directory + '/postgresql.base.conf'))
            self.clear()

    def test_its_own_path_stays(self):
        self.lose_with("data_directory = '%s'" % self.data_directory)
        self.configure()
        self.assert_serves_what_was_restored()
        self.assertIn('\ndata_directory', read(self.data_directory + '/postgresql.base.conf'))

    def test_one_in_an_included_file_is_refused_and_the_hint_followed(self):
        self.lose_with("include 'more.conf'", more="data_directory = '%s'" % self.old)
        for block in (None, self.patroni_mode()):
            self.configure(block)
            result = self.bootstrap()
            self.assert_refused(result, 8, "data_directory is '%s' in .*/postgresql.conf" % self.old,
                                'or of the file that it includes; or set data_directory: %s in' % self.data_directory)
            self.assert_absent()
            if block:
                self.lab.write(self.staging + '/more.conf', '')
            else:
                self.configure(block, postgresql={'parameters': {'data_directory': self.data_directory}})
            result = self.bootstrap()
            self.assert_done(result)
            self.assertIn('the copy of an earlier run is complete', result.log)
            shutil.rmtree(self.data_directory)

    def test_patroni_yml_names_another(self):
        self.lose_with('')
        for block in (None, self.patroni_mode()):
            self.configure(block, postgresql={'parameters': {'data_directory': self.old}})
            hint, = self.assert_found('data-directory-setting', "data_directory is '%s' in postgresql.parameters" % self.old)
            self.assertIn('take data_directory out', hint)
        self.configure(postgresql={'parameters': {'data_directory': self.data_directory}})
        self.assert_serves_what_was_restored()

    def test_a_file_outside_of_the_data_directory_names_another(self):
        # As Debian's postgresql.conf does, which names the cluster that the package has made.
        self.lose_with('')
        outside = self.lab.make('etc')
        self.lab.write('etc/postgresql.conf', "include_dir 'conf.d'\n")
        self.lab.make('etc/conf.d')
        self.lab.write('etc/conf.d/place.conf', "data_directory = '%s'\n" % self.old)
        for block in (None, self.patroni_mode()):
            self.configure(block, postgresql={'config_dir': outside})
            self.assert_found('data-directory-setting', "data_directory is '%s' in %s/postgresql.conf" % (self.old, outside))
        self.lab.write('etc/conf.d/place.conf', '')
        self.assert_serves_what_was_restored()

    def test_a_base_file_that_the_backup_brings(self):
        # Beside what Debian's package has made on the new machine.
        self.lab.write('plain/postgresql.base.conf.backup', "include_dir 'conf.d'\n")
        self.lose_with('')
        outside = self.lab.make('etc')
        self.lab.write('etc/postgresql.conf', "data_directory = '%s'\n" % self.old)
        self.lab.make('etc/conf.d')
        self.lab.write('etc/conf.d/own.conf', 'work_mem = 5MB\n')
        self.configure(postgresql={'config_dir': outside})
        self.assert_serves_what_was_restored()
        self.assertEqual(self.node.sql('show work_mem'), '5MB')

    def test_a_locale_that_this_machine_lacks(self):
        self.lose_with("lc_messages = '%s'" % NO_LOCALE)
        self.configure()
        result = self.bootstrap()
        self.assert_refused(result, 8, 'would not start with .*/postgresql.conf: invalid value for parameter "lc_messages": "%s"' % NO_LOCALE,
                            'the next run goes on with the copy')
        self.assert_absent()
        self.configure(postgresql={'parameters': {'lc_messages': 'C'}})
        self.assert_serves_what_was_restored()
        self.assertIn('the copy of an earlier run is complete', self.lab.log('node1'))

    def test_an_included_file_that_did_not_come_along(self):
        self.lose_with("include '/nowhere/tuning.conf'\ninclude_if_exists '/nowhere/else.conf'")
        self.configure()
        result = self.bootstrap()
        self.assert_refused(result, 8, 'could not open configuration file "/nowhere/tuning.conf"', 'put right')
        self.lab.write(self.staging + '/postgresql.conf', '')
        self.assert_serves_what_was_restored()

    def test_a_file_that_will_be_in_the_data_directory(self):
        self.lose_with("include '%s/more.conf'" % self.data_directory, more='work_mem = 5MB')
        self.configure()
        self.assert_serves_what_was_restored()
        self.assertEqual(self.node.sql('show work_mem'), '5MB')
