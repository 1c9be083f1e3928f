"""The copy: where it goes, what stops it, and how the next run goes on."""
import ctypes
import glob
import json
import mmap
import os
import shutil

from bootstrap_case import BootstrapCase, read, wait_until
from lab import send


def pages_in_memory(path):
    """How many pages of a file the kernel holds, read or written, and how many it has (mincore)."""
    size = os.path.getsize(path)
    pages = -(-size // mmap.PAGESIZE)
    if not pages:
        return 0, 0
    seen = (ctypes.c_ubyte * pages)()
    with open(path, 'rb') as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as mapped:
        start = ctypes.c_char.from_buffer(mapped)
        answer = ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(size), seen)
        del start
    if answer != 0:
        raise OSError('mincore: ' + path)
    return sum(page & 1 for page in seen), pages


class DataDirectories(BootstrapCase):
    def assert_restores(self):
        self.assert_done(self.bootstrap())
        self.assert_nothing_runs()
        self.assert_complete()

    def test_an_empty_data_directory_is_used(self):
        self.lab.make('data')
        self.assert_restores()

    def test_dotfiles_and_lost_and_found_stay_where_they_are(self):
        self.lab.make('data')
        self.lab.make('data', 'lost+found')
        self.lab.write('data/.keep', 'mine')
        self.assert_restores()
        self.assertEqual(read(self.lab.path('data/.keep')), 'mine')
        self.assertTrue(os.path.isdir(self.lab.path('data/lost+found')))

    def test_a_symbolic_link_stays_a_link(self):
        self.lab.make('disk')
        os.symlink(self.lab.path('disk'), self.data_directory)
        self.assert_restores()
        self.assertTrue(os.path.islink(self.data_directory))

    def test_a_mount_point_is_filled_entry_by_entry(self):
        self.lab.mount_tmpfs(800, 'data')
        self.assert_restores()
        self.assertTrue(os.path.ismount(self.data_directory))

    def put_back(self, *kept):
        """As an interruption in the hand-over leaves it: all but what is named is in the staging directory again."""
        self.staging = self.data_directory + '/.restoring'
        self.lab.give(self.lab.make(self.staging), 0o700)
        for name in os.listdir(self.data_directory):
            if not name.startswith('.') and name not in kept:
                os.rename(os.path.join(self.data_directory, name), os.path.join(self.staging, name))
        self.edit_journal(phase='handing over')

    def edit_journal(self, **values):
        path = self.staging + '.d/journal.json'
        journal = json.loads(read(path))
        journal.update(values)
        with open(path, 'w') as file:
            json.dump(journal, file)
        return journal

    def test_half_a_hand_over_is_undone_and_done_again(self):
        self.lab.mount_tmpfs(800, 'data')
        self.assert_done(self.bootstrap())
        self.put_back('PG_VERSION', 'base', 'pg_wal')
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('what is in %s goes back' % self.data_directory, result.log)
        self.assertNotIn('pgbackrest: restore', result.log)
        self.assert_complete()

    def test_a_hand_over_that_never_began_is_worth_nothing_when_the_archive_went_on(self):
        self.lab.mount_tmpfs(800, 'data')
        self.assert_done(self.bootstrap())
        self.put_back()
        journal = self.edit_journal()
        self.edit_journal(asked=dict(journal['asked'], last_segment=self.source.segments[7]))
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('the archive has newer WAL: only its files are used', result.log)
        self.assert_complete()

    def test_a_parent_that_is_not_writable_is_no_obstacle(self):
        self.lab.make('parent')
        self.data_directory = self.node.data_directory = self.lab.make('parent', 'data')
        self.staging = self.data_directory + '/.restoring'
        self.configure()
        os.chmod(self.lab.path('parent'), 0o555)
        self.assert_restores()

    def test_a_data_directory_with_anything_in_it_is_refused_untouched(self):
        self.lab.make('data')
        self.lab.write('data/notes.txt', 'somebody needs this')
        self.assert_refused(self.bootstrap(), 9, 'data directory .* is not empty: notes.txt is in it', 'move it away')
        self.assertEqual(os.listdir(self.data_directory), ['notes.txt'])
        self.assertFalse(os.path.exists(self.staging))

    def test_a_staging_directory_that_is_not_ours_is_refused_untouched(self):
        self.lab.make('data.restoring')
        self.lab.write('data.restoring/notes.txt', 'somebody needs this')
        self.assert_refused(self.bootstrap(), 9, 'staging directory .* is not ours', 'move it away')
        self.assertEqual(os.listdir(self.staging), ['notes.txt'])

    def test_a_second_instance_waits_for_the_first_and_finds_its_work_done(self):
        slow = self.wrap_pgbackrest('[ $VERB != restore ] || sleep 2')
        first = self.start_bootstrap('--pgbackrest=' + slow)
        wait_until('the copy to begin', lambda: os.path.exists(self.staging))
        second = self.bootstrap()
        self.assert_done(self.result_of(first))
        self.assertEqual(second.code, 9, second.log)
        self.assert_complete()

    def test_the_source_s_dynamic_configuration_stays_beside_the_data_directory(self):
        self.assert_done(self.bootstrap())
        self.assert_finished()  # patroni.dynamic.json is not in it
        kept = [name for name in glob.glob(self.lab.path('data.restoring.d/*')) if 'dynamic' in name]
        self.assertEqual(len(kept), 1, os.listdir(self.lab.directory))


class BrokenRepositories(BootstrapCase):
    def assert_fails(self, code, message, hint='.', *options):
        self.assert_refused(self.bootstrap(*options), code, message, hint)
        self.assert_absent()
        self.assert_nothing_runs()

    def test_a_stanza_that_does_not_exist_is_named(self):
        self.assert_fails(4, 'stanza nosuch is not in the repository', 'pgbackrest info lists', '--stanza=nosuch')

    def test_a_repository_without_a_backup_is_refused(self):
        shutil.rmtree(self.repository)
        self.lab.run('initdb', '-D', self.lab.path('empty'), '-N')
        self.lab.run('pgbackrest', '--config=' + self.pgbackrest_configuration, '--stanza=demo', '--no-online',
                     '--pg1-path=' + self.lab.path('empty'), 'stanza-create')
        self.assert_fails(4, 'stanza demo has no valid backup|no backup')

    def test_a_wrong_passphrase_is_refused(self):
        self.lab.pgbackrest_configuration(self.data_directory, settings={
            'repo1-cipher-type': 'aes-256-cbc', 'repo1-cipher-pass': 'wrong'})
        self.assert_fails(5, 'stanza demo in repo1 cannot be decrypted', 'repo1-cipher-pass')

    def test_a_repository_that_cannot_be_read_is_named_and_works_again_with_the_right_permissions(self):
        os.chmod(self.repository, 0)
        try:
            result = self.bootstrap()
        finally:
            os.chmod(self.repository, 0o700)
        self.assert_refused(result, 5, 'stanza demo in repo1 cannot be read: .*Permission denied', 'let the user .* read')
        self.assert_absent()
        self.assert_resumes()

    def test_a_repository_that_is_not_there_is_named(self):
        os.rename(self.repository, self.repository + '.away')
        self.assert_fails(4, 'stanza demo is not in the repository', "is the repository's path the right one, and mounted")

    def test_a_corrupt_file_in_the_backup_fails_the_copy(self):
        victim = max(glob.glob(self.repository + '/backup/demo/*F/pg_data/base/*/*.gz'), key=os.path.getsize)
        with open(victim, 'r+b') as file:
            file.seek(os.path.getsize(victim) // 2)
            file.write(b'\xff' * 64)
        self.assert_fails(5, r'restore of backup set .* failed: pgbackrest exited with code \d+ \((format|checksum)\)', 'another backup set')

    def test_a_disk_without_room_for_the_backup_is_refused_before_the_copy(self):
        self.data_directory = self.node.data_directory = os.path.join(self.lab.mount_tmpfs(10, 'disk'), 'data')
        self.configure()
        self.assert_refused(self.bootstrap(), 3, r'backup set .* has \d+ MB, and .*/disk has room for \d+ MB', 'make room')
        self.assert_absent()

    def test_a_full_disk_fails_the_copy_and_leaves_no_data_directory(self):
        disk = self.lab.mount_tmpfs(120, 'disk')
        self.data_directory = self.node.data_directory = os.path.join(disk, 'data')
        self.staging = self.data_directory + '.restoring'
        filling = self.wrap_pgbackrest('[ $VERB != restore ] || fallocate -l 110M %s.d/pgbackrest-lock/filler' % self.staging)
        self.configure({'pgbackrest': filling})
        result = self.bootstrap()
        self.assert_refused(result, 11, r'code \d+ \((file-write|path-create|file-open)\).*No space left', 'make room')
        self.assert_absent()
        self.assert_nothing_runs()


class InterruptedCopies(BootstrapCase):
    def setUp(self):
        super().setUp()
        self.lab.write('gate', '')

    def start_copy(self):
        """Starts a bootstrap whose pgbackrest was stopped (SIGSTOP) in the middle of the copy; its process number."""
        slow = self.wrap_pgbackrest('''if [ $VERB = restore ] && [ -e %s ]; then
  pgbackrest "$@" & copy=$!
  trap 'kill -TERM $copy; wait $copy; exit' TERM
  until [ "$(find %s -type f 2>/dev/null | wc -l)" -gt 200 ]; do sleep .01; done
  kill -STOP $copy; echo $copy >%s
  wait $copy; status=$?
  [ $status -lt 128 ] || kill -$((status - 128)) $$
  exit $status
fi''' % (self.lab.path('gate'), self.staging, self.lab.path('log/copy.pid')))
        self.process = self.start_bootstrap('--pgbackrest=' + slow, '--process-max=1')
        copy = int(wait_until('the copy to be in its middle', lambda: read(self.lab.path('log/copy.pid')).strip()))
        os.remove(self.lab.path('gate'))
        return copy

    def test_pgbackrest_killed_in_the_copy_is_started_again_and_continues(self):
        send(9, [self.start_copy()])
        result = self.result_of(self.process)
        self.assert_done(result)
        self.assertRegex(result.log, r'(?i)delta|remove invalid files')  # pgBackRest's own words on a resumed restore
        self.assert_complete()

    def test_the_program_killed_in_the_copy_takes_pgbackrest_with_it_and_the_next_run_continues(self):
        copy = self.start_copy()
        send(9, [self.process.pid])
        send(18, [copy])
        self.assert_absent()
        self.assertTrue(os.path.exists(self.staging))
        result = self.bootstrap()  # ends pgBackRest's workers, which go on until their file is copied
        self.assert_nothing_runs()
        self.assert_done(result)
        self.assertRegex(result.log, r'restore command begin.*--delta')
        self.assertRegex(result.log, r'remove invalid files')
        self.assert_complete()

    def test_another_request_after_an_interrupted_one_gets_its_own_result(self):
        copy = self.start_copy()
        send(15, [self.process.pid])
        send(18, [copy])
        self.assertEqual(self.result_of(self.process).code, 143)
        self.assert_resumes('--type=time', '--target=' + self.target('time', 2), batches=2)

    def assert_ended_by(self, number, code):
        copy = self.start_copy()
        send(number, [self.process.pid])
        send(18, [copy])
        result = self.result_of(self.process, 10)
        self.assertEqual(result.code, code, result.log)
        self.assert_nothing_runs()
        self.assert_resumes()

    def test_sigterm_in_the_copy_ends_everything_and_the_next_run_continues(self):
        self.assert_ended_by(15, 143)

    def test_sigint_in_the_copy_ends_everything_and_the_next_run_continues(self):
        self.assert_ended_by(2, 130)

    def test_sighup_in_the_copy_ends_everything_and_the_next_run_continues(self):
        self.assert_ended_by(1, 129)


class FailedWrites(BootstrapCase):
    """pgBackRest flushes where no filter can be set, and is told of a page that could not be written, which the kernel tells once."""

    def setUp(self):
        super().setUp()
        self.disk = self.lab.mount_disk(600, 'disk')
        self.lie_on(self.disk)
        self.configure()

    def part_in_memory(self):
        held = [pages_in_memory(path) for path in glob.glob(self.staging + '/base/*/*') if os.path.isfile(path)]
        return sum(one[0] for one in held) / sum(one[1] for one in held)

    def test_after_a_flush_that_failed_delta_compares_what_is_on_the_disk(self):
        copied, opened = self.lab.path('log/copied'), self.lab.path('log/opened')
        failing = self.wrap_pgbackrest("""if [ $VERB = restore ]; then
  pgbackrest "$@" || exit
  touch %s
  until [ -e %s ]; do sleep .05; done
  echo "P00  ERROR: [052]: unable to sync file '%s/base/1/1259': [5] Input/output error"
  exit 52
fi""" % (copied, opened, self.staging))
        process = self.start_bootstrap('--pgbackrest=' + failing)
        wait_until('the copy', lambda: os.path.exists(copied))
        self.lab.run_as_root('sync', '-f', self.disk)  # what waits to be written cannot be forgotten
        self.assertGreater(self.part_in_memory(), 0.9)
        self.lab.write('log/opened', '')
        self.assert_refused(self.result_of(process), 11, 'unable to sync file', 'dmesg')
        self.assertLess(self.part_in_memory(), 0.1)
        self.assert_absent()
        self.assert_done(self.bootstrap())
        self.assert_complete()


class RefusedCalls(BootstrapCase):
    """A call of pgBackRest's, or of ours, is refused as a machine does it that comes back: the hint says what to see to, and the next
    run continues."""

    DISK = 'look at the kernel.s log .dmesg. and at the disk of what is named; the next run continues'
    AWAY = 'bring the file system of what is named back; the next run continues'
    FILES = "raise the host's limit of open files .sysctl fs.file-max."

    def refusing(self, call, error, path):
        """A pgbackrest whose restore is refused this call on this file."""
        return self.wrap_pgbackrest('[ $VERB != restore ] || exec strace -f -o %s -P %s -e trace=%s -e inject=%s:error=%s pgbackrest "$@"' % (
            self.lab.path('log/strace'), path, call, call, error))

    def assert_refused_once(self, result, code, said, hint):
        self.assert_refused(result, code, said, hint)
        self.assert_absent()
        self.assert_nothing_runs()
        self.assertFalse(json.loads(read(self.staging + '.d/failure.json'))['lasts'])
        self.assert_resumes()

    def test_a_disk_that_fails_while_it_is_written_to(self):
        result = self.bootstrap('--retry=0', '--pgbackrest=' + self.refusing('write', 'EIO', self.staging + '/PG_VERSION'))
        self.assert_refused_once(result, 11, "PG_VERSION'.*Input/output error", self.DISK)

    def test_a_file_system_that_is_away_while_it_is_written_to(self):
        result = self.bootstrap('--retry=0', '--pgbackrest=' + self.refusing('write', 'ESTALE', self.staging + '/PG_VERSION'))
        self.assert_refused_once(result, 11, "PG_VERSION'.*Stale file handle", self.AWAY)

    def test_a_disk_of_the_repository_that_fails(self):
        file, = glob.glob(self.repository + '/backup/demo/%s/pg_data/PG_VERSION.gz' % self.source.full_backup)
        result = self.bootstrap('--retry=0', '--pgbackrest=' + self.refusing('read', 'EIO', file))
        self.assert_refused_once(result, 6, "PG_VERSION.gz'.*Input/output error", self.DISK)

    def test_a_machine_without_a_file_for_pgbackrest(self):
        result = self.bootstrap('--retry=0', '--pgbackrest=' + self.refusing('openat', 'ENFILE', self.staging + '/PG_VERSION'))
        self.assert_refused_once(result, 11, "PG_VERSION'.*Too many open files in system", self.FILES)

    def test_a_machine_without_a_file_for_the_program(self):
        lock = self.staging + '.d/lock'
        result = self.run_program('strace', '-f', '-b', 'execve', '-o', self.lab.path('log/strace'), '-P', lock,
                                  '-e', 'trace=openat', '-e', 'inject=openat:error=ENFILE', *self.command())
        self.assert_refused(result, 11, 'lock: Too many open files in system', self.FILES)
        self.assert_resumes()

    def test_a_connection_that_breaks_while_it_is_written_to(self):
        result = self.bootstrap('--retry=0', '--pgbackrest=' + self.wrap_pgbackrest(
            '[ $VERB != restore ] || { echo "ERROR: [064]: unable to write to nas:8432: [32] Broken pipe" >&2; exit 64; }'))
        self.assert_refused_once(result, 6, 'unable to write to nas:8432: .*Broken pipe',
                                 'bring the repository back; the next run continues where this one stopped')
