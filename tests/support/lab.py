"""Real servers for the tests: below one temporary directory, on loopback only, as user postgres, ended with the lab.

Nothing but Python's standard library, so that the distribution's python3 (3.9 and later) runs it.
"""
import ctypes
import errno
import fcntl
import glob
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SUPPORT = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(SUPPORT))
EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH = 0x8004587D, 2  # Linux, fs/ext4/ext4.h; XFS_IOC_GOINGDOWN has the same values


def bin_directory():
    """PostgreSQL's programs: PGBIN, else the newest version that the distribution installed."""
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin'), key=lambda path: float(path.split('/')[4]))
    chosen = os.environ.get('PGBIN') or (found[-1] if found else '')
    if not os.path.exists(os.path.join(chosen, 'postgres')):
        raise FileNotFoundError('no PostgreSQL below /usr/lib/postgresql; set PGBIN')
    return chosen


def program():
    """The binary under test: PATRONI_PGBACKREST, else the release build of the checkout."""
    return os.environ.get('PATRONI_PGBACKREST') or os.path.join(CHECKOUT, 'build/release/patroni_pgbackrest')


def exit_codes():
    """Those that the program's help lists."""
    printed = subprocess.run([program(), '--help'], stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout
    return {int(line.split()[0]) for line in printed.split('Exit codes:\n')[1].split('\n') if line.strip()}


CLAIMS = []  # of this process, held until it ends


def free_port():
    """A TCP port that nobody uses at this moment, below those that the kernel gives to connections (from 32768 on).
    It is this process's from now on: no other lab of this network namespace is given it before somebody listens there."""
    for port in random.sample(range(15000, 32000), 100):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind('\0patroni_pgbackrest-tests-port-%d' % port)  # abstract: ends with the process, leaves no file
            with socket.socket() as probe:
                probe.bind(('127.0.0.1', port))
        except OSError:
            claim.close()
            continue
        CLAIMS.append(claim)
        return port
    raise AssertionError('100 ports are in use')


def wait_until(what, condition, seconds=60, every=0.1):
    """The first true value of condition(); an AssertionError that names `what` when none came in time."""
    end = time.monotonic() + seconds
    while True:
        reap_orphans()
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('waited %d s for %s' % (seconds, what))
        time.sleep(every)


def read(path):
    """The text of a file, '' when there is none."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except FileNotFoundError:
        return ''


def has_file_system(name):
    """Whether a disk of that kind can be made and mounted here (as root); the kernel loads a module for it where it has one."""
    def is_known():
        return '\t%s\n' % name in read('/proc/filesystems')
    modprobe = shutil.which('modprobe', path='/sbin:/usr/sbin')
    if modprobe and not is_known():
        subprocess.run([modprobe, '-q', name], check=False)
    return os.path.exists('/sbin/mkfs.' + name) and is_known()


started = set()  # what Lab.start() started: reaped by its Popen


def be_subreaper():
    """Orphans (a postmaster, pgBackRest's asynchronous archive-get) become this process's children, so that none escapes."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def reap_orphans():
    """Orphans that ended are ours to reap (see Lab); Patroni takes a postmaster that nobody reaped for a living one."""
    for pid in map(int, read('/proc/self/task/%d/children' % os.getpid()).split()):
        if pid not in started:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def process_table():
    """{pid: (parent, state, command line)} of every process."""
    table = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % name, errors='replace') as file:
                fields = file.read().rpartition(')')[2].split()
            with open('/proc/%s/cmdline' % name, errors='replace') as file:
                command = file.read().replace('\0', ' ').strip()
        except OSError:
            continue  # it ended while we looked
        table[int(name)] = (int(fields[1]), fields[0], command)
    return table


def descendants(root=None):
    """{pid: command line} of every living process below `root` (this one, unless given)."""
    table = process_table()
    found, parents = {}, {root or os.getpid()}
    while parents:
        parents = {pid for pid, (parent, _, _) in table.items() if parent in parents}
        found.update({pid: table[pid][2] for pid in parents if table[pid][1] != 'Z'})
    return found


def send(number, pids):
    """A signal to each; those that ended meanwhile do not matter."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def kill_tree(root):
    """SIGKILL to everything below `root`, until nothing is left."""
    def none_left():
        left = descendants(root)
        send(signal.SIGKILL, left)
        return not left
    wait_until('the processes below %d to end' % root, none_left, 20)


def yaml(value, indent=0):
    """Nested dictionaries and lists as YAML; every scalar in JSON's form, which is YAML as well."""
    space = '  ' * indent
    if isinstance(value, dict) and value:
        return ''.join('%s%s:%s' % (space, key, yaml_value(entry, indent)) for key, entry in value.items())
    return space + json.dumps(value) + '\n'


def yaml_value(entry, indent):
    if isinstance(entry, dict) and entry:
        return '\n' + yaml(entry, indent + 1)
    return ' ' + json.dumps(entry) + '\n'


class CommandFailed(AssertionError):
    """A command of the test itself, not of the program under test, went wrong."""


class Lab:
    """A temporary directory, the processes that live in it, and their end."""

    def __init__(self):
        be_subreaper()
        self.directory = tempfile.mkdtemp(prefix='ppb.', dir=os.environ.get('LAB_PARENT', '/tmp'))
        self.bin_directory = bin_directory()
        self.daemons, self.mounts = [], []
        self.as_postgres = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam('postgres')
            groups = os.getgrouplist(owner.pw_name, owner.pw_gid)  # Debian's key for TLS is ssl-cert's
            self.as_postgres = {'user': owner.pw_uid, 'group': owner.pw_gid, 'extra_groups': groups}
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        os.chmod(self.directory, 0o755)
        self.make('tmp')
        self.environment = {
            'HOME': self.directory, 'TMPDIR': self.path('tmp'), 'LANG': 'C.UTF-8', 'PYTHONUNBUFFERED': '1',
            'PATH': self.bin_directory + ':/usr/bin:/bin'}

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def make(self, *names, mode=0o700):
        """A directory that belongs to postgres."""
        path = self.path(*names)
        os.makedirs(path, exist_ok=True)
        self.give(path, mode)
        return path

    def give(self, path, mode):
        os.chmod(path, mode)
        if self.as_postgres:
            os.chown(path, self.as_postgres['user'], self.as_postgres['group'])

    def write(self, name, text, mode=0o600):
        """A file that belongs to postgres, below the lab's directory unless an absolute path is given."""
        path = self.path(name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        self.give(path, mode)
        return path

    def mount_tmpfs(self, megabytes, *names):
        """A small disk of its own (needs root)."""
        path = self.make(*names)
        self.run_as_root('mount', '-t', 'tmpfs', '-o', 'size=%dm' % megabytes, 'tmpfs', path)
        self.mounts.append(path)
        self.give(path, 0o700)
        return path

    def mount_disk(self, megabytes, *names, system='ext4', options=()):
        """The same with a disk that cut_power knows. XFS needs 300 MB, Btrfs 120."""
        path = self.make(*names)
        with open(path + '.image', 'wb') as image:
            image.truncate(megabytes << 20)
        self.run_as_root('/sbin/mkfs.' + system, '-q', {'ext4': '-F'}.get(system, '-f'), *options, path + '.image')
        self.run_as_root('mount', '-o', 'loop', path + '.image', path)
        self.mounts.append(path)
        self.give(path, 0o700)
        return path

    def cut_power(self, path):
        """What the kernel has not written to that disk yet is lost, and the disk is mounted again."""
        directory = os.open(path, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack('I', EXT4_GOING_FLAGS_NOLOGFLUSH))
        except OSError as error:
            if error.errno != errno.ENOTTY:
                raise
            # Btrfs has no such call: the disk becomes again what it is now. Blocks of its last two commits are not overwritten meanwhile.
            self.run_as_root('cp', '--sparse=always', path + '.image', path + '.cut')
        finally:
            os.close(directory)
        self.run_as_root('umount', path)
        # Another namespace that still has the disk would be mounted again, shut down as it is.
        wait_until('the disk of %s to be used by nobody' % path, lambda: not self.loop_devices(path + '.image'), 90)
        if os.path.exists(path + '.cut'):
            os.rename(path + '.cut', path + '.image')
        self.run_as_root('mount', '-o', 'loop', path + '.image', path)

    @staticmethod
    def loop_devices(image):
        """What losetup says of those that have this file."""
        return subprocess.run(['/sbin/losetup', '-j', image], check=True, stdout=subprocess.PIPE).stdout

    @staticmethod
    def run_as_root(*command):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def attempt(self, *command, environment=None, seconds=120, directory=None):
        """Runs a command as postgres to its end; the CompletedProcess, whatever its exit code."""
        try:
            return subprocess.run(
                command, env={**self.environment, **(environment or {})}, cwd=directory or self.directory,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds,
                universal_newlines=True, errors='replace', start_new_session=True, **self.as_postgres)
        except subprocess.TimeoutExpired as late:
            said = b''.join(part if isinstance(part, bytes) else part.encode() for part in (late.stdout, late.stderr) if part)
            raise CommandFailed('%s: no end after %d s\n%s' % (' '.join(command), seconds, said.decode(errors='replace')))

    def run(self, *command, **options):
        """The same for a command that must succeed; what it printed."""
        done = self.attempt(*command, **options)
        if done.returncode:
            raise CommandFailed('%s: exit code %d\n%s%s' % (' '.join(command), done.returncode, done.stdout, done.stderr))
        return done.stdout.strip()

    def start(self, name, *command, environment=None):
        """Starts a process as postgres in the background, its output in NAME.log."""
        with open(self.write(name + '.log', read(self.path(name + '.log'))), 'a', encoding='utf-8') as log:
            process = subprocess.Popen(
                command, env={**self.environment, **(environment or {})}, cwd=self.directory, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **self.as_postgres)
        started.add(process.pid)
        self.daemons.append(process)
        return process

    def log(self, name):
        return read(self.path(name + '.log'))

    def living(self):
        """{pid: command line} of what still runs of this lab."""
        reap_orphans()
        for process in self.daemons:
            process.poll()
        return descendants()

    def kill_all(self):
        """SIGKILL to each process of this lab; one round misses what is forked in between."""
        def is_over():
            send(signal.SIGKILL, list(self.living()))
            return not self.living()
        wait_until('the killed processes to end', is_over, 20)
        self.living()  # PostgreSQL takes a postmaster that nobody has reaped for a living one

    def end(self):
        """Ends every process, unmounts and removes the directory."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = descendants()
            send(number, left)
            if number == signal.SIGTERM and left:
                try:
                    wait_until('the servers to end', lambda: not self.living(), 5)
                except AssertionError:
                    continue
        kill_tree(os.getpid())
        self.living()
        for path in self.mounts:
            self.run_as_root('umount', '-l', path)
        self.mounts = []
        shutil.rmtree(self.directory, ignore_errors=True)

    # What lives in a lab ------------------------------------------------------------------------------------------

    def psql(self, port, statement, database='postgres'):
        """One statement as superuser through the socket in the lab's directory; unaligned rows."""
        return self.run('psql', '-X', '-h', self.directory, '-p', str(port), '-U', 'postgres', '-d', database,
                        '-v', 'ON_ERROR_STOP=1', '-Atc', statement)

    def pgbackrest_version(self):
        """(2, 45)"""
        return tuple(int(word) for word in self.run('pgbackrest', 'version').split()[1].split('.')[:2])

    def pgbackrest_configuration(self, data_directory, port=5432, repository=None, settings=None):
        """Writes pgbackrest.conf for stanza demo and returns its path."""
        for name in ('log', 'lock', 'spool'):
            self.make(name)
        lines = {'repo1-path': repository or self.path('repo'), 'repo1-retention-full': '4',
                 'log-path': self.path('log'), 'lock-path': self.path('lock'), 'spool-path': self.path('spool'),
                 'start-fast': 'y', 'compress-level': '1', **(settings or {})}
        stanza = {'pg1-path': data_directory, 'pg1-port': str(port), 'pg1-socket-path': self.directory}
        return self.write('pgbackrest.conf', '[global]\n%s\n[demo]\n%s\n' % (
            '\n'.join('%s=%s' % pair for pair in lines.items()), '\n'.join('%s=%s' % pair for pair in stanza.items())))

    def start_etcd(self):
        """A single etcd; returns HOST:PORT."""
        client, peer = ('127.0.0.1:%d' % free_port() for _ in range(2))
        quick = ['--unsafe-no-fsync']  # since etcd 3.4
        if self.attempt('etcd', *quick, '--version').returncode:
            quick = []
        etcd = self.start('etcd', 'etcd', '--name', 'lab', '--data-dir', self.make('etcd'), *quick,
                          '--listen-client-urls', 'http://' + client, '--advertise-client-urls', 'http://' + client,
                          '--listen-peer-urls', 'http://' + peer, '--initial-advertise-peer-urls', 'http://' + peer,
                          '--initial-cluster', 'lab=http://' + peer)

        def answers_or_ended():
            if etcd.poll() is not None:
                raise AssertionError('etcd ended with %s\n%s' % (etcd.returncode, self.log('etcd')))
            return answers('http://%s/health' % client)
        wait_until('etcd to answer', answers_or_ended, 30)
        return client


class SilentServer:
    """In front of another server: accepts connections and says nothing until it is told to speak, and passes all on then."""

    def __init__(self, address):
        self.behind = address.rsplit(':', 1)
        self.speaking = threading.Event()
        self.listening = socket.create_server(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def speak(self):
        self.speaking.set()

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)  # close alone does not end accept()
        self.listening.close()
        self.speak()  # who was held back ends

    def accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        self.speaking.wait()
        host, port = self.behind
        try:
            with client, socket.create_connection((host, int(port))) as server:
                back = threading.Thread(target=self.pass_on, args=(server, client), daemon=True)
                back.start()
                self.pass_on(client, server)
                back.join()
        except OSError:
            pass  # the lab ends

    @staticmethod
    def pass_on(source, target):
        try:
            while True:
                piece = source.recv(65536)
                if not piece:
                    break
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one of them has gone


def answers(url):
    """Whether an HTTP request is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=3) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Server:
    """A PostgreSQL that the test starts itself."""

    def __init__(self, lab, data_directory, name='postgres'):
        self.lab, self.data_directory, self.name = lab, data_directory, name
        self.port, self.process = free_port(), None

    def start(self, *settings):
        """Starts it with `NAME=VALUE` settings and waits until it accepts connections."""
        self.launch(*settings)
        wait_until('PostgreSQL to accept connections', self.is_open)

    def launch(self, *settings):
        """The same without the wait."""
        values = ('port=%d' % self.port, 'listen_addresses=', 'unix_socket_directories=' + self.lab.directory, 'fsync=off',
                  'hba_file=%s/pg_hba.conf' % self.data_directory, 'ident_file=%s/pg_ident.conf' % self.data_directory,
                  'archive_mode=on', 'log_destination=stderr', 'logging_collector=off', *settings)
        self.process = self.lab.start(self.name, self.lab.bin_directory + '/postgres', '-D', self.data_directory,
                                      *[word for value in values for word in ('-c', value)])

    def is_open(self):
        if self.process.poll() is not None:
            raise AssertionError('PostgreSQL ended with %s' % self.process.returncode)
        return self.lab.attempt('psql', '-X', '-h', self.lab.directory, '-p', str(self.port), '-U', 'postgres',
                                '-c', 'select 1').returncode == 0

    def sql(self, statement):
        return self.lab.psql(self.port, statement)

    def stop(self):
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        wait_until('PostgreSQL to stop', lambda: self.process.poll() is not None)


class PatroniNode:
    """One Patroni with its PostgreSQL."""

    def __init__(self, lab, etcd, name='node1', scope='demo', data_directory=None):
        self.lab, self.etcd, self.name, self.scope = lab, etcd, name, scope
        self.data_directory = data_directory or lab.path('data')
        self.port, self.rest_port = free_port(), free_port()
        self.process = None
        self.before = 0  # characters of its log that were written before it was started
        self.yml = lab.path(name + '.yml')

    def configure(self, method=None, pgbackrest_configuration=None, **sections):
        """Writes patroni.yml. `method` is the block of a bootstrap method; `sections` are merged over the rest."""
        archive = 'pgbackrest --config=%s --stanza=demo archive-push %%p' % pgbackrest_configuration
        settings = {
            'scope': self.scope, 'name': self.name,
            'restapi': {'listen': '127.0.0.1:%d' % self.rest_port, 'connect_address': '127.0.0.1:%d' % self.rest_port},
            'etcd3': {'hosts': self.etcd},
            'bootstrap': {
                'dcs': {'ttl': 20, 'loop_wait': 1, 'retry_timeout': 3, 'postgresql': {
                    'use_pg_rewind': True,
                    'parameters': {'archive_mode': 'on', 'archive_command': archive if pgbackrest_configuration else ''}}},
                'initdb': [{'encoding': 'UTF8'}, 'data-checksums', 'no-sync']},
            'postgresql': {
                'listen': '127.0.0.1:%d' % self.port, 'connect_address': '127.0.0.1:%d' % self.port,
                'data_dir': self.data_directory, 'bin_dir': self.lab.bin_directory,
                'pgpass': self.lab.path(self.name + '.pgpass'),
                'authentication': {'superuser': {'username': 'postgres', 'password': 'secret-of-postgres'},
                                   'replication': {'username': 'replicator', 'password': 'secret-of-replicator'}},
                'parameters': {'unix_socket_directories': self.lab.directory, 'logging_collector': 'off',
                               'fsync': 'off', 'shared_buffers': '16MB'},
                'pg_hba': ['local all all trust', 'host all all 127.0.0.1/32 trust',
                           'host replication all 127.0.0.1/32 trust']},
        }
        if method is not None:
            settings['bootstrap']['method'] = 'pgbackrest'
            settings['bootstrap']['pgbackrest'] = method
        for name, value in sections.items():
            merge(settings, name, value)
        return self.lab.write(self.name + '.yml', yaml(settings))

    def start(self, environment=None):
        self.before = len(self.lab.log(self.name))
        self.process = self.lab.start(self.name, 'patroni', self.yml, environment=environment)

    def is_leader(self):
        return answers('http://127.0.0.1:%d/primary' % self.rest_port)

    def wait_for_leader(self, seconds=90):
        def leads_or_ended():
            if self.process.poll() is not None:
                raise AssertionError('Patroni ended with %s before it became leader' % self.process.returncode)
            return self.is_leader()
        wait_until('%s to become leader' % self.name, leads_or_ended, seconds)

    def set_aside(self):
        """The one name that Patroni gave the data directory, or the link to it, that it gave up."""
        found = glob.glob(self.data_directory + '.failed') + glob.glob(self.data_directory + '_20*')  # Patroni 2.0: with the time
        assert len(found) == 1, found
        return found[0]

    def wait_for_log(self, pattern, seconds=60):
        return wait_until('%r in the log of %s' % (pattern, self.name),
                          lambda: re.search(pattern, self.lab.log(self.name)), seconds)

    def wait_for_end(self, seconds=60):
        wait_until('%s to end' % self.name, lambda: self.process.poll() is not None, seconds)
        return self.process.returncode

    def sql(self, statement):
        return self.lab.psql(self.port, statement)

    def stop(self):
        """As an operator stops it: PostgreSQL is shut down as well."""
        if self.is_leader():
            # Told to end within its first cycle as leader, Patroni 3.0.2 may stop PostgreSQL and then hang.
            wait_until('a whole cycle of %s as leader' % self.name,
                       lambda: 'the leader with the lock' in self.lab.log(self.name)[self.before:], 30)
        self.process.terminate()
        self.wait_for_end()

    def kill(self):
        """As a power cut ends it: Patroni, its children and PostgreSQL by SIGKILL at once."""
        postmaster = read(os.path.join(self.data_directory, 'postmaster.pid')).split('\n')[0]
        roots = [self.process.pid] + ([int(postmaster)] if postmaster else [])
        pids = [pid for root in roots for pid in descendants(root)] + roots
        send(signal.SIGKILL, pids)
        self.process.wait(20)
        wait_until('the killed processes to end', lambda: not set(self.lab.living()) & set(pids), 20)

    def put_key(self, value, name='initialize'):
        """Writes a key of its scope into the DCS."""
        self.lab.run('etcdctl', '--endpoints=http://' + self.etcd, 'put', '/service/%s/%s' % (self.scope, name), '--', value,
                     environment={'ETCDCTL_API': '3'})

    def forget(self):
        """Takes the cluster out of the DCS."""
        self.lab.run('etcdctl', '--endpoints=http://' + self.etcd, 'del', '--prefix', '/service/%s/' % self.scope,
                     environment={'ETCDCTL_API': '3'})


def merge(settings, name, value):
    """Puts `value` at settings[name]: dictionaries are merged, None takes the key away."""
    if value is None:
        settings.pop(name, None)
    elif isinstance(value, dict) and isinstance(settings.get(name), dict):
        for key, entry in value.items():
            merge(settings[name], key, entry)
    else:
        settings[name] = value


def main_on_signal(action):
    """Runs `action` and ends when the process is told to end."""
    def handler(number, _):
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        action()
        sys.stdout.flush()
        os._exit(128 + number)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, handler)
