"""What a cell came to, judged from what was seen of it. Nothing here acts."""
import collections
import os
import re

from cells import MOUNTS

# exact and refused are right; a cell whose call was not reached this time (threads, retries) says nothing.
RIGHT = ('exact', 'refused', 'missed')
OUTCOMES = (*RIGHT, 'wrong', 'hung', 'aborted', 'code 1', 'silent', 'left', 'stuck')

# code: the exit code, negative for a signal, None when it had to be ended. log: what it printed. fault: strace's line of the first
# injected call. data: 'before', 'whole' or 'half'. user_files: whether the user's own files are as before or whole. left: processes
# and files of ours. result: '' or what is wrong with the rows of a run that said it was done, or
# was ended behind its hand-over. then: the same of the next run.
Seen = collections.namedtuple('Seen', 'code log fault data user_files left result then')

WORDS = {'ENOSPC': 'No space left on device', 'EIO': 'Input/output error', 'EACCES': 'Permission denied', 'EROFS': 'Read-only file system',
         'EMFILE': 'Too many open files', 'ENOMEM': 'Cannot allocate memory', 'EAGAIN': 'Resource temporarily unavailable',
         'EPERM': 'Operation not permitted', 'EINTR': 'Interrupted system call'}


def judge(cell, seen, codes):
    """(outcome, why). `codes` are those of the program's own table."""
    if seen.code is None:
        return 'hung', 'it had to be ended'
    killed = cell.error == 'KILL' and seen.code == -9
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
    if seen.code not in (0, -9) and not says(cell, seen):
        return 'silent', 'no error names the path, the call or its words and has a hint'
    if seen.left and not killed:
        return 'left', seen.left
    if seen.then:
        return ('wrong' if seen.then.startswith('rows') else 'stuck'), 'the next run: ' + seen.then
    if not seen.fault:
        return 'missed', 'the call was not reached'
    return ('exact' if seen.code == 0 else 'refused'), ''


def says(cell, seen):
    """Whether an error names what failed and has a hint; where nothing can be written any more it need not."""
    if cell.call in ('write', 'writev') and cell.lasts == 'on':
        return True
    errors = re.findall(r' (?:ERROR|WARNING):? (.*(?:\n(?!\d{4}-).*)*)', seen.log)
    # A thread whose stack finds no memory is refused with EAGAIN, an object with an exception of its own.
    of_memory = [WORDS['EAGAIN'], 'bad_alloc', 'out of memory'] if cell.call == 'mmap' else []
    names = [cell.call, WORDS.get(cell.error, ''), *of_memory, *paths_of(seen.fault)]
    return 'HINT: ' in seen.log and any(name and name.lower() in error.lower() for error in errors for name in names)


def paths_of(fault):
    """The paths in strace's line, and their last parts."""
    paths = [path for pair in re.findall(r'"([^"]+)"|<(/[^>]+)>', fault) for path in pair if path]
    return paths + [os.path.basename(path) for path in paths if len(os.path.basename(path)) > 3]


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
