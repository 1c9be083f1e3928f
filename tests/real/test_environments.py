"""The shapes in which people run this: a container of a user without a name, Debian's directories, variables only."""
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess

from bootstrap_case import BATCHES, PlainCluster, Server, program, read, wait_until
from lab import process_table, send
from source_cluster import pgbackrest
from test_patroni import EXAMPLES, UnderPatroni

CLONE_NEWNS = 0x20000  # linux/sched.h
SOMEBODY, FS_GROUP = 1000730000, 1000730001  # as OpenShift gives them out: no entry in passwd or group


class OwnMounts(UnderPatroni):
    """What is mounted is seen by this test and its children only."""

    def setUp(self):
        if os.geteuid():
            self.skipTest('needs root')
        super().setUp()
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
            self.skipTest('unshare: ' + os.strerror(ctypes.get_errno()))
        try:
            self.mount('--make-rprivate', '/')
        except subprocess.CalledProcessError:
            self.skipTest('/ is no mount point, as in a plain chroot')
        self.leave_the_disks_of_others()

    def leave_the_disks_of_others(self):
        """They are tests' beside this one, which mount theirs anew and would find it held here."""
        others = [line.split()[1] for line in read('/proc/self/mounts').splitlines()]
        for path in reversed([path for path in others if '/ppb.' in path and not path.startswith(self.lab.directory)]):
            self.lab.run_as_root('umount', '--lazy', path)

    def mount(self, *arguments):
        self.lab.run_as_root('mount', *arguments)

    def check(self):
        return self.run_program(program(), 'check', '--patroni-config=' + self.yml)

    def verify(self, environment=None):
        return self.run_program(program(), 'verify', '--patroni-config=' + self.yml, environment=environment)

    def put_data_directory(self, path):
        self.data_directory = self.node.data_directory = path
        self.staging = path + '.restoring'
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(path, self.node.port, self.repository)
        self.configure()


class LittleMemory(OwnMounts):
    def test_an_eighth_of_it_may_lie_in_the_spool(self):
        """With a machine's /proc/meminfo that has little left."""
        left = 400000
        self.mount('--bind', self.lab.write('meminfo', 'MemTotal:       16000000 kB\nMemAvailable:   %d kB\n' % left, 0o644), '/proc/meminfo')
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_done(self.bootstrap())
        ticket = json.loads(read(self.data_directory + '/patroni_pgbackrest.ticket'))
        self.assertIn('--archive-get-queue-max=%d' % (left * 1024 // 8), ticket['archive_get'])


class Container(OwnMounts):
    """A uid without a passwd entry, group 0, no HOME, a read-only root file system, and PGDATA in a volume with an fsGroup."""

    def setUp(self):
        super().setUp()
        self.lab.as_postgres = {'user': SOMEBODY, 'group': 0, 'extra_groups': [FS_GROUP]}
        self.lab.run_as_root('chown', '-R', '%d:0' % SOMEBODY, self.lab.directory)
        del self.lab.environment['HOME']
        parent = os.path.dirname(self.lab.directory)
        self.mount('--bind', parent, parent)
        self.empty_directory('tmp', 0o2777)
        self.put_data_directory(os.path.join(self.empty_directory('volume', 0o2775), 'data'))
        self.mount('-o', 'remount,bind,ro', '/')
        if self.lab.attempt('touch', '/tmp/ppb.x').returncode == 0:
            os.remove('/tmp/ppb.x')
            self.skipTest('/tmp is a file system of its own')

    def put_data_directory(self, path):
        """With pgBackRest's own log, lock and spool directories, none of which can be written to."""
        super().put_data_directory(path)
        lines = read(self.pgbackrest_configuration).split('\n')
        # The info of 2.33 makes its lock-path.
        left_out = '(log|spool)-path' if self.lab.pgbackrest_version() < (2, 36) else '(log|lock|spool)-path'
        self.lab.write('pgbackrest.conf', '\n'.join(line for line in lines if not re.match(left_out, line)))

    def empty_directory(self, name, mode):
        """A volume as kubelet makes it."""
        path = self.lab.mount_tmpfs(500, name)
        os.chown(path, 0, FS_GROUP)
        os.chmod(path, mode)
        return path

    def test_the_cluster_comes_back_and_is_verified_as_patroni_s_superuser(self):
        self.assertEqual(self.lab.attempt('id', '-un').returncode, 1)
        checked = self.check()
        self.assertRegex(checked.log, r'\n0 errors, \d+ warnings', checked.log)
        self.bring_back({'probe': 'select count(distinct batch) = %d from kept' % BATCHES})
        self.assert_back(BATCHES)
        self.assert_done(self.verify())

    def test_it_goes_on_after_the_container_was_stopped_in_the_copy(self):
        self.configure({'pgbackrest': self.wrap_pgbackrest('[ $VERB != restore ] || { pgbackrest "$@"; sleep 600; }')})
        container = self.start_container()
        wait_until('the copy to be done', lambda: os.path.exists(self.staging + '/global/pg_control'))
        self.stop(container, 3)
        self.assertEqual(self.lab.living(), {})
        self.configure()
        container = self.start_container()
        wait_until('node1 to become leader', self.node.is_leader)
        self.assertIn('was interrupted (copying): it goes on now, before Patroni starts', self.lab.log('container'))
        self.assert_back(BATCHES, timeline=3)  # Patroni promotes what it finds
        self.stop(container, 30)

    def start_container(self):
        """The entrypoint as process 1 of processes of their own."""
        environment = {'PATH': self.program_directory() + ':' + self.lab.environment['PATH']}
        user, self.lab.as_postgres = self.lab.as_postgres, {}
        try:
            return self.lab.start(
                'container', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc', 'setpriv', '--reuid=%d' % SOMEBODY,
                '--regid=0', '--groups=%d' % FS_GROUP, '--no-new-privs', os.path.join(EXAMPLES, 'container-entrypoint.sh'), self.yml,
                environment=environment)
        finally:
            self.lab.as_postgres = user

    def program_directory(self):
        """For PATH, whatever the binary under test is called."""
        directory = self.lab.path('bin')
        if not os.path.exists(directory):
            os.symlink(program(), os.path.join(self.lab.make('bin'), 'patroni_pgbackrest'))
        return directory

    def stop(self, container, grace_period):
        """As a runtime does: SIGTERM to process 1, then SIGKILL to all."""
        first = next(pid for pid, (parent, _, _) in process_table().items() if parent == container.pid)
        send(signal.SIGTERM, [first])
        try:
            wait_until('the container to stop', lambda: container.poll() is not None, grace_period)
        except AssertionError:
            send(signal.SIGKILL, [first])
            container.wait(20)

    def test_what_another_user_left_is_named_with_what_to_do(self):
        # The project got another range of uids, or somebody ran it as root.
        self.assert_done(self.bootstrap('--retry=0', '--type=immediate'))
        shutil.move(self.data_directory, self.lab.path('elsewhere'))
        for path in (self.staging, self.staging + '.d'):
            if not os.path.exists(path):
                os.mkdir(path, 0o700)
            self.lab.run_as_root('chown', '-R', '12345:12345', path)
            wanted = re.escape(path) + r'[^ ]* belongs to user 12345, and this is user %d$' % SOMEBODY
            refused = self.bootstrap()
            self.assert_refused(refused, 3, wanted, 'as root, give it to this user: chown -R')
            checked = self.check()
            self.assertEqual(checked.code, 3)
            self.assertRegex(checked.log, '(?m)^ERROR   staging-unusable: ' + wanted)
            self.lab.run_as_root('sh', '-c', re.search('chown -R [^;]*', refused.problems()[0][1]).group())
        self.assert_done(self.bootstrap('--type=immediate'))


class Debian(OwnMounts):
    """What pg_createcluster lays out, and patroni@15-main runs: configuration in /etc, sockets in /var/run."""

    def setUp(self):
        super().setUp()
        if not os.path.exists('/usr/bin/pg_createcluster'):
            self.skipTest("needs Debian's postgresql-common")
        for directory in ('/etc/postgresql', '/etc/patroni', '/var/lib/postgresql', '/var/log/postgresql', '/var/run/postgresql'):
            os.makedirs(directory, exist_ok=True)
            self.mount('-t', 'tmpfs', 'tmpfs', directory)
            self.lab.give(directory, 0o755)
        self.version = os.path.basename(os.path.dirname(self.lab.bin_directory))
        self.lab.run_as_root('pg_createcluster', self.version, 'main', '--start-conf=manual')
        self.lab.environment.update(HOME='/var/lib/postgresql')
        self.config_directory = '/etc/postgresql/%s/main' % self.version
        self.put_data_directory('/var/lib/postgresql/%s/main' % self.version)
        self.make_debian_s_source()
        self.node.sql = lambda statement: self.lab.run(
            'psql', '-X', '-h', '/var/run/postgresql', '-p', str(self.node.port), '-U', 'postgres', '-v', 'ON_ERROR_STOP=1', '-Atc', statement)

    def make_debian_s_source(self):
        """A cluster whose backup has no configuration file, since they all lie in /etc."""
        self.repository = self.lab.path('plain-repo')
        source = DebianCluster(self.lab, self.repository, self.data_directory, self.config_directory)
        source.start()
        source.back_up()
        self.targets = source.write_batches(*range(1, 4))
        source.lose()
        self.put_data_directory(self.data_directory)

    def configure(self, method=None, **sections):
        if not hasattr(self, 'config_directory'):
            return
        postgresql = {'config_dir': self.config_directory, 'parameters': {'unix_socket_directories': '/var/run/postgresql'}}
        super().configure(method, **{**sections, 'postgresql': {**sections.get('postgresql', {}), **postgresql}})
        self.yml = self.node.yml = self.lab.write('/etc/patroni/%s-main.yml' % self.version, read(self.yml))

    def assert_came_back(self, batches, doomed):
        self.assert_back(batches, doomed)
        self.assert_done(self.verify())
        files = os.path.join(self.config_directory, 'postgresql.base.conf'), self.data_directory + '/postgresql.auto.conf'
        left = [line for path in files for line in read(path).split('\n') if re.match(r'\s*(restore_command|recovery_target)', line)]
        self.assertEqual(left, [])

    def test_a_lost_cluster_with_its_configuration_in_etc_comes_back(self):
        self.assertRegex(self.check().log, r'\n0 errors, \d+ warnings')
        self.bring_back()
        self.assert_came_back(3, False)

    def test_the_same_in_patroni_mode_to_a_target(self):
        target = self.targets[2]['lsn']
        self.bring_back({'type': 'lsn', 'target': target, 'recovery_conf': self.recovery_conf(lsn=target)})
        self.assert_came_back(2, True)


class DebianCluster(PlainCluster):
    def __init__(self, lab, repository, data_directory, config_directory):
        self.lab, self.repository, self.config_directory = lab, repository, config_directory
        self.server = Server(lab, data_directory, 'plain')
        self.sql = self.server.sql

    def start_again(self, settings='', *first):
        configuration = self.lab.pgbackrest_configuration(self.server.data_directory, self.server.port, self.repository)
        self.server.start(*['%s=%s/%s' % (name, self.config_directory, file) for name, file in (
            ('config_file', 'postgresql.conf'), ('hba_file', 'pg_hba.conf'), ('ident_file', 'pg_ident.conf'))],
            'archive_command=pgbackrest --config=%s --stanza=demo archive-push %%p' % configuration)
        pgbackrest(self.lab, *first)


class TextInTheEnvironment(UnderPatroni):
    """PATRONI_CONFIGURATION has the whole patroni.yml, and there is no file."""

    def test_check_the_entrypoint_and_verify_read_it_and_the_cluster_comes_back(self):
        self.configure()
        environment = {'PATRONI_CONFIGURATION': read(self.yml), 'PATH': self.lab.make('bin') + ':' + self.lab.environment['PATH']}
        os.symlink(program(), self.lab.path('bin/patroni_pgbackrest'))
        os.remove(self.yml)
        checked = self.run_program(program(), 'check', environment=environment)
        self.assertRegex(checked.log, r'\n0 errors, \d+ warnings')
        self.assertIn('stanza = demo (PATRONI_CONFIGURATION:', checked.log)
        self.node.process = self.lab.start('node1', os.path.join(EXAMPLES, 'container-entrypoint.sh'), self.yml, environment=environment)
        self.node.wait_for_leader()
        self.assert_back(BATCHES)
        self.assert_done(self.run_program(program(), 'verify', environment=environment))
