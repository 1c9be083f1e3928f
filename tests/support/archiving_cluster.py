"""A PostgreSQL that the test runs by hand and that archives: several of them may live at once, in one stanza or apart.

    Cluster(case, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1, 2, 3).stop().remove()

Made for a case of repository_case.py: what happens is written down in its `facts`.
"""
import glob
import json
import os
import shutil
import signal
import time

from lab import Server, read, wait_until
from source_cluster import switch_wal

ROWS = 100  # of a batch
NO_AUTOVACUUM = 'autovacuum=off'  # whose commits nobody asked for


class Cluster:
    """A PostgreSQL that archives into the test's repository; several of them may live at once."""

    def __init__(self, case, name, configuration='pgbackrest.conf'):
        self.case, self.lab, self.facts = case, case.lab, case.facts
        self.server = Server(self.lab, self.lab.path(name), name)
        self.data_directory = self.server.data_directory
        self.sql = self.server.sql
        self.options = ['--config=' + self.lab.path(configuration), '--stanza=demo', '--pg1-path=' + self.data_directory,
                        '--log-level-console=warn', '--log-level-stderr=off']

    def create(self, *options):
        self.lab.run('initdb', '-D', self.data_directory, '-U', 'postgres', '-A', 'trust', '-N', '-k', *options)
        self.start()
        return self

    def start(self, *settings):
        self.server.start('shared_buffers=16MB', NO_AUTOVACUUM, 'archive_command=pgbackrest %s archive-push %%p'
                          % ' '.join(self.options), *settings)
        return self

    def pgbackrest(self, *arguments):
        port = ['--pg1-port=%d' % self.server.port] if arguments[-1] in ('backup', 'stanza-create', 'stanza-upgrade') else []
        return self.lab.run('pgbackrest', *self.options, *port, *arguments)

    def begin(self, command, name):
        """The stanza, the table, a full backup that the facts name, and the cluster's identifier."""
        self.pgbackrest(command)
        self.sql('create table kept (batch int)')
        self.facts['identifiers'][name] = self.sql('select system_identifier from pg_control_system()')
        return self

    def back_up(self, name):
        self.pgbackrest('--type=full', 'backup')
        info = self.lab.run('pgbackrest', *self.options[:2], '--output=json', 'info')
        newest = json.loads(info)[0]['backup'][-1]
        self.facts['backups'][name] = {'label': newest['label'], 'stop': newest['timestamp']['stop']}
        time.sleep(1.1)
        return self

    def start_committing(self):
        """Commits without an end, so that some are in the second in which a backup ends."""
        self.sql('create table busy (at timestamptz)')
        script = self.lab.write('busy.sql', 'insert into busy values (now()) \\watch 0.05\n')
        return self.lab.start('busy', 'psql', '-X', '-h', self.lab.directory, '-p', str(self.server.port), '-U', 'postgres', '-f', script)

    def write(self, *batches, archive=True):
        """One transaction for each batch, in a segment of its own if it is to be archived."""
        for batch in batches:
            xid = self.sql('with new as (insert into kept select %d from generate_series(1, %d)) select pg_current_xact_id()' % (batch, ROWS))
            lsn = self.sql('select pg_current_wal_insert_lsn()')
            self.facts['batches'][str(batch)] = {
                'xid': xid, 'lsn': lsn, 'time': self.now(), 'segment': self.sql("select pg_walfile_name('%s')" % lsn)}
            if archive:
                self.switch()
        return self

    def now(self):
        return self.sql("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'")

    def switch(self):
        self.wait_archived(switch_wal(self) + '-*')

    def wait_archived(self, pattern):
        wait_until(pattern + ' to be archived', lambda: [
            path for path in self.case.in_archive(pattern) if not path.endswith('.tmp')])  # pgBackRest renames it at the end

    def standby(self, name):
        """A started standby that streams."""
        other = Cluster(self.case, name)
        self.lab.run('pg_basebackup', '-h', self.lab.directory, '-p', str(self.server.port), '-U', 'postgres', '-D',
                     other.data_directory, '-R', '-c', 'fast', '-N')
        return other.start()

    def wait_replayed(self, batch):
        wait_until('the standby', lambda: self.sql("select pg_last_wal_replay_lsn() >= '%s'" % self.facts['batches'][batch]['lsn']) == 't')

    def promote(self):
        """Promotes it; the history and the old timeline's unfinished segment get into the archive."""
        self.sql('select pg_promote()')
        self.wait_archived('*.history')
        self.wait_archived('*.partial-*')
        self.facts['fork'] = read(glob.glob(self.data_directory + '/pg_wal/*.history')[0]).split()[1]
        return self

    def restore(self, *options):
        """Restored by hand and promoted on a timeline of its own."""
        self.lab.make(os.path.basename(self.data_directory))
        self.pgbackrest(*options, 'restore')
        self.start()
        wait_until('the end of the recovery', lambda: self.sql('select pg_is_in_recovery()') == 'f')
        return self

    def compress(self, kind):
        """Segments are archived with this compression from now on."""
        self.server.stop()
        self.options = [option for option in self.options if not option.startswith('--compress-type')]
        self.start('archive_command=pgbackrest %s --compress-type=%s archive-push %%p' % (' '.join(self.options), kind))
        return self

    def stop(self):
        """A clean end, all of its WAL archived."""
        self.server.stop()
        return self

    def crash(self):
        self.server.process.send_signal(signal.SIGQUIT)
        wait_until('PostgreSQL to end', lambda: self.server.process.poll() is not None)
        return self

    def remove(self):
        shutil.rmtree(self.data_directory)
