"""Runs cells of one scenario: it is arranged once, and a process of its own is forked for each of them.

    python3 worker.py SCENARIO NAME...   the cells of these names; without names the scenario's calls are counted. An outcome is
                                         written to LAB_OUTCOMES/NAME.json, and a line to stdout for each cell.
"""
import contextlib
import io
import json
import os
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'real'), os.path.join(os.path.dirname(HERE), 'support')]
sys.dont_write_bytecode = True
import cells  # noqa: E402
import judgement  # noqa: E402
from faulty import LIMIT_OF_A_CELL, Faulty, outcome_path  # noqa: E402
from lab import be_subreaper, kill_tree, read, started, wait_until  # noqa: E402


def main():
    case = Faulty('runTest')
    case.scenario = sys.argv[1]
    right = True
    arranging = io.StringIO()
    try:
        try:
            with contextlib.redirect_stdout(arranging):
                case.setUp()
                case.arrange()
        except BaseException:
            print(arranging.getvalue())
            raise
        for name in sys.argv[2:] or [None]:
            right = run_one(case, name) and right
            case.put_back()
    finally:
        case.doCleanups()
    return 0 if right else 1


def run_one(case, name):
    """Whether the cell went right. What it printed is shown only when it did not, or with LAB_VERBOSE."""
    began = time.monotonic()
    output = case.lab.path('output')
    pid = os.fork()
    if pid == 0:
        os._exit(run_here(case, name, output))
    started.add(pid)
    ended = []

    def has_ended():
        ended[:] = ended or [(status, usage) for reaped, status, usage in [os.wait4(pid, os.WNOHANG)] if reaped]
        return ended
    try:
        wait_until('the cell to end', has_ended, LIMIT_OF_A_CELL, every=.02)
    except AssertionError:
        kill_tree(pid)
        os.kill(pid, signal.SIGKILL)
        ended = [os.wait4(pid, 0)[1:]]
    started.discard(pid)
    status, usage = ended[0]
    printed = read(output)
    line = '%s  %4.1f s  %s  (%.1f s of a processor)%s' % (
        'FAILED' if status else 'passed', time.monotonic() - began, name or case.scenario + ', without a fault',
        usage.ru_utime + usage.ru_stime, ''.join('  ' + said for said in printed.splitlines()[-1:] if status))
    shown = printed + '\n' if status or os.environ.get('LAB_VERBOSE') else ''
    print(line + '\n' + shown + line if shown else line, flush=True)
    return not status


def run_here(case, name, output):
    """In the process that was forked for a cell: 0 when it went right."""
    os.setsid()
    be_subreaper()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        if name is None:
            return write_outcome(case.scenario, case.count())
        outcome, why = case.run_cell(cells.cell_of(name))
        print('outcome: %s %s' % (outcome, why), flush=True)
        write_outcome(name, [outcome, why])
        return 0 if outcome in judgement.RIGHT else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        kill_tree(os.getpid())


def write_outcome(name, value):
    with open(outcome_path(name), 'w', encoding='utf-8') as file:
        json.dump(value, file)
    return 0


if __name__ == '__main__':
    sys.exit(main())
