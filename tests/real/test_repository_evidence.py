"""What the repository itself proves to have been there is in the result, or its absence is said."""
import json
import os
import re
import shutil
import signal
import time

from bootstrap_case import read, wait_until
from repository_case import Cluster, RepositoryCase


class Evidence(RepositoryCase):
    def begun(self, *batches, initdb=()):
        self.empty_repository()
        self.facts = {'identifiers': {}, 'backups': {}, 'batches': {}}
        return Cluster(self, 'alpha').create(*initdb).begin('stanza-create', 'alpha').back_up('alpha').write(*batches)

    def begun_at(self, last_segment, *initdb):
        """Its backup begins in the segment behind that one."""
        self.empty_repository()
        self.facts = {'identifiers': {}, 'backups': {}, 'batches': {}}
        alpha = Cluster(self, 'alpha').create(*initdb).stop()
        self.lab.run('pg_resetwal', '-l', last_segment, '-D', alpha.data_directory)
        return alpha.start().begin('stanza-create', 'alpha').back_up('alpha')

    def psql(self, cluster, *statements):
        self.lab.run('psql', '-X', '-h', self.lab.directory, '-p', str(cluster.server.port), '-U', 'postgres', '-v', 'ON_ERROR_STOP=1',
                     *[word for statement in statements for word in ('-c', statement)])

    def rehearsed(self):
        """Alpha lives on, batch 3, beside a copy that was opened elsewhere and archived its timeline 2."""
        alpha = self.begun(1, 2)
        copy = Cluster(self, 'copy').restore(*self.to(1))
        copy.wait_archived('00000002.history')
        copy.stop().remove()
        time.sleep(1.1)
        return alpha.write(3)


class Holes(Evidence):
    """Segments at the end of the archive that are not there, though something shows that they were."""

    def test_before_the_fork_of_a_clean_switchover(self):
        self.situation('switchover')
        self.remove_from_archive(self.facts['batches']['2']['segment'] + '-*')
        self.assert_refuses(self.bootstrap(), 4, self.facts['batches']['2']['segment'])
        self.configure({'nearest': True})
        self.assert_refuses(self.again('--type=time', '--target=' + self.time_of(2)), 4)

    def test_in_the_wal_of_a_newer_backup(self):
        alpha = self.begun(1, 2).back_up('second').write(3)
        alpha.crash().remove()
        segment = self.facts['batches']['2']['segment']
        later = [path for path in self.in_archive('0000000100000000*-*') if os.path.basename(path)[:24] > segment]
        self.lab.run('rm', *later)
        self.assert_refuses(self.bootstrap(), 4, self.label('second'))
        self.assert_refuses(self.again('--set=' + self.label('alpha')), 4, 'missing')

    def test_before_the_partial_segment_of_the_parent_that_is_asked_for(self):
        old = self.begun(1)
        new = old.standby('new')
        old.write(2).write(3, archive=False)
        new.wait_replayed('3')
        new.promote()
        old.crash().remove()
        new.crash().remove()
        self.remove_from_archive(self.facts['batches']['2']['segment'] + '-*')
        self.assert_refuses(self.bootstrap('--target-timeline=1'), 4, 'missing')


class LivingBranches(Evidence):
    def test_a_rehearsal_s_timeline_is_not_the_latest(self):
        self.rehearsed().stop().remove()
        self.assert_refuses(self.bootstrap(), 4, 'timeline 1', 'timeline 2', 'target-timeline')
        self.assert_rows_of(self.again('--target-timeline=1'), 1, 2, 3)

    def test_an_orphan_s_backup_is_not_taken_by_itself(self):
        self.situation('orphan_backup')
        for options in (['--type=immediate'], ['--target-timeline=latest'], ['--target-timeline=current']):
            self.assert_refuses(self.again(*options), 4, 'timeline 2')

    def test_a_timeline_that_archives_its_first_segment_during_the_replay_is_alive(self):
        old = self.begun(1)
        new = old.standby('new')
        old.write(2, archive=False)
        new.wait_replayed('2')
        old.stop().remove()
        new.promote()
        self.configure({'pgbackrest': self.slow_pgbackrest()})
        process = self.start_bootstrap()
        wait_until('the replay to begin', lambda: read(self.lab.path('log/asked')))
        new.write(20)
        result = self.result_of(process)
        new.crash()
        self.assertEqual(result.code, 9, result.log[-3000:])


class InterruptedRestores(RepositoryCase):
    """What an earlier run left is gone on with only where the plan is still the same."""

    def make_dropped(self):
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha')
        alpha.sql('create table gone (x int)')
        alpha.write(1, 2)
        time.sleep(1.2)
        alpha.sql('drop table gone')
        alpha.write(3)
        for _ in range(3):
            alpha.sql('checkpoint')
            alpha.switch()
        alpha.stop().remove()

    def make_went_on_elsewhere(self):
        self.situation('dropped')
        Cluster(self, 'alpha').restore(*self.to(2)).write(20, 21).stop().remove()

    def test_a_timeline_that_came_meanwhile_left_before_what_was_replayed(self):
        self.situation('dropped')
        self.configure({'pgbackrest': self.slow_pgbackrest()})
        process = self.start_bootstrap()
        segment = self.facts['batches']['3']['segment']
        behind = '%s%08X' % (segment[:16], int(segment[16:], 16) + 3)
        wait_until('the replay behind the later fork', lambda: behind in read(self.lab.path('log/asked')))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.result_of(process).code, 143)
        self.situation('went_on_elsewhere')
        self.configure()
        result = self.bootstrap()
        self.assert_rows_of(result, 1, 2, 20, 21)
        self.assertIn('an earlier run followed timeline 1, and the plan is timeline 2, from 1 at', result.log)

    def test_what_somebody_restored_there_meanwhile_is_not_taken_for_it(self):
        self.situation('lost')
        options = '--type=time', '--target=' + self.time_of(2)
        self.assert_done(self.bootstrap(*options))
        # As if it had been killed before the renaming, and somebody had removed the staging directory.
        journal = self.staging + '.d/journal.json'
        self.lab.write(journal, json.dumps({**json.loads(read(journal)), 'phase': 'handing over'}))
        shutil.rmtree(self.data_directory)
        self.lab.make('data')
        self.lab.run('pgbackrest', '--config=' + self.pgbackrest_configuration, '--stanza=demo', '--type=immediate', 'restore')
        self.assert_refused(self.bootstrap(*options), 9, 'is not empty')
        shutil.rmtree(self.data_directory)
        self.assert_rows_of(self.bootstrap(*options), 1, 2)


class Numbers(Evidence):
    def test_a_new_timeline_is_never_below_one_that_is_known(self):
        self.situation('two_timelines')
        for _ in range(2):
            time.sleep(1.1)
            Cluster(self, 'alpha').restore(*self.to(1)).write(30).stop().remove()
        self.remove_from_archive('00000003*')
        self.assert_refuses(self.bootstrap('--target-timeline=2'), 4, 'timeline 3')


class Histories(Evidence):
    def test_what_a_restore_to_a_point_before_a_fork_made_can_be_restored(self):
        # PostgreSQL names the timeline that it followed as the parent, though that one left later.
        self.situation('two_timelines')
        self.assert_done(self.bootstrap('--type=lsn', '--target=' + self.facts['batches']['1']['lsn']))
        self.open()
        restored = Cluster(self, 'restored')
        restored.server, restored.sql = self.server, self.server.sql
        restored.write(60)
        self.server.stop()
        shutil.rmtree(self.data_directory)
        self.assert_rows_of(self.again(), 1, 60)


class Times(Evidence):
    def no_orphans(self):
        self.remove_from_archive(self.fork_segment(1) + '-*', self.fork_segment(1, 1) + '-*')

    def test_shortly_before_a_failover(self):
        # Batch 2 is in the new timeline's first segment alone.
        self.situation('failover')
        self.no_orphans()
        self.assert_rows_of(self.bootstrap('--type=time', '--target=' + self.time_of(2)), 1, 2)
        self.configure({'nearest': True})
        self.assert_rows_of(self.again('--type=time', '--target=' + self.time_of(2)), 1, 2)

    def test_before_an_abort_that_nothing_follows(self):
        alpha = self.begun(1, 2)
        time.sleep(1.1)
        at = alpha.now()
        time.sleep(1.1)
        self.psql(alpha, 'begin', 'insert into kept values (9)', 'rollback')
        alpha.switch()
        alpha.stop().remove()
        self.assert_rows_of(self.bootstrap('--type=time', '--target=' + at), 1, 2)


class Nearest(Evidence):
    def test_a_prepared_transaction_behind_the_last_commit_is_kept(self):
        self.begun().stop().remove()
        self.empty_repository()
        alpha = Cluster(self, 'alpha').create().stop().start('max_prepared_transactions=5')
        alpha.begin('stanza-create', 'alpha').back_up('alpha').write(1)
        self.psql(alpha, 'begin', 'insert into kept values (2)', "prepare transaction 'p'")
        at = alpha.now()
        alpha.sql('checkpoint')
        alpha.switch()
        alpha.crash().remove()
        self.configure({'nearest': True}, bootstrap=self.allow_prepared(5))
        self.assert_done(self.bootstrap('--type=time', '--target=' + at))
        self.open('archive_mode=off', 'max_prepared_transactions=5')
        self.assertEqual(self.sql('select count(*) from pg_prepared_xacts'), '1')

    def test_nothing_is_nearest_while_another_branch_goes_on(self):
        alpha = self.rehearsed()
        at = alpha.now()
        alpha.stop().remove()
        self.configure({'nearest': True})
        self.assert_refuses(self.bootstrap('--type=time', '--target=' + at), 4, 'target-timeline')


class Sizes(Evidence):
    def test_segments_of_64_megabytes(self):
        self.begun(1, 2, initdb=['--wal-segsize=64']).stop().remove()
        self.assert_rows_of(self.bootstrap(), 1, 2)

    def test_a_last_record_that_is_longer_than_a_segment(self):
        alpha = self.begun(1, 2, initdb=['--wal-segsize=1'])
        alpha.sql("select pg_logical_emit_message(false, 'x', repeat('x', 3000000))")
        archived = alpha.sql('select last_archived_wal from pg_stat_archiver')
        wait_until('another segment to be archived', lambda: alpha.sql('select last_archived_wal from pg_stat_archiver') > archived)
        alpha.crash().remove()
        self.assert_rows_of(self.bootstrap(), 1, 2)

    def test_a_backup_that_begins_at_a_multiple_of_4_gigabytes(self):
        # The name of its first segment is the same for every size.
        for megabytes, last in ((16, 'FF'), (64, '3F')):
            with self.subTest(megabytes):
                self.begun_at('0000000100000000000000' + last, '--wal-segsize=%d' % megabytes).write(1, 2).stop().remove()
                backup, = json.loads(self.lab.run('pgbackrest', '--config=' + self.pgbackrest_configuration, '--stanza=demo',
                                                  '--output=json', 'info'))[0]['backup']
                self.assertEqual(backup['archive']['start'], '000000010000000100000000')
                self.assert_rows_of(self.again(), 1, 2, timeline=2)
                self.assert_rows_of(self.again('--type=lsn', '--target=' + self.facts['batches']['1']['lsn']), 1, timeline=2)
                self.assert_rows_of(self.again('--type=immediate'), timeline=2)


class RestorePoints(Evidence):
    def test_several_of_one_name_behind_the_only_backup_are_not_guessed(self):
        alpha = self.begun(1)
        for batch in (2, 3):
            alpha.sql("select pg_create_restore_point('before the release')")
            alpha.write(batch)
        alpha.sql("select pg_create_restore_point('once')")
        alpha.write(4).stop().remove()
        options = '--type=name', '--target=before the release'
        result = self.bootstrap(*options)
        self.assert_refuses(result, 2, 'several restore points are called before the release', 'name a backup set with set')
        places = re.findall(r'([0-9A-F]+/[0-9A-F]+) \(WAL segment', result.problems()[0][0])
        self.assertEqual(len(places), 2)
        for place, batches in zip(places, ((1,), (1, 2))):
            self.assert_rows_of(self.again('--type=lsn', '--target=' + place), *batches)
        self.assert_rows_of(self.again('--set=' + self.label('alpha'), *options), 1)
        self.assert_rows_of(self.again('--type=name', '--target=once'), 1, 2, 3)
        self.assert_refuses(self.again('--type=name', '--target=never'), 4, 'the target name never is nowhere in the WAL', 'target-timeline')
