"""What a cell came to, judged from what was seen of it. Nothing here acts."""
import collections
import os
import re

from cells import DONE_WITH, FLUSHES, GUARDS, MOUNTS

# exact and refused are right; a cell whose call was not reached this time (threads, retries) says nothing.
RIGHT = ('exact', 'refused', 'missed')
OUTCOMES = (*RIGHT, 'wrong', 'hung', 'aborted', 'code 1', 'silent', 'left', 'stuck')

# code: the exit code, negative for a signal, None when it had to be ended. log: what it printed. fault: strace's lines of the
# injected calls: each process and thread has its N-th one. data: 'before', 'whole' or 'half'. user_files: whether the user's own
# files are as before or whole. left: processes and files of ours. result: '' or what is wrong with what a run brought that said it
# was done, or was ended behind its hand-over. then: the same of the next run.
Seen = collections.namedtuple('Seen', 'code log fault data user_files left result then')

WORDS = {'ENOSPC': 'No space left on device', 'EIO': 'Input/output error', 'EACCES': 'Permission denied', 'EROFS': 'Read-only file system',
         'EMFILE': 'Too many open files', 'ENOMEM': 'Cannot allocate memory', 'EAGAIN': 'Resource temporarily unavailable',
         'EPERM': 'Operation not permitted', 'EINTR': 'Interrupted system call', 'ENOLCK': 'No locks available'}

MOST_MISSED = 0.05  # of a run's cells: the rest of them must have shown something

# (what strace's line holds, what the log says, why): flushes that may fail although the run gets to its end. Any other that is passed
# over is wrong: what was handed over, or is to be believed after a power cut, may not be on the disk.
TOLD_OF_OTHERS = 'before this restore something could not be written'
HARMLESS_FLUSHES = (
    (r' sync_file_range\(', '', 'it only begins the writing; the flush at the hand-over tells of its errors'),
    (r' syncfs\(', TOLD_OF_OTHERS, 'of what others wrote: it is told and counts for nothing'),
    (r'\.restores\.json', '', 'what earlier restores took, for estimates'),
)


def judge(cell, seen, codes):
    """(outcome, why). `codes` are those of the program's own table."""
    if seen.code is None:
        return 'hung', 'it had to be ended'
    killed = cell.error == 'KILL' and seen.code == -9
    done = DONE_WITH.get(cell.scenario, 0)
    if cell.scenario in GUARDS and not killed and 0 < seen.code < 126 and 'terminate called' not in seen.log:
        return 'wrong', 'PostgreSQL takes exit code %d for the end of the archive' % seen.code
    if seen.code == 0 != done:
        return 'wrong', 'it said that all is right, and it is not'
    if not killed and (seen.code < 0 or seen.code in (134, 139) or 'terminate called' in seen.log):
        return 'aborted', 'ended with %d' % seen.code
    if not killed and (seen.code == 1 or seen.code not in codes):
        return 'code 1', 'ended with %d' % seen.code
    if not seen.user_files:
        return 'wrong', "a file of the user's was changed"
    # In a mount point each entry is renamed. Where no rename works any more none brings back what the first ones moved: the error says
    # so, and the next run goes on.
    cannot_go_back = cell.call.startswith('rename') and cell.lasts == 'on' and 'could not go back' in seen.log
    if seen.data == 'half' and not (cell.scenario in MOUNTS and (killed or cannot_go_back)):
        return 'wrong', 'the data directory is half there'
    if seen.result:
        return 'wrong', seen.result
    if seen.code == done and is_flush_passed_over(cell, seen):
        return 'wrong', 'a flush failed, and it was done all the same'
    if seen.code not in (done, -9) and not says(cell, seen):
        return 'silent', 'no error names the path or the call, or the words where there is none, and has a hint'
    if seen.left and not killed:
        return 'left', seen.left
    if seen.then:
        return ('wrong' if seen.then.startswith('rows') else 'stuck'), 'the next run: ' + seen.then
    if not seen.fault:
        return 'missed', 'the call was not reached'
    return ('exact' if seen.code == done else 'refused'), ''


def is_flush_passed_over(cell, seen):
    """Whether a flush failed that matters."""
    failed = seen.fault.split('\n') if seen.fault and cell.call in FLUSHES and cell.error != 'KILL' else []
    return (cell.call == 'syncfs' and len(failed) > seen.log.count(TOLD_OF_OTHERS)) or not all(
        any(re.search(line, each) and said in seen.log for line, said, _ in HARMLESS_FLUSHES) for each in failed)


def says(cell, seen):
    """Whether one error or warning names what failed and has a hint; where nothing can be written any more it need not.

    It names the path, or the call; where one of the calls has no path, or one of the system's own, its words do as well.
    """
    if cell.call in ('write', 'writev') and cell.lasts == 'on':
        return True
    paths = [paths_of(cell, line) for line in seen.fault.split('\n')]
    names = [r'\b%s\b' % cell.call, *map(pattern_of, sorted(set(sum(paths, []))))]
    if not all(paths):
        # A thread whose stack finds no memory is refused with EAGAIN, an object with an exception of its own.
        of_memory = [WORDS['EAGAIN'], 'bad_alloc', 'out of memory'] if cell.call == 'mmap' else []
        names += map(re.escape, filter(None, [WORDS.get(cell.error, ''), *of_memory]))
    return any('HINT: ' in problem and re.search(name, problem, re.IGNORECASE)
               for problem in problems_of(plain(seen.log)) for name in names)


def pattern_of(path):
    """The whole path, or what a process that runs right above its directory calls it."""
    whole, relative = re.escape(path), re.escape('/'.join(path.split('/')[-2:]))
    return r'(%s|(?<![\w/])%s)(?![\w/-]|\.\w)' % (whole, relative)


def plain(text):
    """Without the dots that change nothing in a path."""
    return re.sub(r'(?<=/)[.]/|(?<![\w/.])[.]/', '', text)


def problems_of(log):
    """Its errors and warnings, each with its hint."""
    return re.findall(r' (?:ERROR|WARNING):? (.*(?:\n(?!\d{4}-).*)*)', log)


BEHIND_LINKS = re.compile('/(wal|space)(/|$)')
OF_THE_SYSTEM = ('/dev/', '/etc/', '/lib', '/proc', '/run/', '/sys/', '/usr/')


def paths_of(cell, fault):
    """The paths that the calls are made on, from strace's lines, but for the system's own, and those behind a link, whose name the
    message may have; of a file that is written beside another one, the other one's."""
    fault = re.sub(r'AT_FDCWD<[^>]*>|<[^>]*/printed>', '', fault)
    if cell.call == 'execve':
        return []  # the message names the program
    quoted = [] if cell.call in ('write', 'writev', 'pwrite64') else re.findall(r'"([^"]+)"', fault)
    paths = map(plain, quoted + re.findall(r'<(/[^>]+)>', fault))
    return sorted({re.sub(r'/[.]([^/]+)[.]\w{6}$', r'/\1', path) for path in paths
                   if path and not path.startswith(OF_THE_SYSTEM) and not (cell.scenario == 'spaces' and BEHIND_LINKS.search(path))})


def table(outcomes):
    """The counts of [(cell, outcome)] for each scenario, as lines."""
    counts = collections.Counter((cell.scenario, outcome) for cell, outcome in outcomes)
    scenarios = list(dict.fromkeys(cell.scenario for cell, _ in outcomes))
    lines = ['%-12s%8s' % ('', 'cells') + ''.join('%9s' % outcome for outcome in OUTCOMES)]
    for scenario in [*scenarios, 'all']:
        row = [sum(count for (of, what), count in counts.items() if scenario in (of, 'all') and outcome in (what, None))
               for outcome in (None, *OUTCOMES)]
        lines.append('%-12s%8d' % (scenario, row[0]) + ''.join('%9d' % count for count in row[1:]))
    return lines
