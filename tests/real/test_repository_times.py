"""Times: what the WAL says counts, not when a file was uploaded; what a hint offers works."""
import os
import shutil
import time

from bootstrap_case import PlainCase, read, wait_until
from lab import descendants, send
from repository_case import Cluster, RepositoryCase


class CopiedRepositories(RepositoryCase):
    def test_a_time_on_the_newer_timeline(self):
        self.situation('two_timelines')
        self.touch_all()
        self.assert_rows_of(self.bootstrap('--type=time', '--target=' + self.time_of(20)), 1, 2, 20, timeline=3)

    def test_latest(self):
        self.situation('two_timelines')
        self.touch_all()
        self.assert_rows_of(self.bootstrap(), 1, 2, 20, 21, timeline=3)

    def test_an_orphan_beside_the_newer_timeline(self):
        self.situation('failover')
        self.assert_same_refusal('--type=time', '--target=' + self.time_of(3), said='several branches hold the time|timeline 1.*timeline 2')

    def test_a_backup_on_an_abandoned_branch(self):
        self.situation('backup_on_abandoned_branch')
        self.assert_same_refusal(said='timeline 2')
        self.assert_rows_of(self.again('--set=' + self.label('alpha')), 1, 2, 20, 21, timeline=3)

    def test_a_backup_on_an_abandoned_timeline(self):
        self.situation('three_branches')
        self.assert_same_refusal(said='timeline [34]')
        self.assert_rows_of(self.again('--set=' + self.label('alpha')), 1, 2, 40, timeline=5)

    def assert_same_refusal(self, *options, said):
        """From the original, and from a copy that lost the files' times."""
        self.assert_refuses(self.bootstrap(*options), 4, said)
        self.touch_all()
        self.assert_refuses(self.again(*options), 4, said)

    def test_three_timelines_of_which_two_were_abandoned(self):
        self.situation('three_branches')
        for touch in (lambda: None, self.touch_all):
            touch()
            self.assert_rows_of(self.again('--set=' + self.label('alpha')), 1, 2, 40, timeline=5)
            self.assert_rows_of(self.again('--set=' + self.label('alpha'), '--type=time', '--target=' + self.time_of(30)), 1, 30, timeline=5)


class EndOfTheBackup(RepositoryCase):
    def setUp(self):
        super().setUp()
        self.situation('busy')

    def test_the_second_in_which_the_newest_backup_ended_is_the_older_sets(self):
        for fraction in ('', '.999'):
            self.assert_rows_of(self.again('--type=time', '--target=%s%s+00' % (self.stop_second('second'), fraction)), 1, 2, 3)

    def test_the_next_second_is_the_newest_sets(self):
        result = self.bootstrap('--type=time', '--target=%s+00' % self.stop_second('second', 1))
        self.assert_rows_of(result, 1, 2, 3)
        self.assertIn(self.label('second'), result.log)

    def test_the_second_in_which_the_only_backup_ended_is_refused_with_a_point_that_works(self):
        hint = self.assert_refuses(self.bootstrap('--type=time', '--target=%s+00' % self.stop_second('alpha')), 4, self.label('alpha'))
        self.assert_points_work(hint, '', at_least=1)

    def test_the_window_does_not_begin_in_that_second(self):
        told = self.check().log
        self.assertRegex(told, 'restorable from: ' + self.stop_second('alpha', 1))


class IdleDatabases(RepositoryCase):
    def test_a_time_behind_the_last_commit_is_refused_with_a_point_that_works(self):
        self.situation('lost')
        target = ['--type=time', '--target=' + self.facts['idle']]
        hint = self.assert_refuses(self.bootstrap(*target), 4, 'commit')
        self.assert_points_work(hint, '1 2', '1 2 3', at_least=1)

    def test_check_says_it(self):
        self.situation('lost')
        result = self.check('--type=time', '--target=' + self.facts['idle'])
        self.assertRegex(result.log, '(?i)(warning|error).*last commit')

    def test_nearest_takes_the_last_commit(self):
        self.situation('lost')
        self.configure({'nearest': True})
        result = self.bootstrap('--type=time', '--target=' + self.facts['idle'])
        self.assert_rows_of(result, 1, 2, 3)
        self.assertIn('last commit', result.log)


class OnlyAnAbort(RepositoryCase):
    def make_only_an_abort(self):
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').write(1).back_up('alpha')
        time.sleep(1.2)
        self.facts['before'] = alpha.now()
        time.sleep(1.2)
        alpha.sql('begin; insert into kept values (99); rollback')
        alpha.switch()
        alpha.crash().remove()

    def test_it_ends_the_replay_to_a_time_before_it(self):
        self.situation('only_an_abort')
        target = '--type=time', '--target=' + self.facts['before']
        self.assert_rows_of(self.bootstrap(*target), 1)
        self.assert_rows_of(self.again(*target, '--nearest'), 1)


class BehindTheLastRecordOfASegment(PlainCase):
    """PostgreSQL ends a replay to an LSN at the first record behind it, which may be in a later segment."""

    switch = "select pg_switch_wal() from pg_create_restore_point('something to switch behind')"

    def written_around(self, *statements, options=()):
        """Runs the statements between batches 2 and 3; what the first of them gives."""
        self.make_source('', '', *options)
        self.plain.write_batches(1, 2)
        lsn = [self.plain.sql(statement) for statement in statements][0]
        self.plain.write_batches(3, 4)
        self.lose()
        return lsn

    def assert_restored_before_batch_3(self, result):
        self.assert_done(result)
        self.assert_complete(2)

    def test_an_lsn_behind_a_segment_switch_is_reached_in_the_next_segment(self):
        lsn = self.written_around(self.switch)
        self.assert_restored_before_batch_3(self.bootstrap('--type=lsn', '--target=' + lsn))

    def test_nearest_does_not_take_an_lsn_behind_a_segment_switch_for_the_end(self):
        lsn = self.written_around(self.switch)
        self.assert_restored_before_batch_3(self.bootstrap('--type=lsn', '--target=' + lsn, '--nearest'))

    def test_an_lsn_inside_of_a_record_that_crosses_segments_is_reached_behind_that(self):
        lsn = self.written_around('select pg_current_wal_insert_lsn()',
                                  "select pg_logical_emit_message(false, 'x', repeat('x', 3 << 20))",
                                  options=['--wal-segsize=1'])
        inside = '0/%X' % (int(lsn.split('/')[1], 16) + (64 << 10))
        self.assert_restored_before_batch_3(self.bootstrap('--type=lsn', '--target=' + inside, '--nearest'))


class LastSegments(RepositoryCase):
    def test_the_last_segment_saved_from_the_dead_primary_is_replayed(self):
        self.situation('saved_tail')
        self.assert_rows_of(self.bootstrap(), 1, 2)

    def test_what_fails_behind_its_end_is_no_damaged_record_that_lasts(self):
        self.situation('saved_tail')
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        send(19, wait_until('the checkpointer', lambda: [pid for pid, command in descendants(process.pid).items()
                                                         if 'postgres: checkpointer' in command]))
        self.wait_for_log('archive recovery complete')
        postmaster = int(read(self.staging + '/postmaster.pid').split('\n')[0])
        send(9, [postmaster, *descendants(postmaster)])
        self.assert_refused(self.result_of(process), 7, 'PostgreSQL was killed by signal 9 during the replay', 'the next run continues')
        self.assert_rows_of(self.bootstrap(), 1, 2)

    def test_so_it_is_with_the_remains_of_an_older_segment_at_its_end(self):
        # PostgreSQL takes old segments for new ones and leaves in them what it does not overwrite.
        self.situation('saved_tail')
        self.put_remains(self.facts['batches']['2']['segment'], self.facts['batches']['1']['segment'])
        self.assert_rows_of(self.bootstrap(), 1, 2)

    def put_remains(self, segment, older):
        path, = self.in_archive(segment + '-*')
        content, remains = (self.content(name) for name in (path, self.in_archive(older + '-*')[0]))
        end = len(content.rstrip(b'\0')) // 8192 * 8192 + 8192
        # The older one ends with a switch, and zeros: what stands before it is put there again and again.
        used = remains[:len(remains.rstrip(b'\0')) // 8192 * 8192]
        filled = content[:end] + (used * (len(content) // len(used) + 1))[:len(content) - end]
        self.lab.write('filled', '')
        with open(self.lab.path('filled'), 'wb') as file:
            file.write(filled)
        checksum = self.lab.run('sha1sum', self.lab.path('filled')).split()[0]
        os.remove(path)
        self.lab.run('cp', self.lab.path('filled'), os.path.join(os.path.dirname(path), '%s-%s' % (segment, checksum)))

    def content(self, path):
        with open(path, 'rb') as file:
            raw = file.read()
        if path.endswith('.gz'):
            import gzip
            return gzip.decompress(raw)
        return raw


class EveryForm(RepositoryCase):
    """Plans read the WAL in whatever form the repository has it."""

    def assert_last_commit_is_found(self, *batches):
        self.assert_refuses(self.bootstrap('--type=time', '--target=2099-01-01 00:00:00+00'), 4, 'last commit')
        self.assert_rows_of(self.again('--type=time', '--target=2099-01-01 00:00:00+00', '--nearest'), *batches)

    def test_each_compression(self):
        self.situation('compressed')
        for last in (5, 4, 3, 2, 1):
            segment = self.facts['batches'][str(last)]['segment']
            later = [path for path in self.in_archive('000000010000000000??????-*') if os.path.basename(path)[:24] > segment]
            if later:
                self.lab.run('rm', *later)
            shutil.rmtree(self.data_directory, ignore_errors=True)
            if getattr(self, 'server', None):
                self.server.stop()
            self.forget_failure()
            self.assert_last_commit_is_found(*range(1, last + 1))

    def test_an_encrypted_repository(self):
        encrypted = '[global]\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=secret of the repository\n'
        text = read(self.pgbackrest_configuration)
        self.lab.write(os.path.basename(self.pgbackrest_configuration), text.replace('[global]\n', encrypted, 1))
        self.empty_repository()
        self.facts = {'identifiers': {}, 'backups': {}, 'batches': {}}
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha')
        alpha.write(1, 2).stop().remove()
        self.assert_last_commit_is_found(1, 2)

    def test_segments_of_one_megabyte(self):
        self.situation('small_segments')
        self.assert_last_commit_is_found(1, 2, 20, 21)
        self.assert_rows_of(self.again('--type=time', '--target=' + self.time_of(20)), 1, 2, 20)
