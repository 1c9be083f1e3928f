"""What the tests on real servers have in common: a lost cluster, our program, and what must be true afterwards."""
import gzip
import glob
import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'support'))
from lab import Lab, PatroniNode, Server, main_on_signal, program, read, wait_until  # noqa: E402,F401
from source_cluster import BATCHES, BATCHES_IN_INCREMENTAL, ROWS, PlainCluster, SourceCluster  # noqa: E402,F401

MARK = 'patroni_pgbackrest'  # what we write into a data directory carries our name

SYNCHRONOUS = '''if [ "$VERB" = archive-get ]; then
  words=()
  for word; do case $word in
    --archive-async) words+=(--no-archive-async) ;;
    --spool-path=*) ;;
    *) words+=("$word") ;;
  esac; done
  set -- "${words[@]}"
fi'''


class Result:
    """What one run of the program did."""

    def __init__(self, code, log):
        self.code, self.log = code, log

    def problems(self):
        """[(message, hint)] of its errors."""
        return re.findall(r' ERROR: (.*)\n\s*HINT: ((?:(?!\d{4}-).*\n)*)', self.log)


class BootstrapCase(unittest.TestCase):
    """One test: its own copy of the repository, its own ports, its own Patroni configuration, nothing restored yet."""

    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.end)
        main_on_signal(lambda: (self.tearDown(), self.lab.end()))
        self.source = SourceCluster(os.environ['LAB_SOURCE'])
        self.data_directory = self.lab.path('data')
        self.staging = self.data_directory + '.restoring'
        self.repository = self.lab.path('repo')
        self.lab.run('cp', '-a', self.source.repository, self.repository)
        self.node = PatroniNode(self.lab, os.environ.get('LAB_ETCD', '127.0.0.1:1'),
                                scope=os.path.basename(self.lab.directory))
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(self.data_directory, self.node.port)
        self.configure()

    def tearDown(self):
        for name in sorted(glob.glob(self.lab.path('*.log'))):
            print('---- %s\n%s' % (os.path.basename(name), read(name)))

    def lie_on(self, disk):
        """From now on the data directory is on this disk, and staging beside it."""
        self.data_directory = self.node.data_directory = os.path.join(disk, 'data')
        self.staging = self.data_directory + '.restoring'
        self.lab.pgbackrest_configuration(self.data_directory, settings={'archive-timeout': '2'})

    # Arranging ----------------------------------------------------------------------------------------------------

    def configure(self, method=None, **sections):
        """Writes patroni.yml: standalone, stanza demo, and what `method` adds to the block (None takes a key away)."""
        block = {'command': program() + ' bootstrap', 'stanza': 'demo', 'retry': 2, 'retry-wait': 1,
                 'pgbackrest-config': self.pgbackrest_configuration, **(method or {})}
        block = {key: value for key, value in block.items() if value is not None}
        self.yml = self.node.configure(block, self.pgbackrest_configuration, **sections)

    @staticmethod
    def allow_prepared(number):
        """Patroni's own limit, as a section for configure()."""
        return {'dcs': {'postgresql': {'parameters': {'max_prepared_transactions': number}}}}

    def recovery_conf(self, **targets):
        """The recovery_conf of patroni mode: the guard, and recovery_target_NAME for each target."""
        return {'restore_command': program() + ' archive-get %f "%p"',
                **{'recovery_target' + ('_' + name if name else ''): value for name, value in targets.items()},
                'recovery_target_action': 'promote'}

    def target(self, kind, batch):
        return self.source.targets[batch][kind]

    def by_set(self):
        """For a target that several backup sets may lead to."""
        return '--set=' + self.source.incremental_backup

    def wrap_pgbackrest(self, body, ahead=False):
        """A pgbackrest for the option of that name: a shell script that runs `body` and then the real one.

        In the body $VERB is the command (restore, archive-get, …), $SEGMENT what archive-get is asked for, and
        `count` prints how often it was called. It can write where the real one can (its directory log is one).
        Unless `ahead`, WAL is not fetched ahead: archive-get is called for each segment.
        """
        return self.lab.write('wrapped-pgbackrest', '''#!/bin/bash
count() { echo . >>%s/log/calls; wc -l <%s/log/calls; }
VERB= SEGMENT=
for word; do case $word in
  restore | archive-get | info | repo-ls | repo-get | version) VERB=${VERB:-$word} ;;
  0000*) SEGMENT=${SEGMENT:-$word} ;;
esac; done
%s
%s
exec pgbackrest "$@"
''' % (self.lab.directory, self.lab.directory, body, '' if ahead else SYNCHRONOUS), 0o755)

    def asynchronous(self, body):
        """The environment in which pgBackRest's asynchronous processes, which it looks for under its own name, are a shell script: $REAL
        is pgbackrest, $IN its part of the spool, and `first` is true once."""
        self.lab.make('bin', mode=0o755)
        self.lab.write('bin/pgbackrest', '''#!/bin/bash
REAL=%s IN=%s
first() { mkdir %s 2>/dev/null; }
case " $* " in *' archive-get:async '*)
%s
esac
exec -a pgbackrest $REAL "$@"
''' % (shutil.which('pgbackrest'), self.staging + '.d/spool/archive/demo/in', self.lab.path('log/first'), body), 0o755)
        return {'PATH': self.lab.path('bin') + ':' + self.lab.environment['PATH']}

    def held_in_the_spool(self, batch):
        """The environment of an asynchronous process that brings the segment of this batch last, once there is log/open; there is
        log/reached when the one before was taken."""
        held, opened = self.source.segments[batch], self.lab.path('log/open')
        return self.asynchronous('''if [ ! -e %s ] && [[ " $* " = *' %s '* ]]; then
  first || exit 0
  words=() others=()
  for word; do case $word in %s) ;; 0000*) others+=("$word") ;; *) words+=("$word") ;; esac; done
  $REAL "${words[@]}" "${others[@]}"
  while [ -e $IN/%024X ]; do sleep .02; done
  touch %s; until [ -e %s ]; do sleep .05; done
  exec -a pgbackrest $REAL "${words[@]}" %s
fi''' % (opened, held, held, int(held, 16) - 1, self.lab.path('log/reached'), opened, held))

    def wait_for_what_is_held(self):
        wait_until('the segment before the one that is held', lambda: os.path.exists(self.lab.path('log/reached')))

    def zero_in_the_spool(self):
        """What a power cut may leave of segments that nobody has flushed: their size, and zeros from the middle on."""
        segments = glob.glob(self.staging + '.d/spool/archive/demo/in/' + 24 * '[0-9A-F]')
        self.assertTrue(segments)
        for path in segments:
            with open(path, 'r+b') as file:
                file.seek(os.path.getsize(path) // 2)
                file.write(bytes(os.path.getsize(path) - file.tell()))
        self.lab.run_as_root('sync', *segments)

    def of_another_cluster(self, archived):
        """A copy of an archived segment with another system identifier in its first page; where it lies."""
        with gzip.open(archived) as file:
            wal = bytearray(file.read())
        wal[24:32] = bytes([7] * 8)
        with open(self.lab.path('foreign'), 'wb') as file:
            file.write(wal)
        return file.name

    def older_repository(self):
        """The environment that names a copy of the repository from before batch 8, with the same stanza."""
        older = self.lab.path('older')
        self.lab.run('cp', '-a', self.repository, older)
        for path in glob.glob(older + '/archive/demo/*/*/0000*'):
            if os.path.basename(path)[:24] >= self.source.segments[8]:
                os.remove(path)
        return {'PGBACKREST_CONFIG': self.lab.write('older.conf', read(self.pgbackrest_configuration).replace(
            'repo1-path=' + self.repository, 'repo1-path=' + older))}

    def wrapped_binaries(self, name, script):
        """A directory with PostgreSQL's programs, of which one is a script."""
        directory = self.lab.path('bin')
        os.mkdir(directory, 0o755)
        for program in os.listdir(self.lab.bin_directory):
            if program != name:
                os.symlink(os.path.join(self.lab.bin_directory, program), os.path.join(directory, program))
        self.lab.write('bin/' + name, '#!/bin/bash\n' + script, 0o755)
        return directory

    def slow_pgbackrest(self):
        """One whose archive-get takes a while and writes down in asked what was wanted."""
        return self.wrap_pgbackrest('[ $VERB != archive-get ] || { echo $SEGMENT >>%s; sleep .7; }' % self.lab.path('log/asked'))

    def waiting_pgbackrest(self):
        """One whose restore waits for let_the_copy_go_on()."""
        return self.wrap_pgbackrest('[ $VERB != restore ] || { >%s; until [ -e %s ]; do sleep .2; done; }' % (
            self.lab.path('log/copies'), self.lab.path('log/go')))

    def wait_for_the_copy(self):
        wait_until('the copy', lambda: os.path.exists(self.lab.path('log/copies')))

    def let_the_copy_go_on(self):
        self.lab.write('log/go', '')

    def is_dcs_asked(self):
        """Whether patronictl, which the program has started, waits for an answer."""
        return any('list_and_tell' in command for command in self.lab.living().values())

    def wait_for_replay_of(self, batch):
        """Until the replay with slow_pgbackrest() is through with the segments before that of this batch."""
        wait_until('the replay of batch %d' % batch, lambda: self.source.segments[batch] in read(self.lab.path('log/asked')))

    def failing_pgbackrest(self, batch, code, condition='true'):
        """One whose archive-get fails for the segments from that of this batch on, as long as the condition is true."""
        return self.wrap_pgbackrest('''if [ $VERB = archive-get ] && [ ${#SEGMENT} = 24 ] && [[ ! $SEGMENT < %s ]] && %s; then
  echo "ERROR: [%03d]: raised by the test" >&2; exit %d
fi''' % (self.source.segments[batch], condition, code, code))

    def archived(self, segment):
        """The file of a segment in the repository."""
        found = glob.glob(os.path.join(self.repository, 'archive/demo/*/*', segment + '-*'))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def damage_wal(self, batch):
        """Overwrites the middle of what batch wrote; pgBackRest does not notice, PostgreSQL finds a bad record."""
        self.overwrite_middle(self.archived(self.source.segments[batch]))

    @staticmethod
    def overwrite_middle(path, at=0x8000):
        with gzip.open(path) as file:
            content = bytearray(file.read())
        content[at:at + 0x100] = b'\xff' * 0x100
        with gzip.open(path, 'wb', 1) as file:
            file.write(content)

    # Acting -------------------------------------------------------------------------------------------------------

    def command(self, *arguments):
        return [program(), 'bootstrap', '--patroni-config=' + self.yml, '--scope=' + self.node.scope,
                '--datadir=' + self.data_directory, *arguments]

    def bootstrap(self, *arguments, environment=None, seconds=120):
        """Runs the program as Patroni would, to its end."""
        return self.run_program(*self.command(*arguments), environment=environment, seconds=seconds)

    def run_program(self, *command, **options):
        done = self.lab.attempt(*command, **options)
        print('$ %s\n%s%sexit code %d' % (' '.join(command), done.stdout, done.stderr, done.returncode))
        return Result(done.returncode, done.stdout + done.stderr)

    def start_bootstrap(self, *arguments):
        """Starts it in the background; its log is bootstrap.log."""
        return self.lab.start('bootstrap', *self.command(*arguments))

    def wait_for_log(self, pattern, seconds=60):
        """Waits for a line of a bootstrap in the background."""
        return wait_until('%r in the log' % pattern, lambda: re.search(pattern, self.lab.log('bootstrap')), seconds)

    def result_of(self, process, seconds=60):
        """The end of a bootstrap in the background."""
        wait_until('bootstrap to end', lambda: process.poll() is not None, seconds)
        return Result(process.returncode, self.lab.log('bootstrap'))

    def open(self, *settings):
        """Starts PostgreSQL on the finished data directory, as a server of its own that archives to the repository."""
        self.server = Server(self.lab, self.data_directory)
        self.server.start('archive_command=pgbackrest --config=%s --stanza=demo archive-push %%p'
                          % self.pgbackrest_configuration, *settings)

    def sql(self, statement):
        return self.server.sql(statement)

    # Asserting ----------------------------------------------------------------------------------------------------

    def assert_done(self, result):
        self.assertEqual(result.code, 0, result.log[-3000:])

    def assert_refused(self, result, code, message, hint='.', place=''):
        """The exit code, and an error whose message and hint match."""
        self.assertEqual(result.code, code, result.log[-3000:])
        wanted = '(?s)' + place + '.*' + message if place else message
        if not any(re.search(wanted, said) and re.search(hint, advice) for said, advice in result.problems()):
            self.fail('no error matches %r with a hint like %r:\n%s' % (wanted, hint, result.problems()))

    def assert_absent(self):
        """Patroni would take the data directory for empty, so nobody can start half a cluster."""
        names = os.listdir(self.data_directory) if os.path.lexists(self.data_directory) else []
        self.assertEqual([name for name in names if not name.startswith('.') and name != 'lost+found'], [])

    def control_data(self, directory=None):
        """{label: value} of pg_controldata."""
        printed = self.lab.run('pg_controldata', directory or self.data_directory, environment={'LC_ALL': 'C'})
        return dict(re.split(r':\s*', line, maxsplit=1) for line in printed.split('\n'))

    def assert_finished(self, timeline=2):
        """A cleanly stopped primary on the new timeline, with nothing of ours and no recovery setting left in it."""
        control = self.control_data()
        self.assertEqual(control['Database cluster state'], 'shut down')
        self.assertEqual(control["Latest checkpoint's TimeLineID"], str(timeline))
        names = os.listdir(self.data_directory)
        unwanted = {'recovery.signal', 'standby.signal', 'backup_label', 'postmaster.pid', 'postmaster.opts',
                    'patroni.dynamic.json', MARK + '.ticket'}
        self.assertEqual(unwanted & set(names), set())
        if '.restoring.d' in names:  # in a mount point there is no place beside it, and the next start needs to know
            self.assertEqual(os.listdir(os.path.join(self.data_directory, '.restoring.d')), ['journal.json'])
            names.remove('.restoring.d')
        self.assertEqual([name for name in names if 'restoring' in name], [])
        self.assertEqual(os.stat(self.data_directory).st_mode & 0o777, 0o700)
        self.assert_nothing_of_ours()
        self.assertFalse(os.path.lexists(self.staging), 'staging is still there')

    def assert_nothing_of_ours(self):
        """No file in the data directory carries our mark, no configuration file holds a recovery setting."""
        for name in os.listdir(self.data_directory):
            self.assertNotIn(MARK, name)
            if name.endswith('.conf'):
                content = read(os.path.join(self.data_directory, name))
                if name == 'postgresql.conf':  # Patroni 4.0 leaves recovery_conf in its own file until the next start
                    content = content.partition('\n# recovery.conf\n')[0]
                self.assertNotIn(MARK, content, name)
                if name != 'postgresql.conf':  # Patroni's own file, rewritten at every start
                    self.assertNotRegex(content, r"(?m)^\s*(restore_command|recovery_target\w*|recovery_end_command)\b")

    def assert_rows(self, batches, doomed=True, sql=None):
        """Exactly the rows of the first batches, in both tables, or in `kept` alone after the drop."""
        sql = sql or self.sql
        wait_until('the end of the recovery', lambda: sql('select pg_is_in_recovery()') == 'f', 30)
        self.assertEqual(sql("select coalesce(to_regclass('doomed')::text, 'dropped')"), 'doomed' if doomed else 'dropped')
        for table in ('kept', 'doomed')[:2 if doomed else 1]:
            counted = sql('select batch, count(*) from %s group by batch order by batch' % table)
            self.assertEqual(counted, '\n'.join('%d|%d' % (batch, ROWS) for batch in range(1, batches + 1)), table)

    def assert_complete(self, batches=BATCHES, doomed=None, timeline=2):
        """The data directory is finished and, once started, holds exactly that many batches."""
        self.assert_finished(timeline)
        self.open()
        self.assert_rows(batches, batches < BATCHES if doomed is None else doomed)

    def assert_nothing_runs(self, seconds=5, tidied=True):
        """Nothing that the program started is left, asynchronous grandchildren included, nor a file in TMPDIR."""
        try:
            wait_until('everything to end', lambda: not self.lab.living(), seconds)
        except AssertionError:
            self.fail('still running: %s' % self.lab.living())
        if tidied:
            self.assertEqual(os.listdir(self.lab.path('tmp')), [])

    def assert_resumes(self, *arguments, batches=BATCHES, **options):
        """Run again without the disturbance, it finishes what was interrupted."""
        self.assert_absent()
        self.forget_failure()
        self.assert_done(self.bootstrap(*arguments))
        self.assert_complete(batches, **options)

    def forget_failure(self):
        """What the hint of a failure that lasts tells a person to do once its cause is gone."""
        if os.path.exists(self.staging + '.d/failure.json'):
            os.remove(self.staging + '.d/failure.json')


class PlainCase(BootstrapCase):
    """A test with a source cluster of its own."""

    def make_source(self, settings='', after_start='', *initdb_options):
        self.repository = self.lab.path('plain-repo')
        self.plain = PlainCluster(self.lab, self.repository, *initdb_options)
        self.plain.start(settings)
        if after_start:
            for statement in after_start.split(';'):
                self.plain.sql(statement)
        self.plain.back_up()

    def lose(self):
        self.plain.lose()
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(self.data_directory, self.node.port, self.repository)
        self.configure()
