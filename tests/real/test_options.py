"""Options that stand in pgBackRest's configuration or in the environment, and decide what a restore brings back."""
import os
import shutil

from bootstrap_case import BootstrapCase, PlainCase, PlainCluster, program, read


class OptionCase(BootstrapCase):
    def configured(self, text):
        """Adds lines to pgBackRest's configuration; the place of the last."""
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write(text)
        return '%s:%d' % (self.pgbackrest_configuration, read(self.pgbackrest_configuration).count('\n'))

    def check(self):
        return self.run_program(program(), 'check', '--patroni-config=' + self.yml)


class ConfiguredOptions(OptionCase):
    def auto_conf(self):
        return read(os.path.join(self.data_directory, 'postgresql.auto.conf'))

    def test_archive_mode_off_for_a_restore_by_hand_does_not_turn_archiving_off(self):
        place = self.configured('[global:restore]\narchive-mode=off\n')
        self.assertRegex(self.check().log, 'WARNING option-not-used: %s: archive-mode' % place)
        result = self.bootstrap()
        self.assert_done(result)
        self.assertRegex(result.log, 'WARNING: %s: archive-mode is not used' % place)
        self.assertNotIn('archive_mode', self.auto_conf())
        self.assert_complete()
        self.lab.run('sed', '-i', '/^archive-mode=/d', self.pgbackrest_configuration)
        self.assertNotIn('option-not-used', self.check().log)

    def test_a_database_that_the_file_would_leave_out_is_refused(self):
        for option in ('db-include=other', 'db-exclude=postgres'):
            place = self.configured('[demo:restore]\n%s\n' % option)
            self.assert_refused(self.bootstrap(), 2, option.replace('=', ' ') + ' would leave databases out', 'block', place)
            self.assert_absent()
            self.pgbackrest_configuration = self.lab.pgbackrest_configuration(self.data_directory, self.node.port)

    def test_a_database_that_a_variable_would_leave_out_is_refused(self):
        environment = {'PGBACKREST_DB_INCLUDE': 'other:another'}
        result = self.bootstrap(environment=environment)
        self.assert_refused(result, 2, 'db-include other, another would leave', 'block', 'PGBACKREST_DB_INCLUDE')

    def test_a_database_that_a_script_s_own_configuration_would_leave_out_is_refused(self):
        own = self.lab.write('own.conf', read(self.pgbackrest_configuration).replace('[global]\n', '[global]\ndb-exclude=postgres\n'))
        script = self.lab.write('script', '#!/bin/sh\nPGBACKREST_CONFIG=%s exec pgbackrest "$@"\n' % own, 0o755)
        self.configure({'pgbackrest': script, 'pgbackrest-config': None})
        self.assertRegex(self.check().log, 'ERROR +option-refused: .*%s restores with db-exclude' % script)
        self.assert_refused(self.bootstrap(), 2, '%s restores with db-exclude' % script, 'pgbackrest-config')
        self.assert_absent()
        self.configure({'pgbackrest': script, 'pgbackrest-config': self.pgbackrest_configuration})  # as the hint says
        self.assert_done(self.bootstrap())
        self.assert_complete()

    def test_what_the_block_says_of_databases_hides_the_file(self):
        self.configured('[global]\ndb-exclude=postgres\n')
        self.configure({'db-exclude': 'nothing_of_that_name'})
        self.assertRegex(self.bootstrap().log, 'nothing_of_that_name')

    def test_recovery_options_for_standbys_are_not_used(self):
        self.configured('recovery-option=primary_conninfo=host=10.0.0.1\nrecovery-option=restore_command=false\n'
                        'recovery-option=recovery_target_name=nowhere\n')
        self.assert_done(self.bootstrap())
        self.assertNotIn('10.0.0.1', self.auto_conf())
        self.assert_complete()

    def test_a_target_in_the_environment_is_not_used(self):
        environment = {'PGBACKREST_TYPE': 'immediate', 'PGBACKREST_TARGET': 'x', 'PGBACKREST_SET': '20200101-000000F'}
        result = self.bootstrap(environment=environment)
        self.assertRegex(result.log, 'WARNING: PGBACKREST_TYPE: type is not used')
        self.assert_done(result)
        self.assert_complete()

    def test_what_is_read_of_the_repository_does_not_depend_on_variables(self):
        environment = {'FILTER': 'nothing', 'OUTPUT': 'json', 'RAW': 'y', 'RECURSE': 'y', 'SORT': 'desc', 'IGNORE_MISSING': 'y', 'DETAIL_LEVEL': 'progress'}
        self.assert_done(self.bootstrap(environment={'PGBACKREST_' + name: value for name, value in environment.items()}))
        self.assert_complete()

    def test_a_line_that_pgbackrest_cannot_read_is_named(self):
        place = self.configured('[global\n')
        self.assert_refused(self.bootstrap(), 2, 'no section', 'correct it', place)
        self.assertRegex(self.check().log, place)

    def test_a_value_that_only_restore_would_refuse_is_found_by_check(self):
        place = self.configured('[global:restore]\nbuffer-size=7\n')
        found = self.check()
        self.assertEqual(found.code, 3)
        self.assertRegex(found.log, "ERROR +option-refused: %s: .*'7' is not allowed for 'buffer-size'" % place)
        self.lab.run('sed', '-i', 's/buffer-size=7/buffer-size=1MiB/', self.pgbackrest_configuration)
        found = self.check()
        self.assertEqual((found.code, 'option-refused' in found.log), (0, False))

    def test_an_option_that_nobody_knows_is_named(self):
        place = self.configured('restore-everything=secret\n')
        said = self.check().log
        self.assertRegex(said, "WARNING option-unknown: %s: 'restore-everything'" % place)
        self.assertNotIn('secret', said)
        self.assert_done(self.bootstrap())
        self.lab.run('sed', '-i', '/^restore-everything=/d', self.pgbackrest_configuration)
        self.assertNotIn('option-unknown', self.check().log)


class LeftOutDatabases(PlainCase):
    def test_what_was_written_there_without_checksums_cannot_be_replayed(self):
        """VACUUM sets a bit in a page and logs no image of it, since no checksum changes."""
        self.make_source('', 'create database other;create database half')
        self.plain.server.stop()
        self.lab.run('pg_checksums', '--disable', '-N', '-D', self.plain.server.data_directory)
        self.plain.start_again()
        port = self.plain.server.port
        self.lab.psql(port, 'create table many as select generate_series(1, 5000) as n', 'other')
        self.plain.back_up()
        self.lab.psql(port, 'vacuum many', 'other')
        self.plain.write_batches(1)
        self.lose()
        for said in ('the WAL changes pages of a database that db-include or db-exclude leaves out', 'nothing has changed since'):
            self.assert_refused(self.bootstrap('--db-include=half'), 7, said, 'leave db-include and db-exclude out')
        self.assert_done(self.bootstrap())
        self.open()
        self.assertEqual(self.lab.psql(self.server.port, 'select count(*) from many', 'other').strip(), '5000')


class ConfiguredPlaces(OptionCase):
    def setUp(self):
        super().setUp()
        shutil.rmtree(self.repository)
        self.space = self.lab.make('space')
        cluster = PlainCluster(self.lab, self.repository)
        os.rename(os.path.join(cluster.server.data_directory, 'pg_wal'), self.lab.path('wal'))
        os.symlink(self.lab.path('wal'), os.path.join(cluster.server.data_directory, 'pg_wal'))
        cluster.start()
        cluster.sql("create tablespace space location '%s'" % self.space)
        cluster.sql('create table elsewhere tablespace space as select 1')
        cluster.back_up()
        cluster.sql('insert into elsewhere values (2)')
        cluster.lose()
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(self.data_directory, self.node.port)
        for name in ('wal', 'space'):
            shutil.rmtree(self.lab.path(name))
            self.lab.make(name)

    def assert_restored_to(self, place):
        self.open()
        self.assertEqual(self.sql("select pg_tablespace_location(oid) from pg_tablespace where spcname = 'space'"), place)
        self.assertEqual(self.sql('select count(*) from elsewhere'), '2')

    def test_tablespaces_go_where_the_file_maps_all_of_them(self):
        place = self.configured('tablespace-map-all=%s\n' % self.lab.make('all'))
        self.assertIn('tablespace-map-all = %s (%s)' % (self.lab.path('all'), place), self.check().log)
        self.assert_done(self.bootstrap())
        self.assert_restored_to(self.lab.path('all/space'))

    def test_a_mapped_directory_that_holds_something_is_refused(self):
        self.configured('[demo:restore]\ntablespace-map=space=%s\n' % self.lab.make('other'))
        self.lab.write('other/mine', 'x')
        self.assert_refused(self.bootstrap(), 9, 'other is not empty')
        self.assertEqual(os.listdir(self.lab.path('other')), ['mine'])

    def test_the_block_hides_what_the_file_maps(self):
        self.configured('[demo:restore]\ntablespace-map=space=%s\n' % self.lab.make('other'))
        self.configure({'tablespace-map': {'space': self.lab.make('block')}})
        self.assert_done(self.bootstrap())
        self.assert_restored_to(self.lab.path('block'))

    def test_the_more_special_section_counts(self):
        self.configured('tablespace-map=space=%s\n[global:restore]\ntablespace-map=space=%s\n' % (
            self.lab.make('stanza'), self.lab.make('global')))
        self.assert_done(self.bootstrap())
        self.assert_restored_to(self.lab.path('stanza'))

    def test_a_variable_hides_the_file(self):
        self.configured('tablespace-map=space=%s\n' % self.lab.make('stanza'))
        self.assert_done(self.bootstrap(environment={'PGBACKREST_TABLESPACE_MAP': 'space=' + self.lab.make('variable')}))
        self.assert_restored_to(self.lab.path('variable'))

    def test_an_included_file_counts(self):
        self.lab.make('conf.d')
        self.lab.write('conf.d/restore.conf', '[demo]\ntablespace-map=space=%s\n' % self.lab.make('included'))
        self.configure({'config-include-path': self.lab.path('conf.d')})
        self.assert_done(self.bootstrap())
        self.assert_restored_to(self.lab.path('included'))

    def test_links_that_the_file_restores_are_places_of_the_restore(self):
        self.configured('link-all=y\n')
        self.lab.write('wal/mine', 'x')
        self.assert_refused(self.bootstrap(), 9, 'wal is not empty')
        os.remove(self.lab.path('wal/mine'))
        self.assert_done(self.bootstrap())
        self.assertEqual(os.readlink(os.path.join(self.data_directory, 'pg_wal')), self.lab.path('wal'))
        self.assert_restored_to(self.space)
