"""How a private server's replay gets its WAL, and whose processor time it takes."""
import collections
import json
import os
import re
import shutil
import statistics
import time

from contest import Clock
from data_sets import Source, long_wal
from lab import descendants, program, read

GOAL = 12  # ms from PostgreSQL's question to its answer, for a segment that is there
# By the first whose words are in the command line.
KINDS = (('this program', ' bootstrap '), ('the startup process with what asks for WAL', 'postgres: startup'),
         ('the checkpointer', 'postgres: checkpointer'), ('the background writer', 'postgres: background writer'),
         ('the rest of PostgreSQL', 'postgres'), ('pgbackrest', 'pgbackrest'))
TICKS = os.sysconf('SC_CLK_TCK')


def served(lab, sizes):
    """A restore in standalone mode with much WAL: how long the program took to answer each question, by its own log, and the
    processor time of the replay."""
    long_wal(Source(lab, Clock(sizes.minutes * 60)), sizes)
    report = lab.path('report.json')
    process = lab.start('served', program(), 'bootstrap', '--pgbackrest-config=' + lab.path('pgbackrest.conf'), '--stanza=demo',
                        '--scope=demo', '--datadir=' + lab.path('data'), '--log-level=debug', '--report=' + report)
    began, used = {}, {}  # {pid: (kind, seconds)} when the replay was first seen, and last
    while process.poll() is None:
        running = descendants(process.pid)
        if any('postgres: startup' in command for command in running.values()):
            running[process.pid] = ' bootstrap '
            looked_at = {pid: (kind_of(command), seconds_of(pid, 'startup' in command))
                         for pid, command in running.items() if '--socket=' not in command}
            now = {pid: each for pid, each in looked_at.items() if each[1] is not None}
            began = began or now
            used.update(now)
        time.sleep(.1)
    assert process.returncode == 0, lab.log('served')[-3000:]
    took = [int(milliseconds) for milliseconds in re.findall(r' DEBUG: 0 for [0-9A-F]{24} after (\d+) ms', lab.log('served'))]
    replay = json.loads(read(report))['durations']['recovery']
    shutil.rmtree(lab.path('data'))
    print('served: %d segments, each answered after %d ms (median), 90 %% of them within %d ms, %.0f %% within %d ms; %.1f s of %.1f s '
          'of the replay together' % (
              len(took), statistics.median(took), statistics.quantiles(took, n=10)[-1], 100 * sum(each < GOAL for each in took) / len(took),
              GOAL, sum(took) / 1000, replay))
    seconds = collections.Counter()
    for pid, (kind, until_now) in used.items():
        seconds[kind] += until_now - began.get(pid, (kind, 0))[1]
    print('served: seconds of a processor: %s; %.1f of %d processors' % (
        ', '.join('%s %.1f' % pair for pair in seconds.most_common()), sum(seconds.values()) / replay, len(os.sched_getaffinity(0))))


def kind_of(command):
    return next((kind for kind, words in KINDS if words in command), 'others')


def seconds_of(pid, with_children):
    """Of its own, and of its children that have ended; None once it has ended itself. Others' children are counted while they live."""
    try:
        with open('/proc/%d/stat' % pid, encoding='utf-8', errors='replace') as file:
            return sum(map(int, file.read().rpartition(')')[2].split()[11:15 if with_children else 13])) / TICKS
    except OSError:
        return None
