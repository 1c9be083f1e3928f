"""The cells of the fault suite: which call of which run fails, how, and when. Nothing here acts.

A run is looked at once without a fault (`strace`), and every call that it makes can be made to fail: the N-th one, once or from
then on. A cell's name is its words, `beside rename ENOSPC 3 once`, so that it can be named again.
"""
import collections
import random
import re

SCENARIOS = ('beside', 'absent', 'mount', 'patroni', 'resume', 'configure', 'verify', 'guard')

# What each call can answer; `w`: only where it changes something (a file opened for writing).
DISK = ('ENOSPC', 'EIO')
DIRECTORY = ('ENOSPC', 'EACCES', 'EROFS', 'EIO')
CALLS = {
    'openat': ('EMFILE', 'ENOMEM', 'EACCES', 'EIO', 'EINTR', 'w ENOSPC', 'w EROFS'),
    'write': (*DISK, 'EINTR'), 'pwrite64': DISK, 'writev': DISK, 'ftruncate': (*DISK, 'EINTR'),
    'rename': DIRECTORY, 'renameat': DIRECTORY, 'renameat2': DIRECTORY, 'link': DIRECTORY, 'linkat': DIRECTORY,
    'symlink': DIRECTORY, 'symlinkat': DIRECTORY, 'mkdir': DIRECTORY, 'mkdirat': DIRECTORY,
    'unlink': ('EACCES', 'EROFS', 'EIO'), 'unlinkat': ('EACCES', 'EROFS', 'EIO'), 'rmdir': ('EACCES', 'EROFS', 'EIO'),
    'fsync': DISK, 'fdatasync': DISK, 'syncfs': DISK, 'sync_file_range': DISK,
    'chmod': ('EACCES', 'EROFS'), 'fchmod': ('EACCES', 'EROFS'), 'fchmodat': ('EACCES', 'EROFS'), 'fchown': ('EACCES', 'EROFS'),
    'clone': ('EAGAIN', 'ENOMEM'), 'clone3': ('EAGAIN', 'ENOMEM'), 'fork': ('EAGAIN', 'ENOMEM'), 'vfork': ('EAGAIN', 'ENOMEM'),
    'execve': ('ENOMEM', 'EACCES', 'EIO'),
    'socket': ('EMFILE', 'ENOMEM', 'EACCES'), 'bind': ('EACCES', 'ENOMEM'), 'connect': ('EACCES', 'EINTR'),
    'pipe2': ('EMFILE',), 'epoll_create1': ('EMFILE', 'ENOMEM'), 'eventfd2': ('EMFILE', 'ENOMEM'), 'timerfd_create': ('EMFILE', 'ENOMEM'),
    'mmap': ('ENOMEM',),
}
EVERY_CALL = ('rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'write', 'mkdir', 'fsync', 'clone', 'clone3', 'vfork', 'openat')
KILLED_AT = set(EVERY_CALL)  # where SIGKILL is a fault as well
ERRORS_THAT_PASS = ('EINTR',)  # a call that was disturbed again and again for ever is no fault of a machine

Cell = collections.namedtuple('Cell', 'scenario call error number lasts')  # lasts: 'once' or 'on'; execve's number is a path


def name_of(cell):
    return ' '.join(map(str, cell))


def cell_of(name):
    scenario, call, error, number, lasts = name.split(' ')
    return Cell(scenario, call, error, int(number) if number.isdigit() else number, lasts)


def numbers_of(trace):
    """{call: {N: 'w' or 'r'}} of the calls that a run makes itself, from strace's lines; of execve {path: 'w'}.

    Each thread counts for itself. What the dynamic linker does, up to its first munmap, is not ours, nor is a line of the log.
    """
    counts, numbers, loading = collections.Counter(), collections.defaultdict(dict), collections.Counter()
    main = None
    for pid, call, arguments in re.findall(r'(?m)^(\d+) +(\w+)\((.*)', trace):
        main = main or pid
        if call == 'execve':
            path = re.match(r'"([^"]*)"', arguments)
            if path and counts[main, 'munmap']:
                numbers[call][path.group(1)] = 'w'
            continue
        counts[pid, call] += 1
        if not counts[main, 'munmap']:
            loading[call] += 1
        elif call in CALLS and not (call in ('write', 'writev') and re.match('[12]<', arguments)):
            changes = call != 'openat' or re.search(r'O_WRONLY|O_RDWR|O_CREAT', arguments)
            numbers[call].setdefault(counts[pid, call], 'w' if changes else 'r')
    return {call: {number: kind for number, kind in found.items() if call == 'execve' or number > loading[call]}
            for call, found in numbers.items()}


def cells_of(scenario, numbers):
    """Every cell of a scenario."""
    return [cell for call, found in sorted(numbers.items()) for number, kind in sorted(found.items())
            for cell in cells_of_call(scenario, call, number, kind)]


def cells_of_call(scenario, call, number, kind):
    if call == 'execve':
        return [Cell(scenario, call, error, number, 'on') for error in CALLS[call]]
    errors = [error.split()[-1] for error in CALLS[call] if kind == 'w' or not error.startswith('w ')]
    cells = [Cell(scenario, call, error, number, lasts) for error in errors for lasts in ('once', 'on')
             if lasts == 'once' or error not in ERRORS_THAT_PASS]
    return cells + ([Cell(scenario, call, 'KILL', number, 'once')] if call in KILLED_AT and kind == 'w' else [])


def in_random_order(cells, seed):
    """All of them: first one of each call in each scenario, then a second one of each, and so on."""
    chance = random.Random(seed)
    groups = collections.defaultdict(list)
    for cell in cells:
        groups[cell.scenario, cell.call].append(cell)
    for group in groups.values():
        chance.shuffle(group)
    turns = [(turn, chance.random(), cell) for group in groups.values() for turn, cell in enumerate(group)]
    return [cell for _, _, cell in sorted(turns)]


def strace(cell, log):
    """The command that runs a program with the cell's fault. Children are let go of as soon as they are other programs."""
    command = ['strace', '-f', '-y', '-s', '256', '-o', log]
    if cell is None:
        return [*command, '-b', 'execve', '-e', 'trace=execve,munmap,' + ','.join('?' + call for call in CALLS)]
    fault = 'signal=KILL' if cell.error == 'KILL' else 'error=' + cell.error
    if cell.call == 'execve':
        return [*command, '-P', cell.number, '-e', 'trace=execve', '-e', 'inject=execve:' + fault]
    when = '%d%s' % (cell.number, '+' if cell.lasts == 'on' else '')
    return [*command, '-b', 'execve', '-e', 'trace=' + cell.call, '-e', 'inject=%s:%s:when=%s' % (cell.call, fault, when)]
