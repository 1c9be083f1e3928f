"""Disks that fail a restore: power that is cut at every rename and sync, and a place that is full at every step.

Power: the program is killed at its N-th call of a kind, its children with it, and what the kernel has not written is lost. What is in
the data directory then is nothing, or all of it; the next run brings the exact rows. A sample has moments of a run in place of N, which
it always has, and the layout of patroni mode: beside, with a Patroni that replays what was handed over.
Room: the disk of one place is made so small, before the copy or before the replay, that a share of what goes there fits. The run is
refused with a sentence that names the place, and the next one, on a disk with room again, brings the exact rows.
"""
import collections
import fcntl
import glob
import json
import os
import re
import shutil
import threading

from bootstrap_case import BootstrapCase, PlainCluster, read, wait_until
from lab import has_file_system
from source_cluster import switch_wal, wait_until_archived

FILLED = 12000  # rows of some 1 kB, a half in the backup
TABLES = ('filling', 'mapped')

SYSTEMS = ('ext4', 'xfs') if has_file_system('xfs') else ('ext4',)
LAYOUTS = ('beside', 'mount')
IN_PATRONI_MODE = (('sync', 'hand-over'), ('rename', 'last'))
CALLS = {'rename': 'rename,renameat,renameat2', 'sync': 'fsync,fdatasync,syncfs'}
LAST = {'rename': 64, 'sync': 64}  # more than a run has of them
MOMENTS = ('early', 'middle', 'hand-over', 'last')
PLACES = ('data', 'space', 'wal')
PHASES = ('copy', 'replay')
STEPS = tuple(range(5, 101, 5))
SURELY_FULL = 50  # per cent; with more of it a replay may get by
OUTCOMES = ('exact', 'refused', 'wrong', 'hung', 'past the end')


def power_cells():
    """[('power', file system, layout, call, N)]"""
    return [('power', system, layout, call, number) for system in SYSTEMS for layout in LAYOUTS for call in CALLS
            for number in range(1, LAST[call] + 1)]


def room_cells():
    """[('room', phase, place, per cent that fit)]"""
    return [('room', phase, place, step) for phase in PHASES for place in PLACES for step in STEPS]


def sample():
    """Each moment of each call, in turn in each layout and on each file system, and a few of the rest."""
    power = [('power', SYSTEMS[turn // 2 % len(SYSTEMS)], LAYOUTS[(turn + shift) % 2], call, moment)
             for shift, call in enumerate(CALLS) for turn, moment in enumerate(MOMENTS)]
    power += [('power', SYSTEMS[turn % len(SYSTEMS)], 'patroni', *moment) for turn, moment in enumerate(IN_PATRONI_MODE)]
    return power + [('room', 'copy', 'data', 50), ('room', 'copy', 'space', 50), ('room', 'replay', 'data', 50),
                    ('room', 'replay', 'space', 50), ('room', 'replay', 'wal', 50)]


def moments_of(trace, staging):
    """{rename or sync: {moment: (call, N)}} of a run, from strace's lines.

    strace counts for each call and each thread: a run that is to be ended at the N-th ends when the first thread gets there.
    """
    counts, firsts, hand_over = collections.Counter(), {kind: {} for kind in CALLS}, {}
    for pid, call, arguments in re.findall(r'(?m)^(\d+) +(\w+)\((.*)', trace):
        kind = next(kind for kind, calls in CALLS.items() if call in calls.split(','))
        counts[pid, call] += 1
        firsts[kind].setdefault((call, counts[pid, call]))
        paths = re.findall('"([^"]*)"', arguments)
        if not hand_over and len(paths) == 2 and (paths[0] + '/').startswith(staging + '/') and not paths[1].startswith(staging):
            hand_over = {each: len(reached) - 1 for each, reached in firsts.items()}
    result = {}
    for kind, reached in firsts.items():
        order = list(reached)
        places = {'early': len(order) // 6, 'middle': len(order) // 2, 'hand-over': hand_over[kind], 'last': len(order) - 1}
        result[kind] = {moment: order[place] for moment, place in places.items()}
    return result


def name_of(cell):
    return 'test_' + re.sub(r'\W+', '_', ' '.join('%02d' % word if isinstance(word, int) else word for word in cell))


class DisksCase(BootstrapCase):
    """A cluster of a table in the data directory and one in a tablespace, which both grow behind the backup; pg_wal may go elsewhere."""

    def setUp(self):
        super().setUp()
        kept = os.path.join(os.environ['LAB_SOURCE'], 'disks')
        with open(kept + '.lock', 'w', encoding='utf-8') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(kept):
                self.make_lost(kept)
        shutil.rmtree(self.repository)
        self.lab.run('cp', '-a', os.path.join(kept, 'repo'), self.repository)

    def make_lost(self, kept):
        new = self.lab.make('new')
        plain = PlainCluster(self.lab, os.path.join(new, 'repo'), '--wal-segsize=4')
        plain.start()
        plain.sql("create tablespace space location '%s'" % self.lab.make('space-of-the-source'))
        plain.sql('create table filling (n int, t text); create table mapped (n int, t text) tablespace space; ' + self.fill(1, FILLED // 2))
        plain.back_up()
        plain.sql(self.fill(FILLED // 2 + 1, FILLED))
        wait_until_archived(plain, switch_wal(plain))
        plain.server.stop()
        shutil.rmtree(plain.server.data_directory)
        shutil.rmtree(self.lab.path('space-of-the-source'))
        shutil.move(new, kept)

    @staticmethod
    def fill(first, last):
        return '; '.join("insert into %s select n, repeat('x', 1000) from generate_series(%d, %d) n" % (table, first, last) for table in TABLES)

    def use(self, data, space, wal, method=None):
        """Where everything goes, and what is added to the method's block."""
        self.data_directory = self.node.data_directory = data
        self.staging = os.path.join(data, '.restoring') if os.path.ismount(data) else data + '.restoring'
        self.space, self.wal = space, wal
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(data, self.node.port, self.repository, {'archive-timeout': '2'})
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write('[demo:restore]\nlink-map=pg_wal=%s\ntablespace-map=space=%s\n' % (wal, space))
        self.configure(method)

    def rows_are_exact(self):
        """Opens it."""
        self.open('min_wal_size=8MB', 'max_wal_size=16MB', 'archive_mode=off')
        self.assert_exact(self.sql)

    def patroni_brings_exact_rows(self):
        """It starts what is there with the delivered block, and leads at the end of the WAL."""
        self.node.start()
        self.node.wait_for_leader(120)
        self.assert_exact(self.node.sql)

    def assert_exact(self, sql):
        counted = sql(' union all '.join('select count(*), count(distinct n), min(n), max(n), sum(length(t)) from ' + table for table in TABLES))
        self.assertEqual(counted, '\n'.join(['%d|%d|1|%d|%d' % (FILLED, FILLED, FILLED, 1000 * FILLED)] * len(TABLES)))

    def visible(self):
        names = os.listdir(self.data_directory) if os.path.isdir(self.data_directory) else []
        return {name for name in names if not name.startswith('.') and name != 'lost+found'}

    def conclude(self, cell, outcome):
        print('outcome: ' + outcome)
        if os.environ.get('LAB_OUTCOMES'):
            with open(os.path.join(os.environ['LAB_OUTCOMES'], name_of(cell)), 'w', encoding='ascii') as file:
                file.write(outcome)

    def judged(self, cell, act):
        """Runs what is done in a cell, and writes down what came of it."""
        outcome = 'wrong'
        try:
            outcome = act()
        except AssertionError as failure:
            outcome = 'hung' if 'no end after' in str(failure) or 'waited' in str(failure) else 'wrong'
            raise
        finally:
            self.conclude(cell, outcome)

    # Power --------------------------------------------------------------------------------------------------------

    def cut_at(self, cell):
        _, system, layout, call, number = cell
        disk, other = self.lab.mount_disk(340, 'disk', system=system), self.lab.mount_disk(340, 'other', system=system)
        in_patroni_mode = layout == 'patroni'
        self.use(disk if layout == 'mount' else os.path.join(disk, 'data'), os.path.join(other, 'space'), os.path.join(other, 'wal'),
                 {'recovery_conf': self.recovery_conf()} if in_patroni_mode else None)
        calls = CALLS[call]
        is_reached = number in MOMENTS
        if is_reached:
            calls, number = self.once('moments-' + layout, lambda: self.look_at_calls([disk, other]))[call][number]
        self.lab.run_as_root('sync', '-f', disk, other)
        result = self.run_program(*self.strace(calls), '-e', 'inject=%s:signal=KILL:when=%d' % (calls, number), *self.command())
        if is_reached or result.code != 0:
            self.assertEqual(result.code, -9, result.log)
        self.lab.kill_all()
        self.assert_nothing_runs(tidied=False)
        self.keep_what_looks_whole()
        self.lab.cut_power(disk)
        self.lab.cut_power(other)
        shutil.rmtree(self.lab.path('tmp'))  # nobody was left to tidy up
        self.lab.make('tmp')
        if 'global' in self.visible():
            self.assertIn('PG_VERSION', self.visible())  # Patroni starts it as it is
        else:
            self.assertTrue(layout == 'mount' or not self.visible(), self.visible())
            self.assert_done(self.bootstrap())
        self.patroni_brings_exact_rows() if in_patroni_mode else self.rows_are_exact()
        return 'past the end' if result.code == 0 else 'exact'

    def strace(self, calls):
        """The program's own calls, without those of other programs."""
        return ['strace', '-f', '-b', 'execve', '-s', '512', '-o', self.lab.path('strace'), '-e', 'trace=' + calls]

    def look_at_calls(self, disks):
        self.assert_done(self.run_program(*self.strace(','.join(CALLS.values())), *self.command()))
        self.empty(disks)
        return moments_of(read(self.lab.path('strace')), self.staging)

    @staticmethod
    def empty(disks):
        for path in (os.path.join(disk, name) for disk in disks for name in os.listdir(disk) if name != 'lost+found'):
            os.remove(path) if os.path.islink(path) or not os.path.isdir(path) else shutil.rmtree(path)

    def keep_what_looks_whole(self):
        """What a disk happens to have kept: the files that say the most of a finished replay, while its pages are lost."""
        kept = [path for directory in (self.data_directory, self.staging)
                for path in glob.glob(directory + '/global/pg_control') + glob.glob(directory + '/pg_wal/0*')]
        if kept:
            self.lab.run_as_root('sync', *kept)

    # Room ---------------------------------------------------------------------------------------------------------

    def fill_at(self, cell):
        _, phase, place, step = cell
        disks = {name: self.lab.mount_tmpfs(300, name) for name in PLACES}
        self.use(*(os.path.join(disks[name], 'of-it') for name in PLACES))
        need = self.once('need', lambda: self.measure(disks))[phase][place]
        result = self.held_at(phase, lambda: self.shrink(disks[place], need * step // 100))
        outcome = 'exact'
        if step <= SURELY_FULL or result.code != 0:
            outcome = 'refused'
            self.assert_refused(result, 11, re.escape(disks[place]), 'make room')
            self.assertFalse(self.visible())
            self.assert_nothing_runs()
        self.lab.run_as_root('mount', '-o', 'remount,size=300m', disks[place])
        if result.code != 0:
            self.assert_done(self.bootstrap())
        self.rows_are_exact()
        return outcome

    def held_at(self, phase, act):
        """A bootstrap, with `act` done when the copy or the replay begins."""
        reached, opened = self.lab.path('log/reached'), self.lab.path('log/opened')
        begins = {'copy': '[ $VERB = restore ]', 'replay': '[ $VERB = archive-get ] && [ ${#SEGMENT} = 24 ]'}[phase]
        wrapped = self.wrap_pgbackrest('if %s && [ ! -e %s ]; then touch %s; until [ -e %s ]; do sleep .05; done; fi' % (
            begins, opened, reached, opened))
        process = self.start_bootstrap('--pgbackrest=' + wrapped, '--retry=0')
        wait_until(phase, lambda: os.path.exists(reached) or process.poll() is not None)
        act()
        self.lab.write('log/opened', '')
        result = self.result_of(process, 90)
        os.remove(opened)
        os.remove(reached)
        print(result.log)
        return result

    def shrink(self, disk, room):
        """tmpfs takes a size that is not below what is in it; 0 would be none at all."""
        used = self.used(disk)
        self.lab.run_as_root('mount', '-o', 'remount,size=%dk' % max((used + room) >> 10, 4), disk)

    @staticmethod
    def used(disk):
        facts = os.statvfs(disk)
        return (facts.f_blocks - facts.f_bfree) * facts.f_frsize

    @staticmethod
    def once(name, measure):
        """What the first test that needs it measures, for all of them."""
        kept = os.path.join(os.environ['LAB_SOURCE'], 'disks', name + '.json')
        with open(kept + '.lock', 'w', encoding='utf-8') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(kept):
                measured = json.dumps(measure())
                with open(kept, 'w', encoding='utf-8') as file:
                    file.write(measured)
        return json.loads(read(kept))

    def measure(self, disks):
        """{phase: {place: bytes}} that a restore on disks with room takes."""
        before, copied = self.all_used(disks), {}
        most = {}
        ended = threading.Event()

        def watch():
            while not ended.wait(0.02):
                for name, used in self.all_used(disks).items():
                    most[name] = max(most.get(name, 0), used)
        watcher = threading.Thread(target=watch)

        def begin():
            copied.update(self.all_used(disks))
            watcher.start()
        try:
            self.assert_done(self.held_at('replay', begin))
        finally:
            ended.set()
            watcher.join()
        self.empty(disks.values())
        return {'copy': {name: copied[name] - before[name] for name in disks}, 'replay': {name: most[name] - copied[name] for name in disks}}

    def all_used(self, disks):
        return {name: self.used(disk) for name, disk in disks.items()}


def make_tests(chosen, case):
    """A test for each cell, in the class `case`."""
    for cell in chosen:
        def test(self, cell=cell):
            act = self.cut_at if cell[0] == 'power' else self.fill_at
            self.judged(cell, lambda: act(cell))
        test.__doc__ = says(cell)
        setattr(case, name_of(cell), test)


def says(cell):
    if cell[0] == 'power':
        return 'power is cut at %s %s: %s, %s' % (cell[3], cell[4], cell[1], cell[2])
    return 'the disk of %s has room for %d %% of the %s' % (cell[2], cell[3], cell[1])
