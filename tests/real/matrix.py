"""The interruption matrix: a restore that is struck in every phase by everything that can strike it.

A cell is a mode, a target, a phase and a strike. Patroni is started as systemd would do it, the phase is waited for (most are
held open by a gate), the strike falls, the gate opens, and Patroni is started again with `resume` before it, at most three
times. Right are: exactly the rows that were asked for; or, in patroni mode with a target, a refusal that says so.
"""
import json
import os
import re
import time

from bootstrap_case import BATCHES, program, read
from lab import reap_orphans, send, wait_until
from test_patroni import UnderPatroni

MODES = ('standalone', 'patroni')
TARGETS = ('latest', 'time')
BATCH = {'latest': BATCHES, 'time': 8}
SECONDS = 100  # for all starts of one cell

# phase: how it is recognised. Gates are held by a wrapped program until the strike has fallen.
PHASES = {
    'before the copy': 'gate', 'in the copy': 'gate', 'after the copy': 'gate', 'replay begun': 'gate',
    'replay from the spool': 'gate', 'replay in the middle': 'gate', 'end-of-recovery checkpoint': 'stopped', 'after the checkpoint': 'log',
    'stopping': 'log', 'sync': 'journal', 'before the hand-over': 'gate', 'in the hand-over': 'journal',
    'after the hand-over': 'journal', "Patroni's first start": 'log', 'post_bootstrap': 'gate'}
STRIKES = ('SIGTERM us', 'SIGKILL us', 'SIGKILL pgbackrest', 'SIGKILL postgres', 'SIGKILL Patroni', 'reboot')

# Who is there to be struck, besides Patroni and, up to the hand-over, us.
PGBACKREST = ('before the copy', 'in the copy', 'after the copy', 'replay begun', 'replay in the middle', 'replay from the spool')
POSTGRES = ('replay begun', 'replay in the middle', 'replay from the spool', 'end-of-recovery checkpoint', 'after the checkpoint', 'stopping',
            "Patroni's first start", 'post_bootstrap')
BY_PATRONI = ('replay begun', 'replay in the middle', 'replay from the spool', 'end-of-recovery checkpoint', 'after the checkpoint',
              "Patroni's first start", 'post_bootstrap')

# Where WAL is fetched ahead until the strike, as it is behind each. Elsewhere archive-get is called for each segment: gates are in it.
AHEAD = ('replay from the spool', 'sync', 'in the hand-over', 'after the hand-over', "Patroni's first start")


def cells():
    """[(mode, target, phase, strike)] of all that can be."""
    return [(mode, target, phase, strike) for mode in MODES for target in TARGETS for phase in PHASES for strike in STRIKES
            if is_possible(mode, phase, strike)]


def is_possible(mode, phase, strike):
    """Whether there is such a phase, and somebody to be struck in it."""
    if phase == 'stopping' and mode == 'patroni':
        return False
    by_patroni = phase in ("Patroni's first start", 'post_bootstrap', 'after the hand-over') or (mode == 'patroni' and phase in BY_PATRONI)
    if strike.endswith(' us'):
        return not by_patroni
    if strike == 'SIGKILL pgbackrest':
        return phase in PGBACKREST
    if strike == 'SIGKILL postgres':
        return phase in POSTGRES
    return True


def sample():
    """Each phase and each strike of each mode at least once; 31 cells of all."""
    chosen, strikes = [], {mode: list(STRIKES) for mode in MODES}
    for mode in MODES:
        for index, phase in enumerate(PHASES):
            target = TARGETS[index % 2]
            possible = [strike for strike in strikes[mode] + list(STRIKES) if is_possible(mode, phase, strike)]
            if possible:
                chosen.append((mode, target, phase, possible[0]))
                if possible[0] in strikes[mode]:
                    strikes[mode].remove(possible[0])
    reboots = [(mode, target, phase, 'reboot') for mode in MODES
               for target, phase in zip(TARGETS, ('replay from the spool', 'replay in the middle'))]
    return chosen + [cell for cell in reboots if cell not in chosen]


def name_of(cell):
    return 'test_' + re.sub(r'\W+', '_', ' '.join(cell)).lower()


class MatrixCase(UnderPatroni):
    """What one cell does; the tests are made below."""

    def strike_and_start_again(self, mode, target, phase, strike):
        self.prepare(mode, target, phase)
        self.node.start(environment={'PATH': self.lab.path('bin') + ':' + self.lab.environment['PATH']})
        self.wait_for(phase)
        self.strike(strike)
        self.lab.write('log/open', '')
        self.configure({**self.block, 'pgbackrest': None}, **self.sections)
        outcome = self.start_until_it_is_up(mode, target)
        print('outcome: ' + outcome)
        if os.environ.get('LAB_OUTCOMES'):
            with open(os.path.join(os.environ['LAB_OUTCOMES'], name_of((mode, target, phase, strike))), 'w', encoding='ascii') as file:
                file.write(outcome)
        self.assertIn(outcome, ('exact', 'refused') if (mode, target) == ('patroni', 'time') else ('exact',))

    # Holding a phase open -----------------------------------------------------------------------------------------

    def prepare(self, mode, target, phase):
        """A configuration in which the phase can be caught."""
        gate = 'touch %s; until [ -e %s ]; do sleep .05; done' % (self.lab.path('log/reached'), self.lab.path('log/open'))
        middle = self.source.segments[7]
        wrapped = {
            'before the copy': '[ $VERB != restore ] || { %s; }' % gate,
            'in the copy': '[ $VERB != restore ] || { pgbackrest "$@" & until [ -e %s ] || ! kill -0 $!; do :; done; touch %s; wait $!; exit; }' % (
                self.staging + '/base', self.lab.path('log/reached')),
            'after the copy': '[ $VERB != restore ] || { pgbackrest "$@" || exit; %s; exit 0; }' % gate,
            'replay begun': '[ $VERB != archive-get ] || [ ${#SEGMENT} != 24 ] || { %s; }' % gate,
            'replay in the middle': '[ $VERB != archive-get ] || [ ${#SEGMENT} != 24 ] || [[ $SEGMENT < %s ]] || { %s; }' % (middle, gate),
        }.get(phase, '' if phase in AHEAD else '[ $VERB != archive-get ] || sleep .2')
        self.lab.make('bin', mode=0o755)
        if phase == 'before the hand-over':
            self.lab.write('bin/patronictl', '#!/bin/bash\n%s\nexec /usr/bin/patronictl "$@"\n' % gate, 0o755)
        self.sections = {}
        if phase == 'post_bootstrap':
            script = self.lab.write('post_bootstrap', '#!/bin/bash\n%s\n' % gate, 0o755)
            self.sections['bootstrap'] = {'post_bootstrap': script}
        self.block = {'type': 'time', 'target': self.target('time', BATCH['time'])} if target == 'time' else {}
        if mode == 'patroni':
            self.block = self.patroni_mode('time', BATCH['time']) if target == 'time' else self.patroni_mode()
        if phase == 'replay from the spool':
            self.held_in_the_spool(7)
        self.configure({**self.block, 'pgbackrest': self.wrap_pgbackrest(wrapped, ahead=phase in AHEAD)}, **self.sections)

    def wait_for(self, phase):
        kind = PHASES[phase]
        if kind == 'gate':
            wait_until(phase, lambda: os.path.exists(self.lab.path('log/reached')))
        elif kind == 'stopped':
            wait_until('the replay', lambda: 'redo starts at' in self.lab.log('node1'), every=0.02)
            send(19, [pid for pid, command in self.lab.living().items() if 'checkpointer' in command])
            wait_until(phase, lambda: 'archive recovery complete' in self.lab.log('node1'))
        elif kind == 'log':
            pattern = {'after the checkpoint': 'database system is ready to accept connections', 'stopping': 'received fast shutdown',
                       # Killed a moment earlier PostgreSQL may leave an empty socket lock file, and refuses to start then.
                       "Patroni's first start": r'(?s)is ready for Patroni.*listening on Unix socket'}[phase]
            wait_until(phase, lambda: re.search(pattern, self.lab.log('node1')), every=0.005)
        else:
            wanted = {'sync': ('recovered', 'handing over', 'handed over'), 'in the hand-over': ('handing over', 'handed over'),
                      'after the hand-over': ('handed over',)}[phase]
            wait_until(phase, lambda: self.journalled() in wanted, every=0.002)

    def journalled(self):
        try:
            return json.loads(read(self.staging + '.d/journal.json') or '{}').get('phase')
        except ValueError:
            return None

    # Striking -----------------------------------------------------------------------------------------------------

    def strike(self, strike):
        living = self.lab.living()
        named = {
            'us': lambda command: command.startswith(program() + ' bootstrap'),
            'pgbackrest': lambda command: 'pgbackrest ' in command and program() not in command,
            'postgres': lambda command: command.startswith('postgres:') or '/postgres -D' in command,
        }
        if strike == 'reboot':
            pids = list(living)
        elif strike == 'SIGKILL Patroni':
            pids = [self.node.process.pid]
        else:
            pids = [pid for pid, command in living.items() if named[strike.split()[1]](command)]
        send(15 if strike.startswith('SIGTERM') else 9, pids)
        if strike == 'reboot':
            wait_until('the killed processes to end', lambda: not set(self.lab.living()) & set(pids), 20)
        # A server that was held keeps its stopped checkpointer only when it was not struck itself.
        send(18, [pid for pid, command in self.lab.living().items() if 'checkpointer' in command])

    # Starting again -----------------------------------------------------------------------------------------------

    def start_until_it_is_up(self, mode, target):
        """exact, wrong, refused or hung."""
        refusal = None
        until = time.monotonic() + SECONDS
        for _ in range(3):
            if self.patroni_runs_until_it_leads(until):
                return self.judge_rows(target)
            if self.node.process.poll() is None:
                break  # neither up nor ended
            resumed = self.lab.attempt(program(), 'resume', '--patroni-config=' + self.yml)
            print('$ resume\n%s%s(exit code %d)' % (resumed.stdout, resumed.stderr, resumed.returncode))
            if resumed.returncode:
                refusal = resumed.returncode
                continue
            self.node.start()
        if self.patroni_runs_until_it_leads(until):
            return self.judge_rows(target)
        # Refused by resume, by the guard, or by the next bootstrap: the first one's new timeline is in the archive now.
        said = re.search('restarted it as a standby without its target: refused',
                         self.lab.log('node1'))
        return 'refused' if mode == 'patroni' and target == 'time' and (refusal == 9 or said) else 'hung'

    def patroni_runs_until_it_leads(self, until):
        """Until it leads, ended, or the guard refused."""
        while time.monotonic() < until:
            reap_orphans()
            if self.node.process.poll() is not None:
                return False
            if self.node.is_leader():
                return True
            if 'restarted it as a standby without its target: refused' in self.lab.log('node1'):
                return False
            time.sleep(0.2)
        return False

    def judge_rows(self, target):
        try:
            self.assert_rows(BATCH[target], target == 'time', self.node.sql)
        except AssertionError as different:
            print(different)
            return 'wrong'
        return 'exact'


def make_tests(chosen, case):
    """A test for each cell, in the class `case`."""
    for cell in chosen:
        def test(self, cell=cell):
            self.strike_and_start_again(*cell)
        test.__doc__ = '%s mode, %s: %s, %s' % cell
        setattr(case, name_of(cell), test)
