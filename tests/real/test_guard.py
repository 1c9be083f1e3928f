"""Errors of the archive in the middle of a replay: a retry, then an end, never a cluster that is silently short.

PostgreSQL takes every exit code of restore_command up to 125 for the end of the archive and promotes what it has.
"""
import contextlib
import fcntl
import os
import shutil

from bootstrap_case import BATCHES, BootstrapCase, wait_until
from lab import read
from test_patroni import UnderPatroni


class ArchiveErrors(BootstrapCase):
    def assert_refused_for_good(self, code, answer):
        result = self.bootstrap('--pgbackrest=' + self.failing_pgbackrest(7, code), '--retry=1', '--retry-wait=0')
        self.assert_refused(result, answer, 'archive-get of %s failed: .*%d' % (self.source.segments[7], code))
        self.assert_absent()
        self.assert_nothing_runs()
        self.assert_resumes()

    def assert_survived(self, code):
        wrapped = self.failing_pgbackrest(7, code, '[ $(count) -le 2 ]')
        result = self.bootstrap('--pgbackrest=' + wrapped, '--retry=3', '--retry-wait=0')
        self.assert_done(result)
        self.assertRegex(result.log, 'WARNING: .*%d.*trying again' % code)
        self.assertGreater(len(read(self.lab.path('log/calls'))), 2)
        self.assert_complete()

    def test_file_open_error_for_good(self):
        self.assert_refused_for_good(41, 5)

    def test_file_open_error_for_a_while(self):
        self.assert_survived(41)

    def test_unreachable_host_for_good(self):
        self.assert_refused_for_good(49, 6)

    def test_unreachable_host_for_a_while(self):
        self.assert_survived(49)

    def test_held_lock_for_good(self):
        self.assert_refused_for_good(82, 6)

    def test_held_lock_for_a_while(self):
        self.assert_survived(82)

    def test_crypto_error_for_good(self):
        self.assert_refused_for_good(95, 5)

    def test_crypto_error_for_a_while(self):
        self.assert_survived(95)

    def test_error_of_every_repository_for_good(self):
        self.assert_refused_for_good(103, 6)

    def test_error_of_every_repository_for_a_while(self):
        self.assert_survived(103)

    def test_an_error_with_a_target_ends_the_recovery_as_well(self):
        wrapped = self.failing_pgbackrest(6, 103)
        result = self.bootstrap('--pgbackrest=' + wrapped, '--retry=0', '--type=time', '--target=' + self.target('time', 9))
        self.assertEqual(result.code, 6, result.log)
        self.assert_absent()

    def test_an_error_for_a_history_file_never_chooses_a_timeline_twice(self):
        self.assert_done(self.bootstrap('--type=time', '--target=' + self.target('time', 5)))
        self.open()  # archives 00000002.history
        self.sql('select pg_switch_wal()')
        self.server.stop()
        os.rename(self.data_directory, self.data_directory + '.before')
        wrapped = self.wrap_pgbackrest('''if [ $VERB = archive-get ] && [[ $* = *.history* ]]; then
  echo "ERROR: [049]: raised by the test" >&2; exit 49
fi''')
        result = self.bootstrap('--pgbackrest=' + wrapped, '--retry=0', '--report=' + self.lab.path('report'))
        self.assertEqual(result.code, 6, result.log)
        self.assert_absent()


class FailingAhead:
    """WAL is fetched ahead, and the asynchronous process meets the errors before anybody asks."""

    environment = None

    def wrap_pgbackrest(self, body, ahead=True):
        return super().wrap_pgbackrest(body, ahead)

    def failing_pgbackrest(self, batch, code, condition='true'):
        """What is asked for without the spool fails as ever, and until that succeeds so does the asynchronous process."""
        self.environment = self.asynchronous('''words=() early=() late=()
for word; do
  if [[ $word != 0000* ]]; then words+=("$word")
  elif [[ $word < %s ]]; then early+=("$word")
  else late+=("$word"); fi
done
if [ ${#late[@]} != 0 ] && [ ! -e %s ]; then
  [ ${#early[@]} = 0 ] || $REAL "${words[@]}" "${early[@]}"
  mkdir -p $IN
  printf '%d\\nraised by the test' >$IN/$late.error
  echo $late >>%s
  exit 0
fi''' % (self.source.segments[batch], self.lab.path('log/passed'), code, self.lab.path('log/failed-ahead')))
        return self.wrap_pgbackrest('''if [[ "$*" = *--no-archive-async* ]] && [ ${#SEGMENT} = 24 ] && [[ ! $SEGMENT < %s ]]; then
  if %s; then
    echo "ERROR: [%03d]: raised by the test" >&2; exit %d
  fi
  touch %s
fi''' % (self.source.segments[batch], condition, code, code, self.lab.path('log/passed')))

    def assert_failed_ahead(self, log):
        self.assertTrue(os.path.exists(self.lab.path('log/failed-ahead')))
        self.assertIn('raised by the test', log)


class AsynchronousArchiveErrors(FailingAhead, ArchiveErrors):
    """The answers are the same."""

    def bootstrap(self, *arguments, **options):
        result = super().bootstrap(*arguments, **{'environment': self.environment, **options})
        if self.environment:
            self.assert_failed_ahead(result.log)
            self.environment = None  # the next one meets none
        return result


class AsynchronousArchiveErrorsInPatroniMode(FailingAhead, UnderPatroni):
    def start_with(self, failing):
        self.configure({**self.patroni_mode(), 'pgbackrest': failing, 'retry': 3, 'retry-wait': 0})
        self.node.start(self.environment)

    def test_for_good(self):
        self.start_with(self.failing_pgbackrest(7, 49))
        self.node.wait_for_end()
        self.assert_failed_ahead(self.lab.log('node1'))
        self.assert_absent()
        self.assertRegex(self.lab.log('node1'), 'ERROR: archive-get of %s failed' % self.source.segments[7])

    def test_for_a_while(self):
        self.start_with(self.failing_pgbackrest(7, 49, '[ $(count) -le 2 ]'))
        self.node.wait_for_leader()
        self.assert_failed_ahead(self.lab.log('node1'))
        self.assert_back(BATCHES)
        self.assert_no_spool()


class AsynchronousArchiveGet(BootstrapCase):
    """Before 2.59 two asynchronous processes can be in each other's way: one holds the lock and does not fetch the
    segment, the other one would, and dies of the lock. archive-get waits for it in vain, and ends with 82."""

    def test_a_segment_that_no_asynchronous_process_fetches_is_fetched_without(self):
        asked, free_to_ask = self.lab.path('log/asked'), self.lab.path('free')
        process = self.start_bootstrap('--retry=0', '--pgbackrest=' + self.wrap_pgbackrest(
            '[ ${#SEGMENT} != 24 ] || { touch %s; until [ -e %s ]; do sleep .1; done; }' % (asked, free_to_ask), ahead=True))
        wait_until('the first segment to be asked for', lambda: os.path.exists(asked))
        with self.locked('demo-archive.lock'), self.locked('demo-archive-1.lock'):
            self.lab.write(free_to_ask, '')
            self.wait_for_log('was not delivered asynchronously|exit code|is ready for Patroni', 90)
        self.assert_done(self.result_of(process, 90))
        self.assertNotIn('trying again', self.lab.log('bootstrap'))
        self.assert_complete()

    @contextlib.contextmanager
    def locked(self, name):
        """The lock of asynchronous processes, held by this one; later versions have one for each repository."""
        with open(self.lab.write(self.staging + '.d/pgbackrest-lock/' + name, ''), 'w', encoding='utf-8') as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class OtherWal(BootstrapCase):
    """PostgreSQL takes a segment of another cluster for the end of the WAL, whatever restore_command answers then."""

    def deliver_other(self, unless='false'):
        last = self.source.segments[BATCHES]
        return '--pgbackrest=' + self.wrap_pgbackrest('[ "$VERB $SEGMENT" != "archive-get %s" ] || %s || { cp %s "${@: -1}"; exit; }' % (
            last, unless, self.of_another_cluster(self.archived(last))))

    def test_from_the_spool_it_is_fetched_again_past_it(self):
        result = self.bootstrap(self.deliver_other('[[ $* = *--no-archive-async* ]]'))
        self.assert_done(result)
        self.assertRegex(result.log, 'WARNING: the WAL segment that was delivered as %s is of another cluster: .*: fetched again, past'
                         % self.source.segments[BATCHES])
        self.assert_complete()

    def test_from_the_archive_it_ends_the_recovery(self):
        result = self.bootstrap(self.deliver_other(), '--retry=0')
        self.assert_refused(result, 5, '%s is of another cluster: its system identifier is 506381209866536711, and this cluster' %
                            self.source.segments[BATCHES], 'bring an intact copy of this cluster')
        self.assert_absent()
        self.assert_nothing_runs()


class DamagedArchives(BootstrapCase):
    def test_a_damaged_record_ends_a_restore_to_the_latest_point(self):
        self.damage_wal(7)
        self.assert_refused(self.bootstrap(), 7, 'a WAL record before it is damaged', 'type lsn')
        self.assert_absent()
        self.assert_nothing_runs()

    def test_a_damaged_record_ends_a_restore_to_a_later_target(self):
        self.damage_wal(7)
        result = self.bootstrap('--type=time', '--target=' + self.target('time', 9))
        self.assert_refused(result, 7, 'a damaged WAL record ended the replay before the target time', 'nearest point is LSN 0/')
        self.assert_absent()

    def test_a_damaged_record_after_the_target_does_not_matter(self):
        self.damage_wal(9)
        self.assert_done(self.bootstrap('--type=time', '--target=' + self.target('time', 7)))
        self.assert_complete(7)

    def test_a_missing_segment_is_found_before_anything_is_copied(self):
        os.remove(self.archived(self.source.segments[7]))
        self.assert_refused(self.bootstrap(), 4, 'WAL segment %s is missing' % self.source.segments[7], 'type lsn')
        self.assert_absent()
        self.assertFalse(os.path.exists(self.staging))

    def test_a_push_that_was_killed_is_no_segment(self):
        # What a primary leaves that dies while it archives.
        last = self.archived(self.source.segments[BATCHES])
        directory, name = os.path.split(last)
        following = '%024X' % (int(name[:24], 16) + 9)
        shutil.copy(last, os.path.join(directory, following + name[24:] + '.pgbackrest.tmp'))
        self.assert_done(self.bootstrap())
        self.assert_complete()

    def test_a_missing_segment_after_the_target_does_not_matter(self):
        os.remove(self.archived(self.source.segments[9]))
        self.assert_done(self.bootstrap('--type=lsn', '--target=' + self.target('lsn', 7)))
        self.assert_complete(7)

    def test_a_segment_that_disappears_during_the_replay_ends_it(self):
        victim = self.archived(self.source.segments[9])
        # Gone at the first archive-get, before asynchronous fetching has begun.
        asked, gone = self.lab.path('log/asked'), self.lab.path('gone')
        process = self.start_bootstrap('--retry=1', '--retry-wait=0', '--pgbackrest=' + self.wrap_pgbackrest(
            '[ $VERB != archive-get ] || { touch %s; until [ -e %s ]; do sleep .05; done; }' % (asked, gone)))
        wait_until('the first archive-get', lambda: os.path.exists(asked))
        os.remove(victim)
        self.lab.write(gone, '')
        self.assert_refused(self.result_of(process, 120), 4, '%s was in the archive when the restore was planned' % self.source.segments[9])
        self.assert_absent()
