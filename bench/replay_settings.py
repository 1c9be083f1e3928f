"""The part `settings` of bench/run: one replay after the other of the same backup and WAL, which lie on this disk, with the parameters
that the program gives its private server and with others.

--scale, --segments: what is replayed; --keep DIR keeps it there for the next call, which begins at once. --candidate 'NAME=VALUE NAME=VALUE',
which may be repeated, takes the place of those below: a name without a value is PostgreSQL's default, write-back=late the option of
`bootstrap`. Each of them is measured --rounds times, right behind the program's own parameters, as long as --minutes allow. With --cold the
kernel forgets what it has of the database before each replay, as if memory had no room for it; that needs root.
"""
import ctypes
import json
import os
import re
import shutil
import signal
import statistics
import sys
import threading
import time

from contest import Clock, OutOfTime
from data_sets import Source, long_wal
from lab import program, read, wait_until

LATE = 'write-back=late'
BUSY_WRITER = 'bgwriter_delay=10ms bgwriter_lru_maxpages=1000 bgwriter_lru_multiplier=10'
CANDIDATES = (
    '',  # the program's own once more: what the ratios scatter by
    LATE,
    'recovery_prefetch=on',
    'recovery_prefetch=on maintenance_io_concurrency=64 wal_decode_buffer_size=2MB',
    'shared_buffers=8GB',
    'shared_buffers=4GB',
    'shared_buffers=128MB',
    'max_wal_size=512MB checkpoint_completion_target=0.1',
    'checkpoint_timeout=30s',
    'recovery_prefetch=on wal_decode_buffer_size=8MB',
    'shared_buffers=128MB ' + BUSY_WRITER,
    'bgwriter_lru_maxpages=0',
    'max_wal_size=512MB',
    'bgwriter_flush_after=512kB checkpoint_flush_after=256kB backend_flush_after=512kB',
    'shared_buffers=256MB fsync=on bgwriter_flush_after=512kB backend_flush_after=512kB ' + BUSY_WRITER,
    'io_method=sync',
)


def settings(lab, sizes):
    """Redo, end-of-recovery checkpoint, sync, and all from the server's start on, as ratios against the program's own parameters."""
    clock = Clock(sizes.minutes * 60)
    kept = os.path.abspath(sizes.keep) if sizes.keep else lab.path('kept')
    try:
        if not os.path.exists(kept + '/parameters.json'):
            make_kept(lab, sizes, clock, kept)
        measure(lab, sizes, clock, kept)
    except (AssertionError, OutOfTime) as error:
        if isinstance(error, AssertionError) and clock.remaining() > 0:
            raise
        print('settings: nothing more, the %g minutes are over' % sizes.minutes, flush=True)


def make_kept(lab, sizes, clock, kept):
    """`base` and `wal`, plain, and the parameters of the private server that has replayed them, from the log of a restore."""
    if os.path.isdir(kept) and os.listdir(kept):
        sys.exit('%s: holds something else, or a part of it' % kept)
    source = Source(lab, clock)
    long_wal(source, sizes)
    data = lab.path('own')
    done = lab.attempt(program(), 'bootstrap', '--pgbackrest-config=' + lab.path('pgbackrest.conf'), '--stanza=demo', '--scope=demo',
                       '--datadir=' + data, '--log-level=debug', seconds=clock.left())
    assert done.returncode == 0, done.stderr[-3000:]
    command, *_ = re.findall(r' DEBUG: starting \S+/postgres -D \S+ -c (.*)', done.stderr)
    shutil.rmtree(data)
    shutil.rmtree(source.repository)
    lab.make(kept)
    lab.run('mv', lab.path('copy'), kept + '/base', seconds=3600)
    lab.run('mv', lab.path('wal'), kept + '/wal', seconds=3600)
    lab.write(kept + '/base/recovery.signal', '')
    lab.write(kept + '/parameters.json', json.dumps({
        'parameters': dict(word.split('=', 1) for word in command.split(' -c ')), 'facts': source.facts}))


def measure(lab, sizes, clock, kept):
    noted = json.loads(read(kept + '/parameters.json'))
    chosen = noted['parameters']
    lab.make('private')
    for name, text in (('postgresql.conf', ''), ('pg_hba.conf', 'local all all trust\n'), ('pg_ident.conf', '')):
        lab.write('private/' + name, text)
    print('settings: %.1f GB, %d segments%s; the program chose %s' % (
        noted['facts']['bytes'] / 1e9, noted['facts']['segments'], ', cold' if sizes.cold else '', ' '.join(
            '%s=%s' % (name, chosen[name]) for name in ('shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'recovery_prefetch')
            if name in chosen)), flush=True)
    took = []

    def one(candidate):
        """What does not fit into the minutes any more is not begun."""
        if took and max(took) > clock.remaining():
            raise OutOfTime
        began = time.monotonic()
        seconds = replay(lab, parameters_of(lab, kept, chosen, candidate), kept, clock, sizes.cold, LATE in candidate.split())
        took.append(time.monotonic() - began)
        return seconds
    one('')  # the first finds other things in memory than the rest
    for candidate in sizes.candidate or CANDIDATES:
        unknown = [name for name, _ in changes_of(candidate) if lab.attempt('postgres', '-C', name, '-D', lab.path('private')).returncode]
        if unknown:
            print('settings: %s: left out, this PostgreSQL has no %s' % (candidate, ', '.join(unknown)), flush=True)
            continue
        told = []
        try:
            while len(told) < sizes.rounds:
                told.append((one(''), one(candidate)))
        finally:
            if told:
                print('settings: %s: %s; %d rounds' % (candidate or 'the same again', '; '.join(
                    compared(what, told) for what in told[0][0]), len(told)), flush=True)


def compared(what, told):
    """`redo 10.3 s instead of 13.4 s, 0.77 times (0.75 to 0.80)`"""
    ratios = [after[what] / max(before[what], 0.001) for before, after in told]
    return '%s %.1f s instead of %.1f s, %.2f times (%.2f to %.2f)' % (
        what, statistics.median(after[what] for _, after in told), statistics.median(before[what] for before, _ in told),
        statistics.median(ratios), min(ratios), max(ratios))


def changes_of(candidate):
    """[(name, value)] of its parameters."""
    return [word.split('=', 1) for word in candidate.split() if word != LATE]


def parameters_of(lab, kept, chosen, candidate):
    """The words of the command line: the chosen ones, with what this bench needs and what the candidate has in their place."""
    private = lab.path('private')
    values = {**chosen, **dict(changes_of(candidate)),
              'config_file': private + '/postgresql.conf', 'hba_file': private + '/pg_hba.conf',
              'ident_file': private + '/pg_ident.conf', 'external_pid_file': private + '/postmaster.pid',
              'unix_socket_directories': private, 'log_line_prefix': '%n ', 'log_checkpoints': 'on',
              'restore_command': 'cp %s/wal/%%f "%%p"' % kept}
    left = {name for name, value in changes_of(candidate) if not value}
    return [word for name, value in values.items() if name not in left for word in ('-c', '%s=%s' % (name, value))]


def replay(lab, parameters, kept, clock, is_cold, is_late):
    """{what: seconds} of one replay of a fresh copy."""
    data = lab.path('replayed')
    lab.run('cp', '-a', '--reflink=never', kept + '/base', data, seconds=clock.left())
    lab.run('sync', '-f', data, seconds=3600)
    if is_cold:
        with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as file:
            file.write('1')
    began = time.monotonic()
    server = lab.start('replayed', lab.bin_directory + '/postgres', '-D', data, *parameters)

    def is_ready_or_ended():
        assert server.poll() is None, lab.log('replayed')[-3000:]
        return ' database system is ready to accept connections' in lab.log('replayed')
    with EarlyWriting(None if is_late else data):
        wait_until('the end of the replay', is_ready_or_ended, 3600)
        server.send_signal(signal.SIGINT)
        wait_until('PostgreSQL to stop', lambda: server.poll() is not None, 3600)
    stopped = time.monotonic()
    lab.run('sync', '-f', data, seconds=3600)
    ended = time.monotonic()
    log = lab.log('replayed')
    os.remove(lab.path('replayed.log'))
    shutil.rmtree(data)
    checkpoint = moment(log, 'checkpoint starting: end-of-recovery')
    return {'redo': moment(log, 'redo done at') - moment(log, 'redo starts at'),
            'checkpoint': moment(log, 'checkpoint complete', checkpoint) - checkpoint,
            'sync': ended - stopped, 'all': ended - began}


class EarlyWriting:
    """What the program does meanwhile (src/system/write_back): once a second the kernel is told to begin to write what has changed."""

    def __init__(self, data):
        self.data, self.ended = data, threading.Event()
        self.thread = threading.Thread(target=self.work)

    def __enter__(self):
        if self.data:
            self.thread.start()

    def __exit__(self, *_):
        self.ended.set()
        if self.data:
            self.thread.join()

    def work(self):
        since = 0
        while not self.ended.wait(1):
            now = time.time()
            self.write_what_changed(since)
            since = now - 1

    def write_what_changed(self, since):
        begin_to_write = ctypes.CDLL(None).sync_file_range
        begin_to_write.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
        for directory, below, names in os.walk(self.data):
            below[:] = [name for name in below if name != 'pg_wal']
            for name in names:
                try:
                    with open(os.path.join(directory, name), 'rb') as file:
                        if os.fstat(file.fileno()).st_ctime >= since:
                            begin_to_write(file.fileno(), 0, 0, 2)  # SYNC_FILE_RANGE_WRITE
                except FileNotFoundError:
                    pass


def moment(log, words, not_before=0.0):
    """When the server first said it, in seconds since 1970."""
    return min(at for at in map(float, re.findall(r'(?m)^(\d+\.\d+) LOG:  ' + words, log)) if at >= not_before)
