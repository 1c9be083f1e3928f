"""Ways to bring back a lost cluster, each a function of the course and the directory; its docstring says what it does.

They return the seconds of their phases, which together last from the first command to a server that accepts connections.
"""
import glob
import json
import os
import shutil
import time

from lab import PatroniNode, Server, program, read, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
GIGABYTE = 1 << 30
SMALL = 100000  # bytes
# postgresql.conf is the one that came back. The archive stays as it is, and the first who gets in comes after the replay.
AS_PEOPLE_RUN_IT = ('archive_mode=off', 'hot_standby=off', 'fsync=on')
PHASES = ('copy', 'replay', 'flush', 'start', 'rest')  # in their order, but for the plan, which is part of the rest


def for_a_replay():
    """A DBA's settings: a quarter of the memory as shared_buffers, few restartpoints."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    return 'shared_buffers=%dMB' % (min(memory // 4, 8 * GIGABYTE) >> 20), 'max_wal_size=16GB', 'checkpoint_timeout=30min'


class Course:
    """A lost cluster's lab, in which contenders run one after the other."""

    def __init__(self, source):
        self.lab, self.clock, self.answers = source.lab, source.clock, source.answers
        # For answers from far away, or for the flush of each file.
        self.copy_waits = 'latency' in source.facts or source.facts['bytes'] < SMALL * source.facts['files']
        self.configuration = self.lab.path('pgbackrest.conf')
        self.server, self.etcd = None, None

    def run(self, contender):
        """The seconds of its phases, once it has shown that the rows are right."""
        data = self.lab.path(contender)
        os.sync()  # nobody writes what another one left
        phases = CONTENDERS[contender](self, data)
        for question, answer in self.answers.items():
            got = self.server.sql(question)
            assert got == answer, '%s: %s is %s, and was %s' % (contender, question, got, answer)
        self.server.stop()
        wait_until('archive-get to end', lambda: not any('archive-get' in command for command in self.lab.living().values()))
        for path in [data] + glob.glob(data + '.*'):
            (shutil.rmtree if os.path.isdir(path) else os.remove)(path)
        return phases

    def timed(self, *command):
        began = time.monotonic()
        self.lab.run(*command, seconds=self.clock.left())
        return time.monotonic() - began

    def restore(self, data, configuration, *options):
        self.lab.make(data)
        return self.timed('pgbackrest', '--config=' + configuration, '--stanza=demo', '--pg1-path=' + data, *options, 'restore')

    def bootstrap(self, data, *options):
        """The seconds of the program, and those of the phases in its report."""
        report = self.lab.path('report.json')
        elapsed = self.timed(program(), 'bootstrap', '--datadir=' + data, '--scope=demo', '--report=' + report, *options)
        return elapsed, json.loads(read(report))['durations']

    def start(self, data, *settings):
        """Seconds until the server accepts connections; its own file says when, so that no question slows the replay down."""
        began = time.monotonic()
        self.server = Server(self.lab, data, os.path.basename(data))
        self.server.launch(*AS_PEOPLE_RUN_IT, *settings)

        def is_ready():
            if self.server.process.poll() is not None:
                raise AssertionError('PostgreSQL ended with %s\n%s' % (
                    self.server.process.returncode, self.lab.log(self.server.name)[-3000:]))
            return read(os.path.join(data, 'postmaster.pid')).split('\n')[7:8] == ['ready   ']
        wait_until('PostgreSQL to accept connections', is_ready, self.clock.left(), every=.02)
        return time.monotonic() - began

    def patroni_yml(self, data):
        """Of patroni mode, for a cluster that the DCS does not know."""
        self.etcd = self.etcd or self.lab.start_etcd()
        return PatroniNode(self.lab, self.etcd, scope='demo', data_directory=data).configure({
            'command': program() + ' bootstrap', 'stanza': 'demo', 'pgbackrest-config': self.configuration,
            'recovery_conf': {'restore_command': program() + ' archive-get %f "%p"', 'recovery_target_action': 'promote'}},
            self.configuration)


def by_hand(course, data):
    """pgbackrest restore as it is called by default: one process, archive-get for each segment. PostgreSQL replays with the
    postgresql.conf that came back, which is initdb's."""
    copy = course.restore(data, course.configuration)
    return {'copy': copy, 'replay': course.start(data)}


def by_expert(course, data):
    """What a DBA does who knows both programs and keeps what is on the disk safe: process-max is the number of processors, four
    times that where the copy mostly waits, for a repository that is far away or for the flush of many small files; archive-async
    with a queue of 1 GiB; for the replay a quarter of the memory as shared_buffers (8 GB at most), max_wal_size=16GB and
    checkpoint_timeout=30min. fsync stays on; recovery_prefetch is on in PostgreSQL 15 and later by default."""
    processes = len(os.sched_getaffinity(0)) * (4 if course.copy_waits else 1)
    configuration = course.lab.write('expert.conf', read(course.configuration) + '''
[global:restore]
process-max=%d
[global:archive-get]
archive-async=y
archive-get-queue-max=1GiB
process-max=%d
''' % (processes, processes))
    copy = course.restore(data, configuration)
    return {'copy': copy, 'replay': course.start(data, *for_a_replay())}


def by_wrapper(course, data):
    """bench/wrapper.py: pgbackrest restore, and recovery settings in postgresql.auto.conf; the replay as by hand."""
    script = course.lab.write('wrapper.py', read(os.path.join(HERE, 'wrapper.py')))
    course.lab.make(data)
    copy = course.timed('/usr/bin/python3', '-B', script, data, course.configuration)
    return {'copy': copy, 'replay': course.start(data)}


def standalone(course, data):
    """bootstrap with its defaults, called by hand: the private PostgreSQL replays. Then the server is started as by hand."""
    elapsed, durations = course.bootstrap(data, '--pgbackrest-config=' + course.configuration, '--stanza=demo')
    phases = {'copy': durations['copy'], 'replay': durations['recovery'], 'flush': durations['sync']}
    return {**phases, 'rest': elapsed - sum(phases.values()), 'start': course.start(data)}


def patroni_mode(course, data):
    """bootstrap with the patroni.yml of patroni mode, which also asks the DCS with patronictl. The server that replays is
    started as Patroni starts it: recovery.signal, and a postgresql.conf that includes the base configuration and has
    recovery_conf behind it. What Patroni itself needs to start and to notice the end is not in it."""
    elapsed, durations = course.bootstrap(data, '--patroni-config=' + course.patroni_yml(data))
    phases = {'copy': durations['copy'], 'flush': durations['sync']}
    course.lab.write(data + '/postgresql.conf', '''include 'postgresql.base.conf'
restore_command = '%s archive-get %%f "%%p"'
recovery_target_action = 'promote'
''' % program())
    course.lab.write(data + '/recovery.signal', '')
    return {**phases, 'rest': elapsed - sum(phases.values()), 'replay': course.start(data)}


def floor(course, data):
    """What this machine can do: cp of the same backup as plain files, and cp as restore_command from WAL that lies beside it,
    uncompressed. Nothing is flushed, nothing proven, and the settings of the replay are the expert's, without prefetch of what lies
    in memory."""
    copy = course.timed('cp', '-a', '--reflink=never', course.lab.path('copy'), data)
    course.lab.write(data + '/recovery.signal', '')
    no_prefetch = ['recovery_prefetch=off'] if int(read(data + '/PG_VERSION')) >= 15 else []
    return {'copy': copy, 'replay': course.start(
        data, *no_prefetch, 'fsync=off', "restore_command=cp '%s'/%%f \"%%p\"" % course.lab.path('wal'), *for_a_replay())}


# The first one is what the others are compared with.
CONTENDERS = {'hand': by_hand, 'expert': by_expert, 'python': by_wrapper, 'standalone': standalone, 'patroni': patroni_mode,
              'floor': floor}
