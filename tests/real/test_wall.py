"""Nothing outside of the restore's own places is written to: the kernel sees to that, where it has Landlock."""
import os
import re
import shutil
import subprocess
import sys
import unittest

from bootstrap_case import BootstrapCase, program, read, wait_until

# Becomes the command that follows, in a process whose kernel refuses what stands for KERNEL.
REFUSING = '''#!%s
import ctypes, errno, os, struct, sys
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, EQUAL, RETURN, ALLOW, ERROR = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000
NUMBER, FIRST_ARGUMENT = 0, 16
KERNEL
rules = b''.join(struct.pack('HBBI', *rule) for rule in instructions)
class Filter(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('rules', ctypes.c_char_p)]
libc = ctypes.CDLL(None, use_errno=True)
program = Filter(len(instructions), rules)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
''' % sys.executable
# Answers landlock_create_ruleset with ENOSYS, as a kernel before 5.13 does.
WITHOUT_LANDLOCK = REFUSING.replace('KERNEL', '''
instructions = ((LOAD, 0, 0, NUMBER), (EQUAL, 0, 1, 444), (RETURN, 0, 0, ERROR | errno.ENOSYS), (RETURN, 0, 0, ALLOW))''')
# Answers seccomp and prctl(PR_SET_SECCOMP) with EPERM, as some containers do.
WITHOUT_FILTERS = REFUSING.replace('KERNEL', '''
seccomp, prctl = {'x86_64': (317, 157), 'aarch64': (277, 167)}[os.uname().machine]
instructions = ((LOAD, 0, 0, NUMBER), (EQUAL, 3, 0, seccomp), (EQUAL, 0, 3, prctl), (LOAD, 0, 0, FIRST_ARGUMENT),
                (EQUAL, 0, 1, PR_SET_SECCOMP), (RETURN, 0, 0, ERROR | errno.EPERM), (RETURN, 0, 0, ALLOW))''')

# Pg_magic_struct (fmgr.h). PostgreSQL 15 added the name of the ABI to it, 18 two pointers, which may be null.
EXTENSION = '''
#include <stdlib.h>
static const struct { int length, version, arguments, keys, name, float8; char name_of_abi[48]; } magic =
    {%(length)s, %(version)s, 100, 32, 64, 1, "PostgreSQL"};
const void *Pg_magic_func(void) { return &magic; }
void _PG_init(void) { if (system("%(command)s") != 0) return; }
'''


class Wall(BootstrapCase):
    def setUp(self):
        super().setUp()
        self.elsewhere = self.lab.make('elsewhere')
        self.lab.write('elsewhere/kept', 'kept')
        self.tried = self.lab.path('log/tried')
        self.check = [program(), 'check', '--patroni-config=' + self.yml]

    def try_to_write(self):
        """Shell commands that try it in every way, and write down in `tried` which succeeded."""
        ways = {'make': 'echo x >%s/new', 'overwrite': 'echo x >%s/kept', 'remove': 'rm %s/kept', 'directory': 'mkdir %s/made',
                'link': 'ln -s x %s/link', 'rename': 'mv %s/kept %s/moved', 'detached': 'setsid sh -c "echo x >%s/new"'}
        return 'echo tried >>%s; ' % self.tried + ' '.join(
            '{ %s; } 2>/dev/null && echo %s >>%s;' % (way.replace('%s', self.elsewhere), name, self.tried)
            for name, way in ways.items())

    def contents(self):
        return {name: read(os.path.join(self.elsewhere, name)) for name in os.listdir(self.elsewhere)
                if os.path.isfile(os.path.join(self.elsewhere, name))}

    def assert_only_tried(self):
        self.assertEqual(set(read(self.tried).split()), {'tried'})
        self.assertEqual(self.contents(), {'kept': 'kept'})

    def test_what_runs_in_the_copy_cannot_write_elsewhere(self):
        self.assert_done(self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            'if [ $VERB = restore ]; then %s fi' % self.try_to_write())))
        self.assert_only_tried()
        self.assert_complete()

    def trying_in_the_copy(self):
        return '--pgbackrest=' + self.wrap_pgbackrest('if [ $VERB = restore ]; then %s fi' % self.try_to_write())

    def test_nor_beside_the_directory_of_a_link_that_was_not_there(self):
        wal = os.path.join(self.elsewhere, 'wal')
        self.configure({'link-map': {'pg_wal': wal}})
        self.assert_done(self.bootstrap(self.trying_in_the_copy()))
        self.assert_only_tried()
        self.assertEqual(sorted(os.listdir(self.elsewhere)), ['kept', 'wal'])
        self.assertEqual(os.readlink(os.path.join(self.data_directory, 'pg_wal')), wal)
        self.assertEqual(os.stat(wal).st_mode, os.stat(self.data_directory).st_mode)
        self.assert_complete()

    def test_but_beside_the_file_of_a_link_it_can(self):
        file = os.path.join(self.elsewhere, 'ident')
        self.configure({'link-map': {'pg_ident.conf': file}})
        self.assert_done(self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            '[ $VERB != restore ] || echo x >%s/new' % self.elsewhere)))
        self.assertEqual(os.readlink(os.path.join(self.data_directory, 'pg_ident.conf')), file)
        self.assertEqual(set(self.contents()), {'ident', 'kept', 'new'})

    def test_nor_what_runs_in_the_restore_command(self):
        self.assert_done(self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            'if [ $VERB = archive-get ]; then %s fi' % self.try_to_write())))
        self.assert_only_tried()
        self.assert_complete()

    @unittest.skipUnless(shutil.which('gcc'), 'needs gcc')
    def test_nor_an_extension_of_the_server(self):
        major = int(os.path.basename(os.path.dirname(self.lab.bin_directory)))
        self.tried = os.path.join(self.staging, 'tried')  # it cannot write where pgBackRest does either
        code = self.lab.write('extension.c', EXTENSION % {
            'length': 24 if major < 15 else 56 if major < 18 else 72, 'version': major * 100,
            'command': 'bash ' + self.lab.write('try', self.try_to_write())})
        library = self.lab.path('extension.so')
        subprocess.run(['gcc', '-shared', '-fPIC', '-o', library, code], check=True)
        self.assert_done(self.bootstrap('--preload=' + library))
        self.tried = os.path.join(self.data_directory, 'tried')
        self.assert_only_tried()
        self.assert_complete()

    def test_check_says_that_there_is_a_wall(self):
        self.assertRegex(self.run_program(*self.check).log, "(?m)^writing confined: to the restore's places, by Landlock \\d+$")

    def test_without_landlock_everything_works_and_is_said(self):
        without = self.lab.write('without-landlock', WITHOUT_LANDLOCK, 0o755)
        said = self.run_program(without, *self.check)
        self.assertRegex(said.log, '(?m)^writing confined: no, the kernel has no Landlock$')
        result = self.run_program(without, *self.command('--pgbackrest=' + self.wrap_pgbackrest(
            '[ $VERB != restore ] || echo x >%s/new' % self.elsewhere)))
        self.assert_done(result)
        self.assertIn('the kernel has no Landlock', result.log)
        self.assertEqual(self.contents(), {'kept': 'kept', 'new': 'x\n'})
        self.assert_complete()


class Flushing(BootstrapCase):
    """On a disk whose mounts are told apart, so that nothing but what is tried here makes pgbackrest flush its files."""

    SAID = 'pgbackrest flushes each file of the copy: '

    def setUp(self):
        super().setUp()
        self.disk = self.lab.mount_disk(600, 'disk')
        self.lie_on(self.disk)
        self.configure()

    def flushes(self):
        """How many flushes the kernel has asked of the disk: an fsync that reaches it asks for one."""
        device = self.lab.loop_devices(self.disk + '.image').decode().partition(':')[0]
        return int(read('/sys/class/block/%s/stat' % os.path.basename(device)).split()[15])

    def bootstrap_of(self, kernel, *arguments):
        return self.run_program(*self.on(kernel), *self.command(*arguments))

    def on(self, kernel):
        return [self.lab.write('refusing', kernel, 0o755)]

    def flushes_of_a_file(self, *arguments, kernel=()):
        """(the result of a bootstrap, how often its disk was flushed by the end of the copy, for each file)."""
        before = self.flushes()
        process = self.lab.start('bootstrap', *kernel, *self.command(*arguments))
        wait_until('the copy', lambda: 'restore command end' in self.lab.log('bootstrap'), every=.01)
        flushes = self.flushes() - before
        result = self.result_of(process)
        self.assert_done(result)
        return result, flushes / sum(len(names) for _, _, names in os.walk(self.data_directory))

    def assert_flushed(self, result, why):
        self.assert_done(result)
        self.assertIn(self.SAID + why, result.log)
        processes, = re.findall(r'restore command begin.*--process-max=(\d+)', result.log)
        self.assertGreaterEqual(int(processes), min(16, 2 * len(os.sched_getaffinity(0))))  # initdb's files are small
        self.assert_complete()

    def assert_not_flushed(self, result, flushes):
        self.assertNotIn(self.SAID, result.log)
        self.assertLess(flushes, .1)  # what is not pgbackrest's: the journals of this program and of the file system
        self.assert_complete()

    def test_nothing_is_flushed_and_nothing_is_said(self):
        self.assert_not_flushed(*self.flushes_of_a_file())

    def test_nor_without_landlock(self):
        result, flushes = self.flushes_of_a_file(kernel=self.on(WITHOUT_LANDLOCK))
        self.assertIn('the kernel has no Landlock', result.log)
        self.assert_not_flushed(result, flushes)

    def test_but_for_a_script_which_may_need_sudo(self):
        self.assert_flushed(self.bootstrap_of(WITHOUT_LANDLOCK, '--pgbackrest=' + self.wrap_pgbackrest('')),
                            'it may start a setuid program')

    def test_a_kernel_that_takes_no_filter_is_named_and_many_processes_copy(self):
        self.assert_flushed(self.bootstrap_of(WITHOUT_FILTERS), 'the kernel takes no seccomp filter from this process: Operation not permitted')

    def test_process_max_that_is_set_counts(self):
        result, flushes = self.flushes_of_a_file('--process-max=3', kernel=self.on(WITHOUT_FILTERS))
        self.assertGreater(flushes, .2)  # the file system makes one of those that wait at the same time
        self.assertRegex(result.log, 'restore command begin.*--process-max=3 ')

    def test_where_another_mount_would_not_be_noticed(self):
        self.data_directory = self.node.data_directory = os.path.join(self.lab.mount_tmpfs(800, 'memory'), 'data')
        self.staging = self.data_directory + '.restoring'
        self.configure()
        self.assert_flushed(self.bootstrap(), 'another mount of the file system of %s would not be noticed' % self.staging)

