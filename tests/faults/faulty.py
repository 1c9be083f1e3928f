"""What is done for one cell: the scenario is arranged, the program runs with the fault, what is left is looked at, and it runs again.

    python3 faulty.py NAME      one cell by its name; the outcome is written to LAB_OUTCOMES
    python3 faulty.py count S   the calls of scenario S, as JSON to LAB_OUTCOMES
"""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'real'), os.path.join(os.path.dirname(HERE), 'support')]
sys.dont_write_bytecode = True
import cells  # noqa: E402
import judgement  # noqa: E402
from bootstrap_case import BootstrapCase, Server, program, read, wait_until  # noqa: E402
from lab import exit_codes, kill_tree, send  # noqa: E402
from source_cluster import PlainCluster, wait_until_archived, switch_wal  # noqa: E402

BATCHES = 3
SECONDS = 60  # for one run of the program
WHOLE = {'PG_VERSION', 'base', 'global', 'pg_wal', 'pg_xact', 'pg_multixact', 'pg_tblspc'}


def make_source(lab, directory):
    """A small cluster to lose: a full backup and a segment for each batch; repo/ and facts.json in `directory`."""
    plain = PlainCluster(lab, os.path.join(directory, 'repo'))
    plain.start()
    plain.back_up()
    targets = plain.write_batches(*range(1, BATCHES + 1))
    plain.sql('drop table doomed')
    wait_until_archived(plain, switch_wal(plain))
    segments = {batch: '%08X%08X%08X' % (1, 0, int(target['lsn'].split('/')[1], 16) >> 24) for batch, target in targets.items()}
    plain.server.stop()
    lab.write(os.path.join(directory, 'facts.json'), json.dumps({'targets': targets, 'segments': segments, 'backups': ['', '']}))


class Faulty(BootstrapCase):
    """One cell."""

    cell = scenario = None

    def runTest(self):
        getattr(self, 'arrange_' + self.scenario)()
        before = self.user_files()
        if self.cell is None:
            self.count()
            return
        code, log = self.run_with_fault()
        left = self.what_is_left()
        fault = next((line for line in read(self.trace).split('\n') if 'INJECTED' in line or '+++ killed by SIGKILL' in line), '')
        seen = judgement.Seen(
            code, log, fault, self.state_of_data(), self.user_files() in (before, self.finished_files()), left,
            result=self.what_is_wrong() if code == 0 else '', then='')
        if code not in (0, None):
            seen = seen._replace(then=self.run_again())
        outcome, why = judgement.judge(self.cell, seen, exit_codes())
        print('fault: %s\noutcome: %s %s' % (fault, outcome, why))
        self.write_outcome([outcome, why])
        self.assertIn(outcome, judgement.RIGHT, why)

    @staticmethod
    def write_outcome(value):
        if os.environ.get('LAB_OUTCOMES'):
            with open(os.environ['LAB_OUTCOMES'], 'w', encoding='utf-8') as file:
                json.dump(value, file)

    def count(self):
        code, log = self.run_with_fault()
        self.assertEqual(code, 0, log)
        self.assertEqual(self.what_is_wrong(), '')
        self.write_outcome(cells.numbers_of(read(self.trace)))

    # Arranging ----------------------------------------------------------------------------------------------------

    @property
    def trace(self):
        return self.lab.path('log/strace')

    def setUp(self):
        super().setUp()
        self.server, self.directory = None, None
        self.given, self.mode = self.command(), {}
        self.environment = {'PGUSER': 'postgres'}

    def arrange_absent(self):
        pass

    def arrange_beside(self):
        self.lab.make('data')

    def arrange_mount(self):
        """A file system of its own; for an ordinary user a directory whose parent cannot be written to, which is treated alike."""
        if os.geteuid() == 0:
            self.lab.mount_tmpfs(400, 'data')
            os.mkdir(self.lab.path('data/lost+found'), 0o700)
            return
        outer = self.lab.make('outer')
        self.data_directory = self.node.data_directory = self.lab.make('outer/data')
        self.staging = os.path.join(self.data_directory, '.restoring')
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(self.data_directory, self.node.port)
        self.configure()
        self.given = self.command()
        os.chmod(outer, 0o500)
        self.addCleanup(os.chmod, outer, 0o700)

    def arrange_patroni(self):
        self.mode = {'recovery_conf': self.recovery_conf()}
        self.configure(self.mode)

    def arrange_resume(self):
        """A bootstrap that was struck in the replay with all of its node, under a cluster that Patroni has begun."""
        self.interrupt_the_replay()
        self.given = [program(), 'resume', '--patroni-config=' + self.yml]

    def interrupt_the_replay(self):
        reached = self.lab.path('log/reached')
        self.configure({'pgbackrest': self.wrap_pgbackrest('[ $VERB != archive-get ] || [[ $SEGMENT < %s ]] || { touch %s; sleep 600; }' % (
            self.source.segments[2], reached))})
        self.start_bootstrap()
        wait_until('the replay', lambda: os.path.exists(reached))
        send(9, list(self.lab.living()))
        wait_until('the killed processes to end', lambda: not self.lab.living(), 20)
        self.lab.run_as_root('rm', '-rf', self.lab.path('tmp'))  # nobody was left to tidy up
        self.lab.make('tmp')
        self.configure()
        self.node.put_key('')

    def arrange_configure(self):
        self.yml = self.node.configure(pgbackrest_configuration=self.pgbackrest_configuration)
        before = read(self.yml)
        self.given = [program(), 'configure', '--patroni-config=' + self.yml, '--stanza=demo', '--write']
        self.assertEqual(self.lab.attempt(*self.given).returncode, 0)
        self.finished = self.user_files()
        self.lab.write(self.yml, before)

    def arrange_verify(self):
        self.assert_done(self.bootstrap())
        self.server = Server(self.lab, self.data_directory)
        self.server.port = self.node.port
        self.server.start('archive_command=pgbackrest --config=%s --stanza=demo archive-push %%p' % self.pgbackrest_configuration,
                          'listen_addresses=127.0.0.1')
        self.given = [program(), 'verify', '--patroni-config=' + self.yml]

    def arrange_guard(self):
        """As PostgreSQL calls it in a restore that was begun: with the ticket, in the data directory in the making."""
        self.interrupt_the_replay()
        self.directory = self.staging
        self.given = [program(), 'archive-get', self.source.segments[1], 'pg_wal/RECOVERYXLOG']

    # Acting -------------------------------------------------------------------------------------------------------

    def run_with_fault(self):
        """(exit code or None, what it printed)"""
        command = [*cells.strace(self.cell, self.trace), *self.given]
        print('$ ' + ' '.join(command), flush=True)
        self.lab.make('log')
        with open(self.lab.path('printed'), 'w', encoding='utf-8') as printed:
            ours = subprocess.Popen(command, env={**self.lab.environment, **self.environment}, cwd=self.directory or self.lab.directory,
                                    stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True,
                                    **self.lab.as_postgres)
            try:
                code = ours.wait(SECONDS)
            except subprocess.TimeoutExpired:
                print('still there: %s' % self.lab.living())
                kill_tree(ours.pid)
                ours.kill()
                ours.wait()
                code = None
        said = read(self.lab.path('printed'))
        print('%s(exit code %s)' % (said, code), flush=True)
        return code, said

    def run_again(self):
        """'' when the next run without a fault is right, else what is not."""
        done = self.lab.attempt(*self.given, environment=self.environment, directory=self.directory)
        print('$ again\n%s%s(exit code %d)' % (done.stdout, done.stderr, done.returncode), flush=True)
        if done.returncode:
            return 'exit code %d' % done.returncode
        return self.what_is_wrong()

    # Looking ------------------------------------------------------------------------------------------------------

    def user_files(self):
        """What the user's own files are."""
        paths = [self.yml, self.pgbackrest_configuration]
        return [(path, read(path), os.stat(path).st_mode, os.stat(path).st_uid) for path in paths]

    def finished_files(self):
        return self.finished if self.scenario == 'configure' else None

    def state_of_data(self):
        if self.scenario in ('configure', 'verify', 'guard'):
            return 'before'
        names = set(os.listdir(self.data_directory)) if os.path.isdir(self.data_directory) else set()
        visible = {name for name in names if not name.startswith('.') and name != 'lost+found'}
        if not visible:
            return 'before'
        moved = os.path.join(self.data_directory, '.restoring')
        return 'whole' if visible >= WHOLE and not (os.path.isdir(moved) and os.listdir(moved)) else 'half'

    def what_is_left(self):
        """Processes of ours, and files in TMPDIR unless it was their removal that failed."""
        servers = {self.server.process.pid} if self.server else set()

        def others():
            if self.server:
                return {pid: command for pid, command in self.lab.living().items()
                        if pid not in servers and not command.startswith('postgres:') and 'archive-push' not in command}
            return self.lab.living()
        try:
            wait_until('everything to end', lambda: not others(), 5)
        except AssertionError:
            left = 'still running: %s' % others()
            send(9, list(others()))
            wait_until('the killed processes to end', lambda: not others(), 20)
            return left
        files = os.listdir(self.lab.path('tmp'))
        may_stay = self.cell is None or self.cell.call in ('unlink', 'unlinkat', 'rmdir', 'openat')
        return 'files in TMPDIR: %s' % files if files and not may_stay else ''

    def what_is_wrong(self):
        """'' when what a run that ended with 0 was to bring is there."""
        if self.scenario == 'configure':
            return '' if self.user_files() == self.finished else 'rows of patroni.yml are missing'
        if self.scenario == 'verify':
            return ''
        if self.scenario == 'guard':
            path = os.path.join(self.staging, 'pg_wal/RECOVERYXLOG')
            return '' if os.path.exists(path) and os.path.getsize(path) == 16 << 20 else 'rows: the segment is not whole'
        if self.state_of_data() != 'whole':
            return 'rows: the data directory is not whole: %s' % os.listdir(self.data_directory)
        return self.what_is_wrong_with_the_rows()

    def what_is_wrong_with_the_rows(self):
        more = []
        if self.scenario == 'patroni':
            self.lab.write(os.path.join(self.data_directory, 'recovery.signal'), '')
            self.lab.write(os.path.join(self.data_directory, 'postgresql.conf'), '')  # which Patroni would write
            more = ['restore_command=' + self.mode['recovery_conf']['restore_command']]
        try:
            self.open(*more)
            self.assert_rows(BATCHES, doomed=False)
            self.server.stop()
        except AssertionError as different:
            return 'rows: %s' % different
        return ''


def main():
    case = Faulty('runTest')
    if sys.argv[1] == 'count':
        case.scenario = sys.argv[2]
    else:
        case.cell = cells.cell_of(sys.argv[1])
        case.scenario = case.cell.scenario
    return 0 if unittest.TextTestRunner(verbosity=0).run(case).wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main())
