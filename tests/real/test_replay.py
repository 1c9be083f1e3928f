"""Standalone replay: interrupted at its worst moments, and with a restored configuration that would disturb it."""
import glob
import os
import re
import shutil

from bootstrap_case import BootstrapCase, PlainCase, Server, read, wait_until
from lab import descendants, send
from source_cluster import PlainCluster


class InterruptedReplays(BootstrapCase):
    def start_replay(self, *options):
        """Starts a bootstrap and returns when the private server has replayed some segments, slowly."""
        self.process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest(), *options)
        self.wait_for_replay_of(7)

    def private_server(self, title):
        """The process number of one of the private PostgreSQL's processes."""
        found = [pid for pid, command in descendants(self.process.pid).items() if re.search(title, command)]
        self.assertEqual(len(found), 1, descendants(self.process.pid))
        return found[0]

    def postmaster(self):
        return int(read(self.staging + '/postmaster.pid').split('\n')[0])

    def assert_ended(self, *codes):
        result = self.result_of(self.process, 30)
        self.assertIn(result.code, codes, result.log)
        self.assert_absent()
        self.assert_nothing_runs(tidied=result.code != -9)
        return result

    def test_the_private_server_killed_in_the_replay(self):
        self.start_replay()
        postmaster = self.postmaster()
        send(9, [postmaster, *descendants(postmaster)])
        result = self.assert_ended(7)
        self.assert_refused(result, 7, 'PostgreSQL was killed by signal 9 during the replay', 'the next run continues')
        self.assert_resumes()

    def test_the_startup_process_killed_in_the_replay(self):
        self.start_replay()
        send(9, [self.private_server('postgres: startup')])
        self.assert_ended(7)
        self.assert_resumes()

    def test_the_private_server_killed_in_the_end_of_recovery_checkpoint(self):
        # recovery.signal is gone by then: started again as it is, the server would replay all local WAL past the target.
        self.start_replay('--type=time', '--target=' + self.target('time', 9))
        checkpointer = self.private_server('postgres: checkpointer')
        send(19, [checkpointer])  # so that the checkpoint never ends
        self.wait_for_log('archive recovery complete')
        postmaster = self.postmaster()
        send(9, [postmaster, *descendants(postmaster)])
        self.assert_ended(7)
        self.assertFalse(os.path.exists(self.staging + '/recovery.signal'))
        self.assert_resumes('--type=time', '--target=' + self.target('time', 9), batches=9)

    def test_sigterm_in_the_replay(self):
        self.start_replay()
        self.process.terminate()
        self.assert_ended(143)
        self.assert_resumes()

    def test_sigint_in_the_replay(self):
        self.start_replay()
        self.process.send_signal(2)
        self.assert_ended(130)
        self.assert_resumes()

    def test_the_program_killed_in_the_replay(self):
        self.start_replay()
        self.process.kill()
        self.assert_ended(-9)
        self.assert_resumes()

    def test_the_program_killed_in_the_replay_and_another_target_asked_for(self):
        self.start_replay()
        self.process.kill()
        self.assert_ended(-9)
        self.assert_resumes('--type=time', '--target=' + self.target('time', 4), batches=4)

    def test_a_full_disk_in_the_replay(self):
        disk = self.lab.mount_tmpfs(120, 'disk')  # enough for the copy and some segments
        self.lie_on(disk)
        self.configure()
        result = self.bootstrap()
        self.assert_refused(result, 11, 'the disk of .*/disk/data.restoring is full')
        self.assert_absent()
        self.assert_nothing_runs()


class PowerFailures(BootstrapCase):
    """Pages that were written without fsync are lost; pg_control and the files that prove a replay happen to be kept."""

    def setUp(self):
        super().setUp()
        self.disk = self.lab.mount_disk(600, 'disk')
        self.lie_on(self.disk)

    def cut_power(self):
        self.lab.kill_all()
        self.assert_nothing_runs(tidied=False)
        self.lab.run_as_root('sync', self.staging + '/global/pg_control', *glob.glob(self.staging + '/pg_wal/0*'))
        self.lab.cut_power(self.disk)

    def assert_checked_again(self):
        self.assert_absent()
        result = self.bootstrap()
        self.assert_done(result)
        self.assert_complete()
        self.assertIn('its copy is checked against the backup first', result.log)

    def cut_when_pgbackrest_is(self, condition):
        """Cuts it when the copy is so far, as seen in the staging directory, and pgbackrest was stopped there."""
        self.lab.write('gate', '')
        self.configure({'pgbackrest': self.wrap_pgbackrest('''if [ $VERB = restore ] && [ -e %s ]; then
  cd %s
  pgbackrest "$@" & copy=$!
  until %s; do sleep .01; done
  kill -STOP $copy 2>/dev/null; touch %s
  sleep 600
fi''' % (self.lab.path('gate'), self.staging, condition, self.lab.path('log/reached')))})
        process = self.start_bootstrap('--process-max=1')
        wait_until('the moment in the copy', lambda: os.path.exists(self.lab.path('log/reached')))
        os.remove(self.lab.path('gate'))
        self.lab.kill_all()
        self.assert_nothing_runs(tidied=False)
        self.lab.run_as_root('sync', *[name for name in glob.glob(self.staging + '/*') if os.path.isfile(name)])  # it happens to be kept
        self.lab.cut_power(self.disk)
        self.result_of(process)
        self.assert_absent()

    def assert_restored_by_the_next_run(self):
        result = self.bootstrap()
        self.assert_done(result)
        self.assert_complete()
        return result

    def test_in_the_copy(self):
        self.cut_when_pgbackrest_is('[ "$(find . -type f | wc -l)" -gt 200 ]')
        self.assert_restored_by_the_next_run()

    def test_when_the_copy_is_complete(self):
        self.cut_when_pgbackrest_is('[ -e global/pg_control ]')
        self.assert_restored_by_the_next_run()

    def test_when_the_copy_was_noted_as_complete(self):
        """The files that say so are kept, and most of the others are not."""
        slow = self.wrapped_binaries('postgres', 'case " $* " in *" -D "*) kill -9 $PPID; sleep 600 ;; esac\nexec %s "$@"\n' % (
            os.path.join(self.lab.bin_directory, 'postgres')))
        self.configure(postgresql={'bin_dir': slow})
        self.assertEqual(self.bootstrap().code, -9)
        self.assertRegex(read(self.staging + '.d/journal.json'), '"(copied|replaying)"')
        self.cut_power()
        self.configure()
        self.assert_checked_again()

    def test_in_the_replay(self):
        self.configure()
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        self.wait_for_replay_of(7)
        self.cut_power()
        self.result_of(process)
        self.assert_checked_again()

    def test_in_a_replay_of_what_was_fetched_ahead(self):
        self.disk = self.lab.mount_disk(2500, 'large')  # so that the queue holds all that is planned
        self.lie_on(self.disk)
        self.configure()
        process = self.lab.start('bootstrap', *self.command('--pgbackrest=' + self.wrap_pgbackrest('', ahead=True)),
                                 environment=self.held_in_the_spool(7))
        self.wait_for_what_is_held()
        self.lab.kill_all()
        self.zero_in_the_spool()
        self.cut_power()
        self.result_of(process)
        self.assert_checked_again()

    def test_after_the_replay(self):
        journal = self.staging + '.d/journal.json'
        self.configure(postgresql={'bin_dir': self.wrapped_binaries('pg_controldata', """grep -q recovered %s && kill -9 $PPID
exec %s "$@"
""" % (journal, os.path.join(self.lab.bin_directory, 'pg_controldata')))})
        self.assertEqual(self.bootstrap().code, -9)
        self.assertIn('"recovered"', read(journal))
        self.cut_power()
        self.configure()
        self.assert_checked_again()


class DisturbingConfigurations(PlainCase):
    """What stands in the restored postgresql.conf and postgresql.auto.conf has no force during the replay."""

    def test_an_archive_command_set_by_alter_system_never_runs_before_the_hand_over(self):
        self.make_source(after_start="alter system set archive_command = 'touch %s/archived-by-auto-conf'" % self.lab.directory)
        targets = self.plain.write_batches(1, 2, 3)
        self.lose()
        self.assert_done(self.bootstrap('--type=time', '--target=' + targets[2]['time']))
        self.assert_complete(2)
        self.assertFalse(os.path.exists(self.lab.path('archived-by-auto-conf')))
        self.assertIn('archived-by-auto-conf', read(self.data_directory + '/postgresql.auto.conf'))

    def test_killed_between_the_end_of_the_replay_and_its_tidying(self):
        self.make_source(after_start="alter system set work_mem = '7MB'")
        targets = self.plain.write_batches(1, 2, 3)
        self.lose()
        target = ('--type=time', '--target=' + targets[2]['time'])
        armed = self.lab.write('armed', '')
        self.configure(postgresql={'bin_dir': self.wrapped_binaries('pg_controldata', r"""told=$(%s "$@") || exit
if [ -e %s ] && [[ $told =~ state:\ *shut\ down$'\n' && $told =~ TimeLineID:\ *2$'\n' ]]; then
  rm %s
  kill -9 $PPID
fi
echo "$told"
""" % (os.path.join(self.lab.bin_directory, 'pg_controldata'), armed, armed))})
        self.assertEqual(self.bootstrap(*target).code, -9)
        self.assertTrue(os.path.exists(self.staging + '/patroni_pgbackrest.ticket'))
        self.assert_done(self.bootstrap(*target))
        self.assert_complete(2)
        self.assertIn("work_mem = '7MB'", read(self.data_directory + '/postgresql.auto.conf'))

    def test_a_stale_target_of_another_type_does_not_matter(self):
        self.make_source("recovery_target_name = 'of last year'\nrestore_command = '/bin/false'")
        targets = self.plain.write_batches(1, 2, 3)
        self.lose()
        self.assert_done(self.bootstrap('--type=time', '--target=' + targets[2]['time']))
        self.open()
        self.assert_rows(2)

    def test_a_transaction_is_named_with_its_epoch(self):
        self.repository = self.lab.path('plain-repo')
        self.plain = PlainCluster(self.lab, self.repository)
        self.lab.run('pg_resetwal', '-e', '1', '-D', self.plain.server.data_directory)
        self.plain.start()
        self.plain.back_up()
        xid = int(self.plain.write_batches(1, 2, 3)[2]['xid'])
        self.assertEqual(xid >> 32, 1)
        self.lose()
        for epoch in (2, 7):
            self.assert_refused(self.bootstrap('--type=xid', '--target=%d' % (xid + (epoch - 1 << 32))), 4,
                                'is of epoch %d, and the WAL of timeline 1 begins near xid [0-9]+, of epoch 1' % epoch, 'that pg_current_xact_id')
        self.assert_done(self.bootstrap('--type=xid', '--target=%d' % xid))
        self.open()
        self.assert_rows(2)

    def test_libraries_and_files_that_this_host_does_not_have_do_not_matter(self):
        self.make_source()
        with open(self.lab.path('plain', 'postgresql.conf'), 'a', encoding='utf-8') as file:
            file.write("shared_preload_libraries = 'not_installed_here'\nhba_file = '/nowhere/pg_hba.conf'\n"
                       "listen_addresses = '192.0.2.1'\nport = 1\nlc_messages = 'xx_XX'\nshared_buffers = '900TB'\n")
        self.plain.write_batches(1)
        self.plain.back_up()
        targets = self.plain.write_batches(2, 3)
        self.lose()
        self.assert_done(self.bootstrap('--type=lsn', '--target=' + targets[2]['lsn']))
        self.assert_finished()

    def test_max_connections_and_max_prepared_transactions_raised_after_the_backup(self):
        self.make_source('max_connections = 20\nmax_prepared_transactions = 1')
        self.plain.server.stop()
        self.plain.start_again('max_connections = 300\nmax_prepared_transactions = 250')
        for number in range(180):
            self.plain.sql("begin; insert into kept values (0); prepare transaction 'p%d'" % number)
        self.plain.write_batches(1, 2)
        self.lose()
        self.configure(bootstrap=self.allow_prepared(250))
        self.assert_done(self.bootstrap())
        self.assert_finished()
        self.open('max_connections=300', 'max_prepared_transactions=250')
        self.assert_rows(2, doomed=False)
        self.assertEqual(self.sql('select count(*) from pg_prepared_xacts'), '180')

    def test_wal_of_wal_level_minimal_is_refused_and_the_point_before_it_is_reached(self):
        # PostgreSQL 13 replays it with a warning: what was made and filled meanwhile would be there without its rows.
        self.make_source()
        self.plain.write_batches(1, 2)
        self.plain.server.stop()
        self.plain.server.start('archive_mode=off', 'wal_level=minimal', 'max_wal_senders=0')
        self.plain.sql('create table filled as select generate_series(1, 1000)')
        self.plain.server.stop()
        self.plain.start_again()
        self.plain.write_batches(3)
        self.lose()
        result = self.bootstrap()
        self.assert_refused(result, 7, 'the WAL was written with wal_level minimal', 'with type lsn and target 0/')
        before = re.search('with type lsn and target ([0-9A-F]+/[0-9A-F]+)', result.log).group(1)
        high, low = before.split('/')
        # The first record from there on is the one that says so, and is not replayed.
        self.assert_done(self.bootstrap('--type=lsn', '--target=%s/%X' % (high, int(low, 16) + 8), '--target-exclusive'))
        self.assert_finished()
        shutil.rmtree(self.data_directory)
        self.assert_done(self.bootstrap('--type=lsn', '--target=' + before))
        self.assert_complete(2)

    def test_more_replication_origins_than_the_default_allows(self):
        # As a subscriber has them: 11 in the backup, and 4 more in the WAL behind it.
        major = int(os.path.basename(os.path.dirname(self.lab.bin_directory)))
        allowed = '%s=20' % ('max_replication_slots' if major < 18 else 'max_active_replication_origins')
        make = ("select pg_replication_origin_create('o' || i) from generate_series(%d, %d) i;"
                "select pg_replication_origin_advance('o' || i, ('0/' || i)::pg_lsn) from generate_series(%d, %d) i")
        self.make_source(allowed, make % (1, 11, 1, 11))
        for statement in (make % (12, 15, 12, 15)).split(';'):
            self.plain.sql(statement)
        self.plain.write_batches(1, 2)
        self.lose()
        if major < 18:
            # Patroni starts PostgreSQL with its own limit.
            self.assert_refused(self.bootstrap(), 3, '15 replication origins are in use .* max_replication_slots 10',
                                'set max_replication_slots to 15 or more in bootstrap.dcs.postgresql.parameters')
            self.assert_absent()
            self.configure(bootstrap={'dcs': {'postgresql': {'parameters': {'max_replication_slots': 15}}}})
        self.assert_done(self.bootstrap())
        self.assert_finished()
        self.open(allowed)
        self.assert_rows(2, doomed=False)
        self.assertEqual(self.sql("select string_agg(substr(external_id, 2) || ' ' || remote_lsn, ',' order by local_id) "
                                  'from pg_replication_origin_status'), ','.join('%d 0/%d' % (i, i) for i in range(1, 16)))

    def test_a_standby_made_by_hand_follows_the_new_timeline(self):
        # A hot standby with lower limits than its primary's WAL says pauses for ever, or ends (13).
        self.make_source('max_connections = 17\nmax_prepared_transactions = 2\nmax_worker_processes = 3\nmax_wal_senders = 4')
        self.plain.write_batches(1)
        self.lose()
        self.assert_done(self.bootstrap())
        limits = ['max_connections=17', 'max_prepared_transactions=2', 'max_worker_processes=3', 'max_wal_senders=4']
        self.open(*limits)
        self.sql('insert into kept select 2 from generate_series(1, 1000)')
        segment = self.sql('select pg_walfile_name(pg_switch_wal())')
        wait_until('it to be archived', lambda: self.sql(
            "select last_archived_wal >= '%s' from pg_stat_archiver" % segment) == 't')
        standby = Server(self.lab, self.lab.make('standby'), 'standby')
        self.lab.run('pgbackrest', '--config=' + self.pgbackrest_configuration, '--stanza=demo', '--type=standby',
                     '--pg1-path=' + standby.data_directory, 'restore')
        standby.start('hot_standby=on', *limits)
        wait_until('the standby to follow', lambda: standby.sql('select count(*) from kept where batch = 2') == '1000', 30)
        standby.stop()

    def test_limits_of_the_source_are_those_of_the_new_timeline(self):
        self.make_source('wal_level = logical\nwal_log_hints = off\nmax_connections = 5\nsuperuser_reserved_connections = 1')
        self.plain.write_batches(1)
        self.lose()
        self.assert_done(self.bootstrap())
        control = self.control_data()
        wanted = {'wal_level': 'logical', 'wal_log_hints': 'off', 'max_connections': '5', 'max_prepared_xacts': '0'}
        self.assertEqual({name: control[name + ' setting'] for name in wanted}, wanted)

    def test_commit_timestamps_are_kept(self):
        self.make_source('track_commit_timestamp = on')
        self.plain.write_batches(1, 2)
        self.lose()
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('track_commit_timestamp is not on in bootstrap.dcs: PostgreSQL erases all of them', result.log)
        self.open('track_commit_timestamp=on')
        self.assertEqual(self.sql('select count(*) from kept where pg_xact_commit_timestamp(xmin) is null'), '0')

    def test_segments_of_one_megabyte(self):
        self.make_source('', '', '--wal-segsize=1')
        targets = self.plain.write_batches(1, 2, 3, 4, 5)
        self.lose()
        self.assert_done(self.bootstrap('--type=lsn', '--target=' + targets[4]['lsn']))
        self.assert_complete(4)


class Tablespaces(PlainCase):
    def make_source(self, *options):
        self.lab.make('space')
        super().make_source('', "create tablespace space location '%s'; create table elsewhere tablespace space as select 1"
                            % self.lab.path('space'))
        self.targets = self.plain.write_batches(1, 2)
        self.lose()

    def test_a_tablespace_comes_back_to_its_place(self):
        self.make_source()
        os.rename(self.lab.path('space'), self.lab.path('space.lost'))
        self.assert_done(self.bootstrap())
        self.assert_complete(2, doomed=False)
        self.assertEqual(self.sql('select count(*) from elsewhere'), '1')

    def test_a_tablespace_comes_back_to_another_place(self):
        self.make_source()
        self.configure({'tablespace-map': {'space': self.lab.make('other')}})
        self.assert_done(self.bootstrap())
        self.assert_complete(2, doomed=False)
        self.assertEqual(self.sql("select pg_tablespace_location(oid) from pg_tablespace where spcname = 'space'"),
                         self.lab.path('other'))

    def test_killed_before_pgbackrest_has_written_its_manifest(self):
        # It makes tablespaces first, and takes what it finds there for somebody's without one.
        self.make_source()
        os.rename(self.lab.path('space'), self.lab.path('space.lost'))
        half = self.lab.path('space', os.listdir(self.lab.path('space.lost'))[0], '77')
        pgbackrest = self.wrap_pgbackrest('''if [ $VERB = restore ] && [ $(count) = 1 ]; then
  mkdir -p %s/pg_tblspc %s
  echo half >%s/1259
  kill -9 $PPID
fi''' % (self.staging, half, half))
        self.assertEqual(self.bootstrap('--pgbackrest=' + pgbackrest).code, -9)
        self.assert_done(self.bootstrap())
        self.assert_complete(2, doomed=False)
        self.assertEqual(self.sql('select count(*) from elsewhere'), '1')
        self.assertFalse(os.path.exists(half))

    def test_a_tablespace_directory_with_anything_in_it_is_refused_untouched(self):
        self.make_source()
        os.rename(self.lab.path('space'), self.lab.path('space.lost'))
        self.lab.make('space')
        self.lab.write('space/notes.txt', 'somebody needs this')
        self.assert_refused(self.bootstrap(), 9, 'space is not empty', 'tablespace-map')
        self.assertEqual(os.listdir(self.lab.path('space')), ['notes.txt'])
        self.assert_absent()
