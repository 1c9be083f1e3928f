"""The cells of the fault suite: which call of which run fails, how, and when. Nothing here acts.

A run is looked at once without a fault (`strace`), and every call that it makes can be made to fail: the N-th one, once or from
then on. A cell's name is its words, `beside rename ENOSPC 3 once`, so that it can be named again.
"""
import collections
import os
import random
import re
import shutil
import zlib

BOOTSTRAPS = ('beside', 'absent', 'mount', 'clones', 'ahead', 'spaces', 'patroni', 'patroni-mount')
SCENARIOS = (*BOOTSTRAPS, 'resume', 'resume-mount', 'resume-patroni', 'configure', 'inplace', 'verify', 'verify-false', 'guard',
             'guard-ahead', 'rehearse')
MOUNTS = ('mount', 'patroni-mount', 'resume-mount')  # which are handed over entry by entry
GUARDS = ('guard', 'guard-ahead')
# Where archive-get is pgBackRest's own each time, and fetches ahead where it is told to.
FETCH_WAL = ('ahead', 'guard', 'guard-ahead')
DONE_WITH = {'verify-false': 8}  # the exit code of a run without a fault, where it is not 0
NEED_ROOT = ('inplace', 'clones')
NEED_XFS = ('clones',)
NEED_SPACES = ('spaces',)  # a cluster with a tablespace
# Scenarios of one command in another shape: what they do at the same place is one thing. A rehearsal is a bootstrap up to its hand-over.
SHAPES = {**dict.fromkeys((*BOOTSTRAPS, 'rehearse'), 'bootstrap'), 'resume-mount': 'resume', 'resume-patroni': 'resume', 'inplace': 'configure'}

ALIKE = 'base|pg_commit_ts|pg_dynshmem|pg_multixact|pg_notify|pg_serial|pg_snapshots|pg_stat|pg_stat_tmp|pg_subtrans|pg_xact'

# What each call can answer; `w`: only where it changes something (a file opened for writing).
DISK = ('ENOSPC', 'EIO')
DIRECTORY = ('ENOSPC', 'EACCES', 'EPERM', 'EROFS', 'EIO')
REMOVAL = ('EACCES', 'EPERM', 'EROFS', 'EIO')
ATTRIBUTES = ('EACCES', 'EPERM', 'EROFS')
CALLS = {
    'openat': ('EMFILE', 'ENOMEM', 'EACCES', 'EIO', 'EINTR', 'w ENOSPC', 'w EROFS'),
    'write': (*DISK, 'EINTR'), 'pwrite64': DISK, 'writev': DISK, 'ftruncate': (*DISK, 'EINTR'),
    'rename': DIRECTORY, 'renameat': DIRECTORY, 'renameat2': DIRECTORY, 'link': DIRECTORY, 'linkat': DIRECTORY,
    'symlink': DIRECTORY, 'symlinkat': DIRECTORY, 'mkdir': DIRECTORY, 'mkdirat': DIRECTORY,
    'unlink': REMOVAL, 'unlinkat': REMOVAL, 'rmdir': REMOVAL,
    'fsync': DISK, 'fdatasync': DISK, 'syncfs': DISK, 'sync_file_range': DISK,
    'truncate': (*DISK, 'EINTR'), 'chmod': ATTRIBUTES, 'fchmod': ATTRIBUTES, 'fchmodat': ATTRIBUTES,
    'chown': ATTRIBUTES, 'fchown': ATTRIBUTES, 'fchownat': ATTRIBUTES, 'fallocate': (*DISK, 'EINTR'),
    'clone': ('EAGAIN', 'ENOMEM'), 'clone3': ('EAGAIN', 'ENOMEM'), 'fork': ('EAGAIN', 'ENOMEM'), 'vfork': ('EAGAIN', 'ENOMEM'),
    'execve': ('ENOMEM', 'EACCES', 'EIO'),
    'socket': ('EMFILE', 'ENOMEM', 'EACCES'), 'bind': ('EACCES', 'ENOMEM'), 'connect': ('EACCES', 'EINTR'),
    'pipe2': ('EMFILE',), 'epoll_create1': ('EMFILE', 'ENOMEM'), 'eventfd2': ('EMFILE', 'ENOMEM'), 'timerfd_create': ('EMFILE', 'ENOMEM'),
    'mmap': ('ENOMEM',),
    # What a clone of the copy, a file that is replaced, and the wall around a child are made with.
    'ioctl': (*DISK, 'EPERM'), 'lchown': ATTRIBUTES, 'utimensat': ATTRIBUTES, 'fsetxattr': (*DISK, 'EPERM'), 'fremovexattr': ('EIO', 'EPERM'),
    'listen': ('EACCES',), 'landlock_create_ruleset': ('ENOMEM', 'EMFILE'), 'landlock_add_rule': ('ENOMEM',),
    'landlock_restrict_self': ('ENOMEM', 'EPERM'), 'seccomp': ('ENOMEM', 'EPERM'), 'prctl': ('EPERM',), 'setpgid': ('EPERM',),
    'flock': ('ENOLCK',), 'chdir': ('EACCES', 'EIO'), 'dup2': ('EMFILE',), 'accept': ('EMFILE', 'ENOMEM'), 'accept4': ('EMFILE', 'ENOMEM'),
    'epoll_ctl': ('ENOMEM', 'ENOSPC'), 'ioprio_set': ('EPERM',),
}
# What changes nothing that outlives the process, or has no way to fail that a machine would show. A run that makes any other call
# is not counted: it belongs here or above.
UNCHANGING = set('''
    read pread64 readv preadv getdents64 readlink readlinkat getcwd lseek access faccessat faccessat2 stat lstat fstat newfstatat statx
    statfs fstatfs getxattr fgetxattr lgetxattr llistxattr flistxattr listxattr
    close close_range dup dup3 fcntl fadvise64 umask
    poll ppoll select pselect6 epoll_wait epoll_pwait timerfd_settime
    socketpair getsockname getpeername getsockopt setsockopt sendto sendmsg sendmmsg recvfrom recvmsg shutdown
    munmap mremap mprotect madvise brk futex set_tid_address set_robust_list rseq arch_prctl membarrier
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait rt_sigsuspend sigaltstack restart_syscall kill tgkill
    wait4 waitid exit exit_group pidfd_open
    getpid gettid getppid getpgid getpgrp getsid getuid geteuid getgid getegid getgroups
    uname sysinfo getrandom getrlimit prlimit64 getrusage times getpriority ioprio_get sched_getaffinity sched_getscheduler sched_yield
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time
'''.split())
LOADING = ('execve', 'munmap')  # by which the dynamic linker's calls are told from ours
FLUSHES = ('fsync', 'fdatasync', 'syncfs', 'sync_file_range')
KILLED_AT = {'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'write', 'mkdir', 'fsync', 'fallocate', 'ftruncate',
             'clone', 'clone3', 'vfork', 'openat', 'ioctl'}  # where SIGKILL is a fault as well
ERRORS_THAT_PASS = ('EINTR',)  # a call that was disturbed again and again for ever is no fault of a machine

OTHERS_USE_IT = ('ioctl',)  # what makes a pipe not block cannot fail, and comes behind the one that is counted

Cell = collections.namedtuple('Cell', 'scenario call error number lasts')  # lasts: 'once' or 'on'; execve's number is a program


def name_of(cell):
    return ' '.join(map(str, cell))


def cell_of(name):
    scenario, call, error, number, lasts = name.split(' ')
    return Cell(scenario, call, error, int(number) if number.isdigit() else number, lasts)


def unknown_calls(trace):
    """Those of strace's lines that are neither made to fail nor known to change nothing."""
    return sorted({call for call in re.findall(r'(?m)^\d+ +(\w+)\(', trace)} - set(CALLS) - UNCHANGING)


def numbers_of(trace, directory):
    """{call: {N: [kind, what it is called on]}} of the calls that a run makes itself, from strace's lines; of execve the program's
    name in place of N. The kind is 'w' where something changes, else 'r'. `directory` is the lab's.

    Each thread counts for itself. What the dynamic linker does, up to its first munmap, is not ours, nor is a line of the log.
    """
    counts, numbers, loading = collections.Counter(), collections.defaultdict(dict), collections.Counter()
    main = None
    for pid, call, arguments in re.findall(r'(?m)^(\d+) +(\w+)\((.*)', trace):
        main = main or pid
        if call == 'execve':
            path = re.match(r'"([^"]*)"', arguments)
            if path and counts[main, 'munmap']:
                numbers[call][os.path.basename(path.group(1))] = ['w', '']
            continue
        counts[pid, call] += 1
        if not counts[main, 'munmap']:
            loading[call] += 1
        elif call in CALLS and not (call in ('write', 'writev') and re.match('[12]<', arguments)) and (
                call != 'ioctl' or re.search(r'\bFICLONE, ', arguments)):  # `BTRFS_IOC_CLONE or FICLONE`
            changes = call != 'openat' or re.search(r'O_WRONLY|O_RDWR|O_CREAT', arguments)
            numbers[call].setdefault(counts[pid, call], ['w' if changes else 'r', called_on(arguments, directory)])
    return {call: {number: seen for number, seen in found.items() if call == 'execve' or number > loading[call]}
            for call, found in numbers.items()}


def called_on(arguments, directory):
    """The paths in a call's arguments, else all of these, without numbers: the same for calls from one place in the program."""
    arguments = re.sub(r'\)\s+= .*| <unfinished.*', '', arguments).replace(directory, '')
    paths = [path for pair in re.findall(r'"(/[^"]*)"|<(/[^>]+)>', arguments) for path in pair if path]
    on = ' '.join(paths) or re.sub(r'"[^"]*"', '""', arguments)
    on = re.sub(r'/sys/fs/cgroup/(\S*/)?', '/sys/fs/cgroup/*/', on)
    # What mkdtemp and mkostemp chose; the journal is written in many places, which are told apart by it.
    on = re.sub(r'(/ppb|/\.(?!journal)[^/ ]+)\.\w{6}(?=[/ ]|$)', r'\1.*', on)
    return re.sub(r'0x[0-9a-f]+|[0-9A-F]{8,}|\d+', '#', on)


def errors_of(call, kind):
    """[(error, whether it comes once and from then on)] of a call of this kind."""
    if call == 'execve':
        return [(error, ('on',)) for error in CALLS[call]]
    errors = [error.split()[-1] for error in CALLS[call] if kind == 'w' or not error.startswith('w ')]
    is_for_once = call in OTHERS_USE_IT
    ways = [(error, ('once',) if is_for_once or error in ERRORS_THAT_PASS else ('once', 'on')) for error in errors]
    return ways + ([('KILL', ('once',))] if call in KILLED_AT and kind == 'w' else [])


def every_cell(counted):
    """{cell: its name} of all calls, from {scenario: numbers}."""
    cells = [Cell(scenario, call, error, number, lasts) for scenario, numbers in counted.items()
             for call, found in sorted(numbers.items()) for number, (kind, _) in sorted(found.items())
             for error, ways in errors_of(call, kind) for lasts in ways]
    return {cell: name_of(cell) for cell in cells}


def distinct(counted):
    """{cell: its words} of each error of each call on each thing once, however many shapes of the command and calls have it.

    The words name all of that but the call's number, which another run of the program may not have.
    """
    places = collections.defaultdict(dict)
    for scenario, numbers in counted.items():
        for call, found in numbers.items():
            for number, (kind, on) in found.items():
                place = (SHAPES.get(scenario, scenario), call, kind, number if call == 'execve' else as_one(on))
                places[place].setdefault(scenario, []).append(number)
    return {cell: words for place, found in sorted(places.items()) for cell, words in cells_of_place(place, found)}


def as_one(on):
    """A staging directory in a mount point, or in a scratch directory, has the name of one beside the data directory. What lies in a cluster's directories is
    handled alike, but for what the program asks for by its name."""
    on = re.sub(r'(?<![^ ])/scratch/ppb\.rehearsal(?=/(data|tmp)\b)', '', on)
    on = re.sub(r'(^|(?<= ))(/outer|/disk)?/data(/(?=\.restoring))?', '/data', on)
    return re.sub(r'(/data(\.restoring(\.d/base(\.removed)?)?)?)/((%s)(/[^ ]*)?|global/(?!pg_control)[^ ]+)(?= |$)' % ALIKE, r'\1/*', on)


def cells_of_place(place, found):
    """[(cell, words)], one for each error. The errors take turns with the shapes that have the place, with the first and the last
    of its calls, and with once and from then on. Where they begin is the place's own, so that all of these come about evenly."""
    _, call, kind, _ = place
    scenarios, begin = sorted(found), zlib.crc32(' '.join(place).encode())
    result = []
    for turn, (error, ways) in enumerate(errors_of(call, kind)):
        scenario = scenarios[(begin // 4 + turn) % len(scenarios)]
        first_or_last = (min, max)[(begin + turn) // 2 % 2]
        cell = Cell(scenario, call, error, first_or_last(found[scenario]), ways[(begin + turn) % len(ways)])
        result.append((cell, ' '.join((*place, error))))
    return result


def part_of(found, part, parts):
    """The cells of {cell: words} that belong to one of so many parts. It depends on nothing but the cell's own words: what the
    other parts hold, and what else a run does, changes nothing."""
    return [cell for cell, words in found.items() if zlib.crc32(words.encode()) % parts == part - 1]


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


def strace(cell, log, search_path):
    """The command that runs a program with the cell's fault. Children are let go of as soon as they are other programs.

    The program that an execve cell names is the first one in `search_path`.
    """
    command = ['strace', '-f', '-y', '-s', '256', '-o', log]
    if cell is None:
        quiet = sorted(UNCHANGING - set(LOADING))
        return [*command, '-b', 'execve', '-e', 'trace=!' + ','.join('?' + call for call in quiet)]
    fault = 'signal=KILL' if cell.error == 'KILL' else 'error=' + cell.error
    if cell.call == 'execve':
        found = shutil.which(cell.number, path=search_path) or cell.number
        return [*command, '-P', found, '-e', 'trace=execve', '-e', 'inject=execve:' + fault]
    when = '%d%s' % (cell.number, '+' if cell.lasts == 'on' else '')
    return [*command, '-b', 'execve', '-e', 'trace=' + cell.call, '-e', 'inject=%s:%s:when=%s' % (cell.call, fault, when)]
