"""What the program starts may fail, die, hang, or say half of what it should: an exit code of the table, and a next run that is right.

LAB_ALL_CHILDREN=1 tests/real/run -k test_children.Pgbackrest runs every phase with every way to fail; otherwise a sample that has each
phase and each way.
"""
import os
import re

from bootstrap_case import BATCHES, BootstrapCase, PlainCase, program, read, wait_until
from lab import descendants, exit_codes, send
from rehearsal_case import RehearsalCase

PHASES = {  # of a bootstrap: what pgbackrest is asked for
    'version': '[ $VERB = version ]',
    'info': '[ $VERB = info ]',
    'repo_ls': '[ $VERB = repo-ls ]',
    'repo_get': '[ $VERB = repo-get ]',
    'restore': '[ $VERB = restore ]',
    'restore_in_the_middle': '[ $VERB = restore ]',
    'archive_get': '[ $VERB = archive-get ] && [ ${#SEGMENT} = 24 ]',
}
WAYS = {  # an exit code of pgBackRest's or of nobody, a signal, and success without what was asked for
    'unknown_error': 'echo "ERROR: [122]: raised by the test" >&2; exit 122',
    'exit_1': 'exit 1',
    'killed': 'kill -9 $$',
    'crashed': 'ulimit -c 0; kill -11 $$',
    'half_an_answer': 'pgbackrest "$@" | head -c 100; exit 0',
    'nothing_done': 'exit 0',
}
SAMPLE = {('version', 'killed'), ('info', 'unknown_error'), ('repo_ls', 'killed'), ('repo_get', 'exit_1'), ('restore', 'crashed'),
          ('restore_in_the_middle', 'killed'), ('archive_get', 'exit_1'), ('archive_get', 'killed'),
          ('info', 'half_an_answer'), ('repo_ls', 'half_an_answer'), ('repo_get', 'nothing_done'), ('restore', 'nothing_done'),
          ('restore_in_the_middle', 'nothing_done'), ('archive_get', 'nothing_done')}
REMEMBERED = ('restore', 'restore_in_the_middle', 'archive_get')  # a code that may not pass there is kept for the next run


class ChildrenCase(BootstrapCase):
    @staticmethod
    def codes():
        """The exit codes of the table, but done and our own mistakes."""
        return exit_codes() - {0, 1}

    def assert_said(self, result, named):
        """A code of the table, what it was about, and a hint."""
        self.assertIn(result.code, self.codes(), result.log)
        self.assertTrue([said for said, hint in result.problems() if re.search(named, said) and hint], result.problems())
        self.assert_absent()
        self.assert_nothing_runs()

    def assert_next_run_is_right(self):
        """Nothing is to be taken back first: what may pass is no refusal that lasts."""
        self.configure()
        self.assert_done(self.bootstrap())
        self.assert_complete()


class Pgbackrest(ChildrenCase):
    def fail_in(self, phase, way):
        condition, act = PHASES[phase], WAYS[way]
        if phase == 'restore_in_the_middle':
            act = 'pgbackrest "$@" & until [ -e %s/base ] || ! kill -0 $!; do :; done; kill -9 $!; %s' % (self.staging, act)
        result = self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest('if %s; then %s; fi' % (condition, act)),
                                '--retry=1', '--retry-wait=0')
        if result.code == 0:  # it can do without
            self.assertIn(phase, ('repo_ls', 'repo_get', 'version'), result.log)
            self.assert_complete()
            return
        lies = way in ('half_an_answer', 'nothing_done')
        self.assert_said(result, '.' if lies else 'pgbackrest|archive-get|repo-ls|repo-get|pgBackRest|is missing now')
        if phase in REMEMBERED and (lies or way in ('unknown_error', 'exit_1')):
            self.forget_failure()  # as its hint says, once a person has seen to it
        self.assert_next_run_is_right()

    def test_it_hangs_in_each_phase_and_is_told_to_end(self):
        """The next run goes on, up to where the next one hangs."""
        for phase, condition in PHASES.items():
            if phase in ('version', 'restore_in_the_middle'):
                continue
            reached = self.lab.path('log/reached-' + phase)
            process = self.start_bootstrap('--pgbackrest=' + self.wrap_pgbackrest('if %s; then touch %s; sleep 600; fi' % (condition, reached)))
            wait_until(phase, lambda: os.path.exists(reached) or process.poll() is not None, 90)
            self.assertIsNone(process.poll(), phase)
            process.terminate()
            self.assertEqual(self.result_of(process, 20).code, 143, phase)
            self.assert_absent()
            self.assert_nothing_runs()
        self.assert_next_run_is_right()


def make_tests(chosen):
    for phase, way in chosen:
        def test(self, phase=phase, way=way):
            self.fail_in(phase, way)
        test.__doc__ = 'pgbackrest, %s: %s' % (phase.replace('_', ' '), way.replace('_', ' '))
        setattr(Pgbackrest, 'test_%s_%s' % (phase, way), test)


ALL = [(phase, way) for phase in PHASES for way in WAYS if way != 'half_an_answer' or phase not in REMEMBERED]  # whose answer is what they do
make_tests(ALL if os.environ.get('LAB_ALL_CHILDREN') else sorted(SAMPLE))


class Patronictl(ChildrenCase):
    """Whom it does not name may lead all the same: what is no whole list is no answer."""

    def said_with(self, script):
        self.lab.make('bin', mode=0o755)
        self.lab.write('bin/patronictl', '#!/bin/bash\n' + script + '\n', 0o755)
        result = self.bootstrap(environment={'PATH': self.lab.path('bin') + ':' + self.lab.environment['PATH']})
        self.assert_done(result)
        self.assertRegex(result.log, r'(?i)patronictl.*: not checked whether scope %s' % re.escape(self.node.scope))
        self.assert_nothing_runs()
        self.assert_complete()

    def test_it_fails(self):
        self.said_with('echo no >&2; exit 1')

    def test_it_is_killed(self):
        self.said_with('kill -9 $$')

    def test_it_hangs(self):
        self.said_with('exec sleep 600')

    def test_it_prints_half_of_a_list(self):
        self.said_with("""echo '[{"Member": "a", "Role": "Repl'""")

    def test_it_prints_something_else(self):
        self.said_with('echo garbage')


class PrivateServer(ChildrenCase):
    def test_killed_in_the_replay(self):
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest())
        self.wait_for_replay_of(5)
        postmaster = int(read(self.staging + '/postmaster.pid').split('\n')[0])
        send(9, [postmaster, *descendants(postmaster)])
        self.assert_said(self.result_of(process, 30), 'PostgreSQL was killed by signal 9 during the replay')
        self.assert_next_run_is_right()

    def start_replay(self):
        process = self.start_bootstrap('--pgbackrest=' + self.slow_pgbackrest(), '--retry=0')
        self.wait_for_replay_of(5)
        startup, = [pid for pid, command in descendants(process.pid).items() if 'postgres: startup' in command]
        return process, startup

    def limited(self, limit):
        """A directory of programs whose postgres has this limit as a server, and in no other call."""
        return self.wrapped_binaries('postgres', '[[ "$*" != *unix_socket_directories=* ]] || ulimit %s\nexec %s/postgres "$@"\n' % (
            limit, self.lab.bin_directory))

    def assert_started_with_too_little(self, limit, words, hint, **block):
        self.configure(block, postgresql={'bin_dir': self.limited(limit)})
        result = self.bootstrap('--retry=0')
        self.assert_refused(result, 11, 'the operating system refused it what it needs: .*' + words, hint)
        self.assert_said(result, words)
        self.assert_next_run_is_right()

    def test_there_is_no_memory_for_it(self):
        self.assert_started_with_too_little('-v 450000', 'Cannot allocate memory', 'free memory', **{'replay-setting': ['shared_buffers=512MB']})

    def test_there_are_too_few_descriptors_for_it(self):
        self.assert_started_with_too_little('-n 40', 'insufficient file descriptors', 'raise the limit of open files')

    def assert_does_without(self, limit):
        """The replaying process itself is given so little in the middle: it does without, or what stopped it is told."""
        process, startup = self.start_replay()
        self.lab.run('prlimit', '--pid=%d' % startup, limit)
        result = self.result_of(process, 90)
        if result.code:
            self.assert_said(result, 'during the replay|replay to')
            self.assert_next_run_is_right()
        else:
            self.assert_nothing_runs()
            self.assert_complete()

    def test_no_more_memory_in_the_replay(self):
        self.assert_does_without('--as=1000000:1000000')

    def test_no_more_descriptors_in_the_replay(self):
        self.assert_does_without('--nofile=3:3')

    def test_the_disk_of_its_socket_is_full(self):
        """TMPDIR is on a disk that has no room left when the server is about to be started."""
        disk = self.lab.mount_tmpfs(1, 'small')
        process = self.lab.start('bootstrap', *self.command('--pgbackrest=' + self.waiting_pgbackrest(), '--retry=0'),
                                 environment={'TMPDIR': disk})
        self.wait_for_the_copy()
        zeros = os.path.join(disk, 'zeros')
        self.lab.attempt('sh', '-c', 'cat /dev/zero >' + zeros)
        self.let_the_copy_go_on()
        result = self.result_of(process)
        self.assert_refused(result, 11, re.escape(disk) + '.*No space left on device', 'make room')
        self.assert_absent()
        self.assert_nothing_runs()
        self.assertEqual(os.listdir(disk), ['zeros'])
        os.remove(zeros)
        self.assert_done(self.bootstrap(environment={'TMPDIR': disk}))
        self.assert_complete()

    def test_the_disk_of_its_wal_is_full(self):
        """A directory for pg_wal on a disk of its own, which has room again for the next run."""
        disk = self.lab.mount_tmpfs(40, 'wal')
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write('[demo:restore]\nlink-map=pg_wal=%s\n' % os.path.join(disk, 'pg_wal'))
        result = self.bootstrap('--retry=1', '--retry-wait=0')
        self.assert_refused(result, 11, re.escape(disk), 'make room')
        self.assert_absent()
        self.assert_nothing_runs()
        self.lab.run_as_root('mount', '-o', 'remount,size=400m', disk)
        self.assert_done(self.bootstrap())
        self.open()
        self.assert_rows(BATCHES, doomed=False)


class Descriptors(ChildrenCase):
    def test_too_few_of_them(self):
        """Whatever the limit stops, it is named, and the next run with enough of them is right."""
        for limit in range(4, 13):
            result = self.run_program('prlimit', '--nofile=%d' % limit, *self.command('--retry=1', '--retry-wait=0'))
            self.assertIn(result.code, self.codes() | {127}, result.log)  # 127: not enough to load it
            if result.code == 11:
                self.assertRegex(result.log, r': Too many open files.*\n *HINT: raise the limit of open files, %d now' % limit)
            self.assert_absent()
        self.assert_next_run_is_right()


class Psql(ChildrenCase):
    """Sets the passwords of patroni.yml when the replay is done; the cluster comes back without it, and that is said."""

    def said_with(self, script, seconds=120):
        self.configure(postgresql={'bin_dir': self.wrapped_binaries('psql', script)})
        result = self.bootstrap(seconds=seconds)
        self.assert_done(result)
        self.assertIn('WARNING: the passwords of patroni.yml could not be set: psql ', result.log)
        self.assert_nothing_runs()
        self.assert_complete()

    def test_it_cannot_be_loaded(self):
        self.said_with('echo "error while loading shared libraries" >&2; exit 127')

    def test_it_is_killed(self):
        self.said_with('kill -9 $$')

    def test_it_hangs(self):
        """One call does, for as long as it is given."""
        self.said_with('mkdir %s 2>/dev/null && exec sleep 600\nexec %s/psql "$@"' % (self.lab.path('log/hung'), self.lab.bin_directory),
                       seconds=200)

    def test_it_prints_something_else(self):
        """Nobody reads the data from it: the rows are right whatever it says."""
        self.configure(postgresql={'bin_dir': self.wrapped_binaries('psql', 'cat >/dev/null; echo garbage')})
        self.assert_done(self.bootstrap())
        self.assert_nothing_runs()
        self.assert_complete()


ANSWERED = """echo '{"answer" : "t", "error" : ""}'; """
BAD_ASKERS = {  # where the true answer is not asked for, or does not end well
    'killed': 'kill -9 $$',
    'garbage': 'echo garbage; exit 0',
    'a bare t': 'echo t; exit 0',
    'nothing': 'exit 0',
    'true and then an error': ANSWERED + 'echo "psql: error: the connection was lost" >&2; exit 2',
    'true and then killed': ANSWERED + 'kill -9 $$',
}


class AskerCase(ChildrenCase):
    """psql asks the probes of verify and rehearse: what it did not bring back to its end is no true probe."""

    PROBE = '--probe=select true'

    def wrap_psql(self, act, method=None, **sections):
        """One that does this where it is to ask a probe."""
        script = 'for word; do if [ -f "$word" ] && grep -q patroni_pgbackrest.answer "$word"; then %s; fi; done\nexec %s/psql "$@"\n' % (
            act, self.lab.bin_directory)
        if os.path.exists(self.lab.path('bin')):
            self.lab.write('bin/psql', '#!/bin/bash\n' + script, 0o755)
        else:
            self.configure(method, postgresql={'bin_dir': self.wrapped_binaries('psql', script)}, **sections)


class AskerOfVerify(AskerCase):
    def test_it_fails_in_each_way(self):
        self.assert_done(self.bootstrap())
        self.open()
        verify = [program(), 'verify', '--patroni-config=' + self.yml, 'host=%s port=%d user=postgres dbname=postgres' % (
            self.lab.directory, self.server.port), self.PROBE]
        self.wrap_psql(':')
        self.assert_done(self.run_program(*verify))
        for name, act in BAD_ASKERS.items():
            with self.subTest(name):
                self.wrap_psql(act)
                result = self.run_program(*verify)
                self.assertEqual(result.code, 8, result.log)
                self.assertRegex(result.log, 'ERROR   verify-probe-unanswered: .*select true: could not be run: ')

    def test_it_hangs_as_post_bootstrap(self):
        """It ends in time, and Patroni discards what was not proved."""
        self.wrap_psql('exec sleep 600', {'probe': 'select true'}, bootstrap={'post_bootstrap': program() + ' verify'})
        self.node.start()
        self.node.wait_for_end(120)
        self.assertRegex(self.lab.log('node1'), 'verify-probe-unanswered: .*select true: could not be run: psql ')
        self.assert_absent()


class AskerOfRehearsal(RehearsalCase, AskerCase):
    def test_it_fails_in_the_end(self):
        self.wrap_psql(BAD_ASKERS['true and then killed'])
        self.assert_red(self.rehearse(self.PROBE), 8, 'select true: could not be run: psql was killed', 'probes')


class Prepared(PlainCase, ChildrenCase):
    """More of them than Patroni starts PostgreSQL with: nobody has to be asked for that to be known."""

    def test_psql_is_killed_and_it_is_refused_all_the_same(self):
        self.make_source('max_prepared_transactions=5')
        self.plain.sql("begin; insert into kept values (0); prepare transaction 'one'")
        self.plain.write_batches(1)
        self.lose()
        self.configure(postgresql={'bin_dir': self.wrapped_binaries('psql', 'kill -9 $$')})
        self.assert_refused(self.bootstrap(), 3, '1 prepared transactions are pending in the restored cluster', 'max_prepared_transactions')
        self.assert_absent()
        self.assert_nothing_runs()
        self.configure(bootstrap=self.allow_prepared(5))
        self.assert_done(self.bootstrap())
        self.open('max_prepared_transactions=5')
        self.assertEqual(self.sql('select count(*) from pg_prepared_xacts'), '1')
        self.assert_rows(1, doomed=False)
