"""What is done for one cell in a scenario that was arranged: a run with the fault, a look at what is left, and another run."""
import gzip
import json
import os
import re
import shutil
import subprocess

import cells
import judgement
from arranged import Arranged, below
from bootstrap_case import ROWS, BootstrapCase, Server, program, read, wait_until
from lab import exit_codes, kill_tree
from source_cluster import PlainCluster, pgbackrest, switch_wal, wait_until_archived, write_batch

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 120  # for one run of the program
LIMIT_OF_A_CELL = 300
APART = ('bin', 'repo', 'log', 'saved', 'output', 'printed', 'disk.image')  # what no run of the program changes, or the cell itself writes
WHOLE = {'PG_VERSION', 'base', 'global', 'pg_wal', 'pg_xact', 'pg_multixact', 'pg_tblspc'}

ROWS_STATEMENT = "select coalesce(to_regclass('doomed')::text, 'dropped') || ' ' || (select string_agg(batch || ':' || number, ' ') \
from (select batch, count(*) as number from kept group by batch order by batch) as counted) as rows"
RIGHT_ROWS = 'dropped 1:%d' % ROWS


def make_source(lab, directory, spaces=False):
    """A cluster to lose that is soon restored and replayed, of short segments; repo/ and facts.json in `directory`.

    A full backup, a segment with one batch, and a last one in which table doomed is dropped. With `spaces` the rows lie in a tablespace.
    """
    plain = PlainCluster(lab, os.path.join(directory, 'repo'), '--wal-segsize=1')
    plain.start('shared_buffers = 4MB\nautovacuum = off\nmax_logical_replication_workers = 0')
    plain.sql("update pg_database set datistemplate = false where datname = 'template0'")
    plain.sql('drop database template0')
    if spaces:
        plain.sql("create tablespace space location '%s'" % lab.make('space-of-the-source'))
        plain.sql('alter table kept set tablespace space')
    pgbackrest(lab, '--type=full', 'backup')
    target, segment = write_batch(plain, 1)
    plain.sql('drop table doomed')
    last = switch_wal(plain)
    wait_until_archived(plain, last)
    plain.server.stop()
    shutil.rmtree(plain.server.data_directory)
    lab.write(os.path.join(directory, 'facts.json'), json.dumps({
        'targets': {1: target}, 'segments': {1: segment, 2: last}, 'backups': ['', '']}))


def spaces_of(source):
    """Where the one with a tablespace lies."""
    return source + '-with-spaces'


def outcome_path(name):
    """Where the outcome of a cell, or the calls of a scenario, are written."""
    return os.path.join(os.environ['LAB_OUTCOMES'], name.replace('/', '_') + '.json')


def whole_calls(lines):
    """strace's lines, but for those that another process's line has cut in two."""
    begun = {}
    for line in lines:
        process = line.split(' ', 1)[0]
        if line.endswith('<unfinished ...>'):
            begun[process] = line[:-len('<unfinished ...>')]
        elif '<... ' in line and ' resumed>' in line:
            yield begun.pop(process, '') + line.split(' resumed>', 1)[1]
        else:
            yield line


class Faulty(BootstrapCase):
    """A scenario, and one cell after the other in it."""

    cell = scenario = None
    said = ''  # by the last run

    def run_cell(self, cell):
        """(outcome, why)"""
        self.cell = cell
        before = self.user_files()
        code, log = self.run_with_fault()
        left = self.what_is_left()
        faults = [line for line in whole_calls(read(self.trace).split('\n')) if 'INJECTED' in line or '+++ killed by SIGKILL' in line]
        print('fault: %s%s' % (''.join(faults[:1]), ' and %d more' % (len(faults) - 1) if len(faults) > 1 else ''))
        seen = judgement.Seen(
            code, log, '\n'.join(faults), self.state_of_data(), self.user_files() in (before, self.finished_files()), left,
            result=self.what_is_wrong() if code == self.code_when_done or self.is_handed_over() else '', then='')
        if code is not None and self.needs_another_run(code):
            seen = seen._replace(then=self.run_again())
        return judgement.judge(cell, seen, exit_codes())

    def count(self):
        """{call: {N: [what it does, what it is called on]}} of a run without a fault, which must go right."""
        code, log = self.run_with_fault()
        self.assertEqual(code, self.code_when_done, log)
        self.assertEqual(self.what_is_wrong(), '')
        self.assertEqual(cells.unknown_calls(read(self.trace)), [], 'calls that are neither made to fail nor known to change nothing')
        return cells.numbers_of(read(self.trace), self.lab.directory)

    def is_handed_over(self):
        """It was ended behind its work: nothing is left for a next run, which would refuse what is in the data directory."""
        return self.scenario in cells.BOOTSTRAPS and self.state_of_data() == 'whole' and any(
            json.loads(read(path))['phase'] == 'handed over' for path in self.journals())

    def needs_another_run(self, code):
        if code == self.code_when_done:
            return self.scenario == 'rehearse' and self.has_files_in_scratch()
        return not self.is_handed_over() and not self.is_as_before()

    def is_as_before(self):
        """What the next run is to bring need not be tried: it would begin where the run without a fault began."""
        if self.arranged is None or not self.arranged.is_as_before():
            return False
        print('everything is as it was before the run')
        return True

    # Arranging ----------------------------------------------------------------------------------------------------

    @property
    def trace(self):
        return self.lab.path('log/strace')

    @property
    def code_when_done(self):
        return cells.DONE_WITH.get(self.scenario, 0)

    def setUp(self):
        if self.scenario in cells.NEED_SPACES:
            os.environ['LAB_SOURCE'] = spaces_of(os.environ['LAB_SOURCE'])
        super().setUp()
        self.server, self.directory, self.arranged = None, None, None
        self.given, self.mode = self.command(), {}
        self.lab.environment['PGUSER'] = 'postgres'
        self.record_answers()

    def record_answers(self):
        """Puts recorded-answers before pgbackrest and before the Python of patronictl."""
        patronictl, recorded = read(shutil.which('patronictl')), read(os.path.join(HERE, 'recorded-answers'))
        recorded = recorded.replace('ACTS', "*' archive-get '*" if self.scenario in cells.FETCH_WAL else "' restore '")
        python = re.match(r'#!(/\S*/(python\S*))', patronictl)
        real = {'pgbackrest': shutil.which('pgbackrest')}
        self.lab.make('bin', mode=0o755)
        if python:
            real[python.group(2)] = python.group(1)
            self.lab.write('bin/patronictl', patronictl.replace(python.group(1), self.lab.path('bin', python.group(2)), 1), 0o755)
        for name, path in real.items():
            self.lab.write('bin/' + name, recorded.replace('REAL', path).replace('ANSWERS', self.lab.path('log/answers')), 0o755)
        self.lab.make('log/answers')
        self.lab.environment['PATH'] = self.lab.path('bin') + ':' + self.lab.environment['PATH']

    def arrange(self):
        getattr(self, 'arrange_' + self.scenario.replace('-', '_'))()
        shutil.rmtree(self.lab.path('log'))  # another question from now on
        self.lab.make('log')
        self.lab.make('log/answers')
        if not self.server:
            self.lab.make('saved')
            self.arranged = Arranged(self.lab.directory, self.lab.path('saved/arranged'), APART)

    def put_back(self):
        if self.arranged:
            self.arranged.put_back()
            self.keep_identity()
        else:  # its server lives on; what could not be removed is not the next cell's
            self.empty_tmp()

    def keep_identity(self):
        """A journal names the inode of its directory, and takes what was copied for another restore's."""
        for path in self.journals():
            journal = json.loads(read(path))
            journal['lies_in'] = '%d 0.000000000' % os.stat(os.path.dirname(path)).st_ino  # whose time is not known
            with open(path, 'w', encoding='utf-8') as file:
                json.dump(journal, file)
        if self.journals():
            self.arranged.fingerprint = self.arranged.look()

    def journals(self):
        paths = self.staging + '.d/journal.json', self.data_directory + '/.restoring.d/journal.json'
        return [path for path in paths if os.path.exists(path)]

    def empty_tmp(self):
        self.lab.run_as_root('rm', '-rf', self.lab.path('tmp'))
        self.lab.make('tmp')

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
        self.use(self.lab.make('outer/data'))
        self.staging = os.path.join(self.data_directory, '.restoring')
        os.chmod(outer, 0o500)

    def use(self, data_directory):
        self.data_directory = self.node.data_directory = data_directory
        self.staging = data_directory + '.restoring'
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(data_directory, self.node.port)
        self.configure()
        self.given = self.command()

    def arrange_clones(self):
        """On XFS, where the copy is kept as a clone until the hand-over; what is removed is given back to the disk below."""
        disk = self.lab.mount_disk(1600, 'disk', system='xfs')
        self.lab.run_as_root('umount', disk)
        self.lab.run_as_root('mount', '-o', 'loop,discard', disk + '.image', disk)
        self.use(os.path.join(disk, 'data'))

    def arrange_patroni(self):
        self.mode = {'recovery_conf': self.recovery_conf()}
        self.configure(self.mode)

    def arrange_patroni_mount(self):
        self.arrange_mount()
        self.arrange_patroni()

    def arrange_ahead(self):
        pass

    def arrange_spaces(self):
        """A tablespace and pg_wal in other places."""
        self.lab.make('space')
        self.lab.make('wal')
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write('[demo:restore]\nlink-map=pg_wal=%s\ntablespace-map=space=%s\n' % (self.lab.path('wal'), self.lab.path('space')))

    def arrange_resume_mount(self):
        self.arrange_mount()
        self.arrange_resume()

    def arrange_resume_patroni(self):
        """A bootstrap that was struck in the copy: in patroni mode the replay is Patroni's."""
        self.mode = {'recovery_conf': self.recovery_conf()}
        self.interrupt('[ $VERB != restore ] || { pgbackrest "$@"; touch %s; sleep 600; }')
        self.given = [program(), 'resume', '--patroni-config=' + self.yml]

    def arrange_resume(self):
        """A bootstrap that was struck in the replay with all of its node, under a cluster that Patroni has begun."""
        self.interrupt_the_replay()
        self.given = [program(), 'resume', '--patroni-config=' + self.yml]

    def interrupt_the_replay(self):
        self.interrupt('[ $VERB != archive-get ] || [[ $SEGMENT < ' + self.source.segments[2] + ' ]] || { touch %s; sleep 600; }')

    def interrupt(self, body):
        """A bootstrap that is killed where its pgbackrest touches the file that `body` is given."""
        reached = self.lab.path('log/reached')
        self.configure({**self.mode, 'pgbackrest': self.wrap_pgbackrest(body % reached)})
        self.start_bootstrap()
        wait_until('the bootstrap to get there', lambda: os.path.exists(reached))
        kill_tree(os.getpid())
        self.empty_tmp()  # nobody was left to tidy up
        self.configure(self.mode)
        self.node.put_key('')

    def arrange_configure(self):
        self.yml = self.node.configure(pgbackrest_configuration=self.pgbackrest_configuration)
        before = read(self.yml)
        self.given = [program(), 'configure', '--patroni-config=' + self.yml, '--stanza=demo', '--write']
        self.assertEqual(self.lab.attempt(*self.given).returncode, 0)
        self.finished = self.user_files()
        self.lab.write(self.yml, before)

    def arrange_inplace(self):
        """The same for a patroni.yml that is a mount point, as in a container, and cannot be replaced by another file."""
        self.arrange_configure()
        self.lab.run_as_root('mount', '--bind', self.yml, self.yml)
        self.lab.mounts.append(self.yml)

    def arrange_verify(self):
        self.assert_done(self.bootstrap())
        self.server = Server(self.lab, self.data_directory)
        self.server.port = self.node.port
        self.server.start('archive_command=pgbackrest --config=%s --stanza=demo archive-push %%p' % self.pgbackrest_configuration,
                          'listen_addresses=127.0.0.1')
        self.given = [program(), 'verify', '--patroni-config=' + self.yml]

    def arrange_verify_false(self):
        """A cluster that is not what was asked for: one of its probes is false."""
        self.arrange_verify()
        self.given.append('--probe=select count(*) = 0 from kept')

    def arrange_guard(self):
        """As PostgreSQL calls it in a restore that was begun: with the ticket, in the data directory in the making."""
        self.interrupt_the_replay()
        self.call_guard_in(self.staging)

    def arrange_guard_ahead(self):
        """The same in patroni mode, where it fetches ahead: in the data directory that Patroni was given."""
        self.arrange_patroni()
        self.assert_done(self.bootstrap())
        self.call_guard_in(self.data_directory)

    def call_guard_in(self, directory):
        self.directory = directory
        self.given = [program(), 'archive-get', self.source.segments[1], 'pg_wal/RECOVERYXLOG']

    def arrange_rehearse(self):
        """Beside the data directory of a cluster, and after another one, of which the history knows."""
        os.nice(1)  # chosen for it, or it would wait for whatever runs beside it
        self.lab.make('data')
        self.lab.write('data/PG_VERSION', '1\n')
        self.scratch, self.history = self.lab.path('scratch'), self.lab.path('.local/state/patroni_pgbackrest/rehearsals.jsonl')
        self.given = [program(), 'rehearse', '--patroni-config=' + self.yml, '--scratch=' + self.scratch, '--disk-floor=1MB']
        self.assert_done(self.run_program(*self.given))
        self.known = read(self.history).splitlines()
        self.assertEqual((len(self.known), os.path.exists(self.scratch)), (1, False))

    # Acting -------------------------------------------------------------------------------------------------------

    def run_with_fault(self):
        """(exit code or None, what it printed)"""
        command = [*cells.strace(self.cell, self.trace, '%s:%s' % (self.lab.environment['PATH'], self.lab.directory)), *self.given]
        print('$ ' + ' '.join(command), flush=True)
        self.lab.make('log')
        with open(self.lab.path('printed'), 'w', encoding='utf-8') as printed:
            ours = subprocess.Popen(command, env=self.lab.environment, cwd=self.directory or self.lab.directory,
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
        self.said = read(self.lab.path('printed'))
        print('%s(exit code %s)' % (self.said, code), flush=True)
        return code, self.said

    def run_again(self):
        """'' when the next run without a fault is right, else what is not."""
        done = self.lab.attempt(*self.given, directory=self.directory)
        self.said = done.stdout + done.stderr
        print('$ again\n%s(exit code %d)' % (self.said, done.returncode), flush=True)
        return 'exit code %d' % done.returncode if done.returncode != self.code_when_done else self.what_is_wrong()

    # Looking ------------------------------------------------------------------------------------------------------

    def user_files(self):
        """What the user's own files are; a rehearsal changes nothing of the cluster and its stanza either."""
        paths = [self.yml, self.pgbackrest_configuration]
        files = [(path, read(path), os.stat(path).st_mode, os.stat(path).st_uid) for path in paths]
        others = (self.data_directory, self.repository) if self.scenario == 'rehearse' else ()
        return files + [(path, *os.lstat(path)[:7], os.lstat(path).st_mtime_ns) for place in others for path in below(place)]

    def finished_files(self):
        return self.finished if self.scenario in ('configure', 'inplace') else None

    def state_of_data(self):
        if self.scenario in ('configure', 'inplace', 'verify', 'verify-false', 'rehearse', *cells.GUARDS):
            return 'before'
        names = set(os.listdir(self.data_directory)) if os.path.isdir(self.data_directory) else set()
        visible = {name for name in names if not name.startswith('.') and name != 'lost+found'}
        if not visible:
            return 'before'
        moved = os.path.join(self.data_directory, '.restoring')
        return 'whole' if visible >= WHOLE and not (os.path.isdir(moved) and os.listdir(moved)) else 'half'

    def what_is_left(self):
        """Processes of ours, and files in TMPDIR unless it was their removal that failed."""
        try:
            wait_until('everything to end', lambda: not self.lab.living(), 5, every=.02)
        except AssertionError:
            left = 'still running: %s' % self.lab.living()
            kill_tree(os.getpid())
            return left
        files = os.listdir(self.lab.path('tmp'))
        may_stay = self.cell is None or self.cell.call in ('unlink', 'unlinkat', 'rmdir', 'openat')
        return 'files in TMPDIR: %s' % files if files and not may_stay else ''

    def what_is_wrong(self):
        """'' when what a run that ended with 0 was to bring is there."""
        if self.scenario in ('configure', 'inplace'):
            return '' if self.user_files() == self.finished else 'rows of patroni.yml are missing'
        if self.scenario in ('verify', 'verify-false'):
            return ''  # its exit code is its answer
        if self.scenario in cells.GUARDS:
            return self.what_is_wrong_with_the_segment()
        if self.scenario == 'rehearse':
            return self.what_is_wrong_with_the_rehearsal()
        if self.state_of_data() != 'whole':
            return 'rows: the data directory is not whole: %s' % os.listdir(self.data_directory)
        if self.scenario in cells.NEED_SPACES and self.links_of_data() != [self.lab.path('space'), self.lab.path('wal')]:
            return 'rows: the links lead to %s' % self.links_of_data()
        return self.what_is_wrong_with_the_rows()

    def has_files_in_scratch(self):
        """An empty directory may have been somebody's, and stays one."""
        return any(files for _, _, files in os.walk(self.scratch))

    def what_is_wrong_with_the_rehearsal(self):
        """What it could neither remove nor write down it has said."""
        if self.has_files_in_scratch() and 'the next rehearsal removes it' not in self.said:
            return 'rows: something is left in the scratch directory'
        lines = read(self.history).splitlines()
        try:
            added = [json.loads(line)['exit_code'] for line in lines[len(self.known):]]
        except ValueError:
            return 'rows: a line of the history is not whole: %s' % lines
        if lines[:len(self.known)] != self.known or (0 not in added and 'WARNING' not in self.said):
            return 'rows: the history lacks a line: %s' % lines
        return ''

    def what_is_wrong_with_the_segment(self):
        path = os.path.join(self.directory, 'pg_wal/RECOVERYXLOG')
        if not os.path.exists(path):
            return 'rows: the segment is not there'
        with open(path, 'rb') as delivered, gzip.open(self.archived(self.source.segments[1])) as archived:
            return '' if delivered.read() == archived.read() else 'rows: the segment is not what is in the archive'

    def links_of_data(self):
        spaces = os.path.join(self.data_directory, 'pg_tblspc')
        paths = [*(os.path.join(spaces, name) for name in os.listdir(spaces)), os.path.join(self.data_directory, 'pg_wal')]
        return [os.readlink(path) if os.path.islink(path) else path for path in paths]

    def what_is_wrong_with_the_rows(self):
        try:
            found = self.rows_of_patroni_mode() if self.mode else self.rows_of_finished_cluster()
        except AssertionError as different:
            return 'rows: %s' % different
        return '' if found == RIGHT_ROWS else 'rows: %s, not %s' % (found, RIGHT_ROWS)

    def rows_of_finished_cluster(self):
        """From a server of one process, which starts and stops in a fifth of the time."""
        done = subprocess.run(
            ['postgres', '--single', '-D', self.data_directory, '-c', 'fsync=off', '-c', 'archive_mode=off', 'postgres'],
            input=ROWS_STATEMENT + '\n', env=self.lab.environment, cwd=self.lab.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=60, universal_newlines=True, errors='replace', **self.lab.as_postgres)
        rows = re.search(r'1: rows = "([^"]*)"', done.stdout)
        if done.returncode or not rows:
            raise AssertionError('postgres --single: exit code %d\n%s' % (done.returncode, done.stdout))
        return rows.group(1)

    def rows_of_patroni_mode(self):
        self.lab.write(os.path.join(self.data_directory, 'recovery.signal'), '')
        self.lab.write(os.path.join(self.data_directory, 'postgresql.conf'), '')  # which Patroni would write
        self.open('archive_mode=off', 'restore_command=' + self.mode['recovery_conf']['restore_command'])
        wait_until('the end of the recovery', lambda: self.sql('select pg_is_in_recovery()') == 'f', 30, every=.02)
        found = self.sql(ROWS_STATEMENT)
        self.server.stop()
        self.server = None
        return found
