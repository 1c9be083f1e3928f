"""The part `settings` of bench/run: one replay after the other of the same backup and WAL, which lie on this disk, with the parameters
that the program gives its private server and with others.

BENCH_SEGMENTS says how many WAL segments are replayed (140), BENCH_SCALE pgbench's scale (100 is 1.5 GB), BENCH_ROUNDS how often each
candidate is measured, right after the program's own parameters (3; some 45 s each). BENCH_CANDIDATES has others in place of those below:
`NAME=VALUE NAME=VALUE; NAME=VALUE`, a name without a value for PostgreSQL's default. With BENCH_COLD=y the kernel forgets what it has of
the database before each replay, as if memory had no room for it; that needs root.
"""
import glob
import os
import re
import shutil
import signal
import statistics
import time

from lab import program, wait_until
from source_cluster import PlainCluster, pgbackrest, switch_wal, wait_until_archived

# What a candidate may have besides parameters: `sync -f` each second while the WAL is replayed.
WRITE_BACK = 'write-back-beside'
BUSY_WRITER = 'bgwriter_delay=10ms bgwriter_lru_maxpages=1000 bgwriter_lru_multiplier=10'
CANDIDATES = (
    '',  # the program's own once more: what the ratios scatter by
    'recovery_prefetch=on',
    'recovery_prefetch=on wal_decode_buffer_size=2MB',
    'recovery_prefetch=on wal_decode_buffer_size=8MB',
    'recovery_prefetch=on maintenance_io_concurrency=64 wal_decode_buffer_size=2MB',
    'shared_buffers=128MB',
    'shared_buffers=128MB ' + BUSY_WRITER,
    'shared_buffers=256MB ' + BUSY_WRITER,
    'shared_buffers=4GB',
    'bgwriter_lru_maxpages=0',
    'max_wal_size=512MB',
    'max_wal_size=512MB checkpoint_completion_target=0.1',
    'bgwriter_flush_after=512kB checkpoint_flush_after=256kB backend_flush_after=512kB',
    'shared_buffers=256MB fsync=on bgwriter_flush_after=512kB backend_flush_after=512kB ' + BUSY_WRITER,
    WRITE_BACK,
    'shared_buffers=256MB ' + BUSY_WRITER + ' ' + WRITE_BACK,
    'io_method=sync',
)


def settings(lab, _sizes=None):
    """Redo, end-of-recovery checkpoint, sync, and all from the server's start on, as ratios against the program's own parameters."""
    make_source(lab)
    chosen = chosen_parameters(lab)
    keep_backup_and_wal(lab)
    given = os.environ.get('BENCH_CANDIDATES')
    candidates = [candidate.strip() for candidate in given.split(';')] if given else CANDIDATES
    rounds = int(os.environ.get('BENCH_ROUNDS', '3'))
    print('settings: the program chooses %s' % ' '.join(
        '%s=%s' % (name, chosen[name]) for name in ('shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'recovery_prefetch')
        if name in chosen), flush=True)
    replay(lab, chosen, '')  # the first finds other things in memory than the rest
    for candidate in candidates:
        unknown = [name for name, _ in changes_of(candidate) if lab.attempt('postgres', '-C', name, '-D', lab.path('private')).returncode]
        if unknown:
            print('settings: %s: left out, this PostgreSQL has no %s' % (candidate, ', '.join(unknown)), flush=True)
            continue
        told = [(replay(lab, chosen, ''), replay(lab, chosen, candidate)) for _ in range(rounds)]
        print('settings: %s: %s' % (candidate or 'the same again', '; '.join(compared(what, told) for what in told[0][0])), flush=True)


def compared(what, told):
    """`redo 10.3 s, 0.77 times (0.75 to 0.80)`"""
    ratios = [after[what] / max(before[what], 0.001) for before, after in told]
    return '%s %.1f s, %.2f times (%.2f to %.2f)' % (
        what, statistics.median(after[what] for _, after in told), statistics.median(ratios), min(ratios), max(ratios))


def make_source(lab):
    segments, scale = int(os.environ.get('BENCH_SEGMENTS', '140')), os.environ.get('BENCH_SCALE', '100')
    cluster = PlainCluster(lab, lab.path('settings-repo'))
    cluster.start('max_wal_size=4GB\ncheckpoint_timeout=1h\nmax_connections=50\nsynchronous_commit=off')
    bench = ['-h', lab.directory, '-p', str(cluster.server.port), '-U', 'postgres', 'postgres']

    def written():
        return int(cluster.sql("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")) // (16 << 20)
    lab.run('pgbench', '-i', '-q', '-s', scale, *bench, seconds=3600)
    pgbackrest(lab, '--type=full', '--process-max=2', 'backup')
    first = written()
    while written() < first + segments:
        cluster.sql('checkpoint')  # whole pages in the WAL again, as after every checkpoint of a busy server
        lab.run('pgbench', '-N', '-M', 'prepared', '-c', '4', '-t', '25000', *bench, seconds=600)
    wait_until_archived(cluster, switch_wal(cluster))
    cluster.server.stop()
    shutil.rmtree(cluster.server.data_directory)


def chosen_parameters(lab):
    """{name: value} of the private server's command line, as the log of a restore has it."""
    data = lab.path('own')
    done = lab.attempt(program(), 'bootstrap', '--pgbackrest-config=' + lab.path('pgbackrest.conf'), '--stanza=demo', '--scope=demo',
                       '--datadir=' + data, '--log-level=debug', seconds=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    command, = re.findall(r' DEBUG: starting \S+/postgres -D \S+ -c (.*)', done.stderr)
    shutil.rmtree(data)
    return dict(word.split('=', 1) for word in command.split(' -c '))


def keep_backup_and_wal(lab):
    """The backup as pgBackRest restores it, and every archived segment, uncompressed."""
    base, wal = lab.make('base'), lab.make('wal')
    pgbackrest(lab, '--pg1-path=' + base, 'restore')
    lab.write(os.path.join(base, 'postgresql.auto.conf'), '')
    archived = glob.glob(lab.path('settings-repo', 'archive/demo/*/*/*'))
    for name in sorted(re.match('[0-9A-F]{24}(?=-)', os.path.basename(path)).group() for path in archived
                       if re.match('[0-9A-F]{24}-', os.path.basename(path))):
        pgbackrest(lab, '--pg1-path=' + base, 'archive-get', name, os.path.join(wal, name))
    lab.make('private')
    for name, text in (('postgresql.conf', ''), ('pg_hba.conf', 'local all all trust\n'), ('pg_ident.conf', '')):
        lab.write('private/' + name, text)


def changes_of(candidate):
    """[(name, value)] of its parameters."""
    return [word.split('=', 1) for word in candidate.split() if word != WRITE_BACK]


def parameters_of(lab, chosen, candidate):
    """The words of the command line: the chosen ones, with what this bench needs and what the candidate has in their place."""
    private = lab.path('private')
    values = {**chosen, **dict(changes_of(candidate)),
              'config_file': private + '/postgresql.conf', 'hba_file': private + '/pg_hba.conf',
              'ident_file': private + '/pg_ident.conf', 'external_pid_file': private + '/postmaster.pid',
              'unix_socket_directories': private, 'log_line_prefix': '%n ', 'log_checkpoints': 'on',
              'restore_command': 'cp %s/%%f "%%p"' % lab.path('wal')}
    left = {name for name, value in changes_of(candidate) if not value}
    return [word for name, value in values.items() if name not in left for word in ('-c', '%s=%s' % (name, value))]


def replay(lab, chosen, candidate):
    """{what: seconds} of one replay of a fresh copy."""
    data = lab.path('replayed')
    lab.run('cp', '-a', lab.path('base'), data, seconds=3600)
    lab.run('sync', '-f', data, seconds=3600)
    if os.environ.get('BENCH_COLD') == 'y':
        with open('/proc/sys/vm/drop_caches', 'w', encoding='ascii') as file:
            file.write('1')
    began = time.monotonic()
    server = lab.start('replayed', lab.bin_directory + '/postgres', '-D', data, *parameters_of(lab, chosen, candidate))
    beside = lab.start('beside', 'sh', '-c', 'while sleep 1; do sync -f %s; done' % data) if WRITE_BACK in candidate.split() else None

    def is_ready_or_ended():
        assert server.poll() is None, lab.log('replayed')[-3000:]
        return ' database system is ready to accept connections' in lab.log('replayed')
    wait_until('the end of the replay', is_ready_or_ended, 3600)
    server.send_signal(signal.SIGINT)
    wait_until('PostgreSQL to stop', lambda: server.poll() is not None, 3600)
    if beside:
        os.killpg(beside.pid, signal.SIGTERM)
        beside.wait()
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


def moment(log, words, not_before=0.0):
    """When the server first said it, in seconds since 1970."""
    return min(at for at in map(float, re.findall(r'(?m)^(\d+\.\d+) LOG:  ' + words, log)) if at >= not_before)
