"""What single commands cost beside what somebody else's program takes for the same, as ratios in the same run."""
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import time

from clones import clones
from contest import paired
from lab import program
from planning import plan
from replay_settings import settings
from served import served
from source_cluster import PlainCluster, pgbackrest, switch_wal, wait_until_archived


def timed(lab, *command, environment=None):
    began = time.monotonic()
    lab.run(*command, environment=environment, seconds=3600)
    return time.monotonic() - began


# Started in turn from one small parent, as PostgreSQL starts its restore_command: for each later command what it takes
# more than the first in the same turn, as the median with the ends of the middle eight tenths. Prints the first command's median and
# those.
LOOP = '''
import json, os, statistics, sys, time
commands = [json.loads(command) for command in sys.argv[1:]]
seconds = [[] for _ in commands]
output = os.dup(1)
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
for _ in range(300):
    for words, times in zip(commands, seconds):
        began = time.monotonic()
        _, status = os.waitpid(os.posix_spawnp(words[0], words, os.environ), 0)
        times.append(time.monotonic() - began)
        assert status == 0, words
more = [[time - first for time, first in zip(times, seconds[0])] for times in seconds[1:]]
more = [[statistics.median(each), *statistics.quantiles(each, n=10)[::8]] for each in more]
os.write(output, json.dumps([statistics.median(seconds[0])] + more).encode())
'''


def in_turn(lab, *commands, directory=None):
    return json.loads(lab.run('/usr/bin/python3', '-c', LOOP, *[json.dumps(command) for command in commands],
                              directory=directory, seconds=600))


def resident_kilobytes(command):
    """The most it had in memory, read while it waits for room in a full pipe: rusage would count the parent's memory."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, bytes(4096)):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    with subprocess.Popen(command, stdout=writer) as child:
        time.sleep(1)
        with open('/proc/%d/status' % child.pid, encoding='ascii') as file:
            status = dict(line.split(':', 1) for line in file)
        assert status['State'].split()[0] == 'S', '%s does not wait for its reader' % command
        most = int(status['VmHWM'].split()[0])
        os.close(reader)
    os.close(writer)
    return most


def start(lab, _):
    """--version against the interpreter that a helper in Python has to start."""
    python, (more, _, _) = in_turn(lab, ['/usr/bin/python3', '-c', 'pass'], [program(), '--version'])
    ours = python + more
    print('start: --version %.1f ms, /usr/bin/python3 -c pass %.1f ms, ratio %.2f' % (ours * 1e3, python * 1e3, ours / python))
    resident = resident_kilobytes([program(), '--version'])
    stripped = lab.path('stripped')
    subprocess.run(['strip', '-o', stripped, program()], check=True)
    print('start: %.1f MB resident at most, %.1f MB stripped' % (resident / 1024, os.path.getsize(stripped) / 1e6))


def guard(lab, _):
    """The guard against the pgbackrest archive-get that it starts, a segment each time."""
    cluster = PlainCluster(lab, lab.path('repo'))
    cluster.start()
    cluster.back_up()
    cluster.write_batches(1, 2, 3)
    wait_until_archived(cluster, switch_wal(cluster))
    cluster.server.stop()
    data = cluster.server.data_directory
    configuration = lab.path('pgbackrest.conf')
    segment = json.loads(pgbackrest(lab, '--output=json', 'info'))[0]['archive'][0]['max']
    command = ['pgbackrest', '--config=' + configuration, '--stanza=demo', '--pg1-path=' + data, 'archive-get']
    lab.write('plain/patroni_pgbackrest.ticket', json.dumps({
        'version': 1, 'recovery': 'patroni', 'scope': 'demo', 'target': 'latest', 'latest': True, 'explicit_timeline': False,
        'newest_timeline': True, 'timeline': 1, 'wal': [[segment, segment]], 'archive_get': command, 'retries': 0,
        'retry_wait': 1, 'base_configuration': ''}))

    wanted = [segment, 'pg_wal/got']
    plain, (more, least, most) = in_turn(lab, command + wanted, [program(), 'archive-get'] + wanted, directory=data)
    shutil.rmtree(data)
    print('guard: pgbackrest archive-get %.1f ms, ours %.1f ms more (eight of ten times %.1f to %.1f), ratio %.2f' % (
        plain * 1e3, more * 1e3, least * 1e3, most * 1e3, 1 + more / plain))


def overhead(lab, _):
    """bootstrap without its replay against the same pgbackrest restore."""
    cluster = PlainCluster(lab, lab.path('repo'))
    cluster.start()
    lab.run('pgbench', '-i', '-q', '-s', '20', '-h', lab.directory, '-p', str(cluster.server.port), '-U', 'postgres', 'postgres', seconds=600)
    cluster.back_up()
    cluster.lose()
    lab.make('restore')
    rounds, extra, copies, ratios = 11, [], [], []
    for index in range(rounds):
        plain_directory, ours_directory = lab.make('restore', 'plain%d' % index), lab.path('restore', 'ours%d' % index)
        plain = timed(lab, 'pgbackrest', '--config=' + lab.path('pgbackrest.conf'), '--stanza=demo', '--process-max=2',
                      '--pg1-path=' + plain_directory, '--type=immediate', 'restore')
        report = lab.path('report.json')
        ours = timed(lab, program(), 'bootstrap', '--pgbackrest-config=' + lab.path('pgbackrest.conf'), '--stanza=demo',
                     '--process-max=2', '--scope=demo', '--datadir=' + ours_directory, '--type=immediate', '--report=' + report)
        with open(report, encoding='utf-8') as file:
            # The flush counts: that pgbackrest has flushed each file by its end.
            recovery = json.load(file)['durations']['recovery']
        shutil.rmtree(plain_directory)
        shutil.rmtree(ours_directory)
        if index:
            copies.append(plain)
            extra.append(ours - recovery - plain)
            ratios.append((ours - recovery) / plain)
    print('overhead: the same pgbackrest restore %.0f ms, bootstrap without its replay %.0f ms more, ratio %.3f (%.3f to %.3f)' % (
        statistics.median(copies) * 1e3, statistics.median(extra) * 1e3, statistics.median(ratios), min(ratios), max(ratios)))


# Lines as long files have them, behind what every file has.
YAML_KINDS = {
    'pg_hba': ('  pg_hba:\n', '  - host app%d app%d 10.0.0.0/24 scram-sha-256\n'),
    'users': ('users:\n', '  user%d:\n    password: secret%d\n    options: [createdb]\n'),
    'nested': ('extra:\n', '  a%d:\n    b:\n      c:\n        d: %d\n'),
    'comments': ('', '# host %d was here before %d\n'),
    'text': ('note: |\n', '  line %d of %d\n'),
    'block': ('bootstrap:\n  method: other\n  other:\n    command: other\n', '    option-%d: %d\n'),
}


def write_long_yaml(lab, kind, lines):
    beginning, repeated = YAML_KINDS[kind]
    text = 'scope: demo\nname: node1\npostgresql:\n  data_dir: /nonexistent/data\n' + beginning
    text += ''.join(repeated % (number, number) for number in range(lines // repeated.count('\n')))
    return lab.write('%s-%d.yml' % (kind, lines), text)


def long_yaml(lab, _):
    """check and configure on 20,000 lines against 5,000 and against PyYAML, Patroni's reader, in processor time; and how long
    configure takes beside patronictl, which reads the file and finds no DCS in it."""
    def seconds(*command, codes=(0, 3), path='/nonexistent'):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600, check=False,
                              env={'PATH': path}).returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert code in codes, '%s ended with %d' % (command, code)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def elapsed(*command):
        began = time.monotonic()
        seconds(*command, path='/usr/bin:/bin')
        return time.monotonic() - began

    load = 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))'
    options = ['--stanza=demo', '--type=name', '--target=before', '--replicas', '--replace']
    for kind in YAML_KINDS:
        short, long = (write_long_yaml(lab, kind, lines) for lines in (5000, 20000))
        checked = paired(3, lambda s=short: seconds(program(), 'check', '--patroni-config=' + s, '--stanza=demo'),
                         lambda l=long: seconds(program(), 'check', '--patroni-config=' + l, '--stanza=demo'))
        changed = paired(3, lambda s=short: seconds(program(), 'configure', '--patroni-config=' + s, *options),
                         lambda l=long: seconds(program(), 'configure', '--patroni-config=' + l, *options))
        python = statistics.median(seconds('/usr/bin/python3', '-c', load, long) for _ in range(3))
        asked = statistics.median(elapsed(program(), 'configure', '--patroni-config=' + long, *options) for _ in range(3))
        print('yaml: %s, 20000 lines: PyYAML %.0f ms; check %.0f ms, ratio %.2f, %.1f times 5000 lines; '
              'configure %.0f ms, ratio %.2f, %.1f times 5000 lines, beside patronictl %.0f ms on the clock' % (
                  kind, python * 1e3, checked[1] * 1e3, checked[1] / python, checked[1] / checked[0],
                  changed[1] * 1e3, changed[1] / python, changed[1] / changed[0], asked * 1e3))


def rehearse(lab, sizes):
    """pgbench on a server whose stanza is rehearsed beside it, on the same disk, against the seconds between the rehearsals."""
    rounds, pause = 5, 30
    cluster = PlainCluster(lab, lab.path('repo'))
    cluster.start('max_wal_size=4GB\nmax_connections=50')
    bench = ['-h', lab.directory, '-p', str(cluster.server.port), '-U', 'postgres', 'postgres']
    write = ('pgbench', '-N', '-M', 'prepared', '-c', '4')
    lab.run('pgbench', '-i', '-q', '-s', str(sizes.scale), *bench, seconds=3600)
    cluster.back_up()
    lab.run(*write, '-t', '25000', *bench, seconds=600)
    target = cluster.sql('select pg_current_wal_lsn()')  # each rehearsal replays the same
    wait_until_archived(cluster, switch_wal(cluster))
    cluster.server.stop()
    cluster.server.start('shared_buffers=256MB', 'fsync=on',  # as people run it
                         'archive_command=pgbackrest --config=%s --stanza=demo archive-push %%p' % lab.path('pgbackrest.conf'))
    production = lab.start('pgbench', *write, '-P', '1', '--progress-timestamp', '-T', '86400', *bench)
    times = [time.time()]

    def note_time_after(action):
        action()
        times.append(time.time())

    note_time_after(lambda: time.sleep(pause))
    for _ in range(rounds + 1):
        note_time_after(lambda: lab.run(
            program(), 'rehearse', '--pgbackrest-config=' + lab.path('pgbackrest.conf'), '--stanza=demo', '--type=lsn',
            '--target=' + target, '--scratch=' + lab.path('scratch'), '--checksums', seconds=3600))
        note_time_after(lambda: time.sleep(pause))
    if production.poll() is not None:
        raise RuntimeError('pgbench ended by itself:\n' + lab.log('pgbench')[-1000:])
    production.terminate()
    production.wait()
    cluster.server.stop()
    shutil.rmtree(cluster.server.data_directory)

    told = [(float(at), float(tps)) for at, tps in re.findall(r'(?m)^progress: ([\d.]+) s, ([\d.]+) tps', lab.log('pgbench'))]
    rates = [statistics.mean(tps for at, tps in told if begin + 1 < at <= end) for begin, end in zip(times, times[1:])]
    # Pauses and rehearsals in turn. The first rehearsal reads what the others find in memory.
    beside, alone = rates[3::2], [(before + after) / 2 for before, after in zip(rates[2::2], rates[4::2])]
    ratios = [one / other for one, other in zip(beside, alone)]
    lasted = statistics.median(end - begin for begin, end in list(zip(times, times[1:]))[3::2])
    print('rehearse: pgbench alone %.0f tps, beside a rehearsal of %.0f s %.0f tps, ratio %.2f (%.2f to %.2f in %d rounds)' % (
        statistics.median(alone), lasted, statistics.median(beside), statistics.median(ratios), min(ratios), max(ratios), rounds))


# Each takes a lab of its own, and the sizes that were asked for.
COSTS = {'start': start, 'guard': guard, 'overhead': overhead, 'plan': plan, 'served': served, 'settings': settings, 'clones': clones,
         'rehearse': rehearse, 'yaml': long_yaml}
