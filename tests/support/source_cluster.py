"""The cluster that is lost in every test: made once by a real Patroni, backed up, archived, and then deleted.

    full backup | batches 1 to 3 | incremental backup | batches 4 to BATCHES | drop table doomed

The incremental backup carries its segments in pg_wal (archive-copy), which a server without recovery settings would
replay. Each batch is one transaction of ROWS rows into `kept` and into `doomed`, then a restore point, then a WAL switch. After
each of them a target of every type is written down.
"""
import json
import os
import shutil
import time

from lab import PatroniNode, Server, read, wait_until

ROWS = 1000
BATCHES = 12
BATCHES_IN_INCREMENTAL = 3


class SourceCluster:
    """What a test needs to know of it."""

    def __init__(self, directory):
        self.directory = directory
        facts = json.loads(read(os.path.join(directory, 'facts.json')))
        self.targets = {int(batch): target for batch, target in facts['targets'].items()}
        self.full_backup, self.incremental_backup = facts['backups']
        self.segments = {int(batch): segment for batch, segment in facts['segments'].items()}

    @property
    def repository(self):
        return os.path.join(self.directory, 'repo')


def make_source_cluster(lab, etcd, directory):
    """Makes it in `directory` (below the lab), which afterwards holds repo/ and facts.json."""
    node = PatroniNode(lab, etcd, 'source', 'source', os.path.join(directory, 'data'))
    configuration = lab.pgbackrest_configuration(node.data_directory, node.port, os.path.join(directory, 'repo'))
    node.configure(pgbackrest_configuration=configuration)
    node.start()
    node.wait_for_leader()
    pgbackrest(lab, 'stanza-create')
    node.sql('create table kept (batch int); create table doomed (batch int)')
    back_up(lab, '--type=full')
    targets, segments = {}, {}
    for batch in range(1, BATCHES + 1):
        targets[batch], segments[batch] = write_batch(node, batch)
        if batch == BATCHES_IN_INCREMENTAL:
            back_up(lab, '--type=incr', '--archive-copy')
    node.sql('drop table doomed')
    wait_until_archived(node, switch_wal(node))
    node.stop()
    node.forget()
    labels = [backup['label'] for backup in json.loads(pgbackrest(lab, '--output=json', 'info'))[0]['backup']]
    lab.write(os.path.join(directory, 'facts.json'),
              json.dumps({'targets': targets, 'segments': segments, 'backups': labels}))
    shutil.rmtree(node.data_directory)
    return SourceCluster(directory)


class PlainCluster:
    """A second, small cluster to lose, made by hand and without Patroni, for what has to be special in the source.

    Use: start() it, change it, back_up(), write batches, lose().
    """

    def __init__(self, lab, repository, *initdb_options):
        self.lab, self.repository = lab, repository
        self.server = Server(lab, lab.path('plain'), 'plain')
        self.sql = self.server.sql
        lab.run('initdb', '-D', self.server.data_directory, '-U', 'postgres', '-A', 'trust', '-N', '-k', *initdb_options)

    def start(self, settings=''):
        """Creates the stanza and the tables. `settings` are lines for its postgresql.conf."""
        self.start_again(settings, 'stanza-create')
        self.sql('create table kept (batch int); create table doomed (batch int)')

    def start_again(self, settings='', *first):
        """Starts the server with more settings; `first` is a command for pgbackrest."""
        with open(os.path.join(self.server.data_directory, 'postgresql.conf'), 'a', encoding='utf-8') as file:
            file.write(settings + '\n')
        configuration = self.lab.pgbackrest_configuration(self.server.data_directory, self.server.port, self.repository)
        archive = 'archive_command=pgbackrest --config=%s --stanza=demo archive-push %%p' % configuration
        self.server.start('shared_buffers=16MB', archive)
        if first:
            pgbackrest(self.lab, *first)

    def back_up(self, *options):
        back_up(self.lab, '--type=full', *options)

    def write_batches(self, *batches):
        """The targets after them."""
        return {batch: write_batch(self, batch)[0] for batch in batches}

    def lose(self):
        self.sql('drop table doomed')
        wait_until_archived(self, switch_wal(self))
        self.server.stop()
        shutil.rmtree(self.server.data_directory)


def pgbackrest(lab, *arguments):
    return lab.run('pgbackrest', '--config=' + lab.path('pgbackrest.conf'), '--stanza=demo', '--log-level-console=warn',
                   '--log-level-stderr=off', *arguments)


def back_up(lab, *options):
    pgbackrest(lab, *options, 'backup')
    time.sleep(1.1)  # pgBackRest takes a backup for a time target only when it ended in an earlier second


def write_batch(node, batch):
    """Writes one batch; its target of every type and the name of its segment."""
    name = 'after_batch_%d' % batch
    xid = node.sql('''with kept as (insert into kept select %d from generate_series(1, %d)),
                           doomed as (insert into doomed select %d from generate_series(1, %d))
                      select pg_current_xact_id()''' % (batch, ROWS, batch, ROWS))
    # The restore point lies before the LSN, so that replay to the LSN has surely passed the commit.
    node.sql("select pg_create_restore_point('%s')" % name)
    lsn = node.sql('select pg_current_wal_insert_lsn()')
    time = node.sql("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'")
    return {'xid': xid, 'name': name, 'lsn': lsn, 'time': time}, switch_wal(node)


def switch_wal(node):
    """Ends the segment that is being written; its name."""
    # Of an empty segment, which is not switched, PostgreSQL 17 and later give the name, earlier ones the one before it.
    node.sql("select pg_create_restore_point('end of segment')")
    return node.sql('select pg_walfile_name(pg_switch_wal())')


def wait_until_archived(node, segment):
    wait_until('%s to be archived' % segment, lambda: node.sql(
        "select count(*) from pg_stat_archiver where last_archived_wal >= '%s'" % segment) == '1')
