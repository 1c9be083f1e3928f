"""The clusters that are lost in a contest, each with its backup, its WAL and the answers that it gave."""
import collections
import os
import shutil

from lab import wait_until
from remote import has_server, move_away
from source_cluster import PlainCluster, switch_wal

SEGMENT = 16 << 20
WAL_OF_A_TRANSACTION = 8500  # of pgbench behind a checkpoint: nearly always one whole page
BACKUPS_IN_CHAIN = 10
# To be made in little time. None of it is in postgresql.conf, which comes back as initdb wrote it.
QUICK = ('shared_buffers=256MB', 'max_wal_size=8GB', 'checkpoint_timeout=1h', 'synchronous_commit=off', 'autovacuum=off')
OF_PGBENCH = ('select count(*), sum(abalance) from pgbench_accounts', 'select count(*), sum(delta) from pgbench_history')


class Source(PlainCluster):
    """The cluster before it is lost. What it archives is kept in `wal` as well, and its last backup in `copy` as plain
    files: for the floor."""

    def __init__(self, lab, clock):
        super().__init__(lab, lab.path('repo'))
        self.clock, self.first_segment = clock, 0
        self.questions, self.answers = ['select count(*), sum(n) from after_the_backup'], {}
        self.facts = {}  # what the table says of it

    @property
    def data_directory(self):
        return self.server.data_directory

    def load(self, fill, *questions, **settings):
        """Fills it without WAL, and begins to archive. `settings` are pgBackRest's."""
        self.questions += questions
        self.server.start('archive_mode=off', 'wal_level=minimal', 'max_wal_senders=0', *QUICK)
        fill()
        self.server.stop()
        configuration = self.lab.pgbackrest_configuration(self.data_directory, self.server.port, self.repository, {
            name.replace('_', '-'): value for name, value in settings.items()})
        push = 'pgbackrest --config=%s --stanza=demo --archive-async --process-max=2 archive-push %%p' % configuration
        self.server.start('archive_command=cp %%p %s/%%f && %s' % (self.lab.make('wal'), push), *QUICK)
        self.pgbackrest('stanza-create')

    def pgbackrest(self, *arguments):
        self.lab.run('pgbackrest', '--config=' + self.lab.path('pgbackrest.conf'), '--stanza=demo', '--log-level-console=warn',
                     '--log-level-stderr=off', *arguments, seconds=self.clock.left())

    def pgbench(self, *options):
        self.lab.run('pgbench', *options, '-h', self.lab.directory, '-p', str(self.server.port), '-U', 'postgres', 'postgres',
                     seconds=self.clock.left())

    def update(self, transactions):
        """Whole pages in the WAL, as after every checkpoint of a busy server."""
        self.sql('checkpoint')
        self.pgbench('-N', '-M', 'prepared', '-c', '4', '-t', str(transactions // 4))

    def back_up(self, kind='full'):
        self.first_segment = self.segment()
        self.pgbackrest('--type=' + kind, '--process-max=2', 'backup')

    def back_up_last(self, kind='full'):
        """The backup that is restored."""
        self.back_up(kind)
        self.lab.run('pg_basebackup', '-D', self.lab.path('copy'), '-X', 'none', '-c', 'fast', '--no-sync', '-h', self.lab.directory,
                     '-p', str(self.server.port), '-U', 'postgres', seconds=self.clock.left())

    def segment(self):
        """The number of the segment that is being written."""
        return int(self.sql("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")) // SEGMENT

    def write_wal(self, segments):
        end = self.segment() + segments
        while self.segment() < end:
            self.update(min(max((end - self.segment()) * SEGMENT // WAL_OF_A_TRANSACTION, 1000), 50000))

    def lose(self):
        self.sql('create table after_the_backup as select generate_series(1, 1000) as n')
        self.answers = {question: self.sql(question) for question in self.questions}
        last = switch_wal(self)
        self.facts.update({
            'bytes': int(self.sql('select sum(pg_database_size(oid)) from pg_database')),
            'files': sum(len(names) for _, _, names in os.walk(os.path.join(self.data_directory, 'base'))),
            'segments': self.segment() - self.first_segment})
        wait_until('%s to be archived' % last, lambda: self.sql(
            "select count(*) from pg_stat_archiver where last_archived_wal >= '%s'" % last) == '1', self.clock.left(), every=1)
        self.server.stop()
        wait_until('archive-push to end', lambda: not any('archive-push' in command for command in self.lab.living().values()))
        shutil.rmtree(self.data_directory)


def big(source, sizes):
    """Few big files: the tables of pgbench."""
    source.load(lambda: source.pgbench('-i', '-q', '-s', str(sizes.scale)), *OF_PGBENCH)
    source.back_up_last()
    source.lose()


def small_files(source, sizes):
    """A table of one page is a file."""
    def make_tables():
        for first in range(0, sizes.files, 500):
            source.sql("do $$ begin for i in %d..%d loop execute format('create table small_%%s as select 1 as n', i); end loop; end $$"
                       % (first, min(first + 500, sizes.files) - 1))
            source.clock.left()
    source.load(make_tables, "select count(*) from pg_class where relname like 'small%'")
    source.back_up_last()
    source.lose()


def long_wal(source, sizes):
    """Much WAL behind the backup."""
    source.load(lambda: source.pgbench('-i', '-q', '-s', str(sizes.scale)), *OF_PGBENCH)
    source.back_up_last()
    source.write_wal(sizes.segments)
    source.lose()


def chain(source, sizes):
    """A full backup and increments: the restore takes files from each of them, and of changed files blocks where pgBackRest
    has block incremental backups that are no beta any more."""
    settings = {'repo1_' + name: 'y' for name in ('bundle', 'block') if offers(source.lab, 'repo-' + name)}
    source.load(lambda: source.pgbench('-i', '-q', '-s', str(max(1, sizes.scale // 5))), *OF_PGBENCH, **settings)
    source.facts.update({'increments': BACKUPS_IN_CHAIN, 'options': ['repo-' + name.partition('_')[2] for name in settings]})
    source.back_up()
    for number in range(BACKUPS_IN_CHAIN):
        source.sql("create table added_%d as select n, repeat('x', 80) as text from generate_series(1, %d) as n"
                   % (number, sizes.scale * 4000))
        source.questions.append('select count(*), sum(n) from added_%d' % number)
        source.update(2000)
        (source.back_up if number + 1 < BACKUPS_IN_CHAIN else source.back_up_last)('incr')
    source.lose()


def latency(source, sizes):
    """A small cluster with some WAL, whose repository is far away."""
    source.load(lambda: source.pgbench('-i', '-q', '-s', str(max(1, sizes.scale // 10))), *OF_PGBENCH)
    source.back_up_last()
    source.write_wal(max(1, sizes.segments // 10))
    source.lose()
    source.facts['latency'] = sizes.latency
    move_away(source.lab, source.data_directory, sizes.latency)


def offers(lab, option):
    """Whether pgBackRest has this option of a backup, and is sure of it."""
    told = lab.attempt('pgbackrest', 'help', 'backup', option)
    return told.returncode == 0 and 'BETA TESTING' not in told.stdout


# `seconds` is what making it and one round of all contenders take on two processors, `bytes` what it needs on the disk at
# once: both roughly, so that nothing is begun that cannot end.
DataSet = collections.namedtuple('DataSet', 'make seconds bytes needs', defaults=(lambda lab: None,))
MEGABYTE = 1 << 20
# The most important first: the others are left out when time is short.
DATA_SETS = {
    'big': DataSet(big, lambda sizes: 40 + 1.5 * sizes.scale, lambda sizes: 80 * MEGABYTE * sizes.scale),
    'small-files': DataSet(small_files, lambda sizes: 40 + .02 * sizes.files, lambda sizes: MEGABYTE * (500 + sizes.files // 5)),
    'long-wal': DataSet(long_wal, lambda sizes: 40 + sizes.scale + 2.5 * sizes.segments,
                        lambda sizes: MEGABYTE * (80 * sizes.scale + 42 * sizes.segments)),
    'chain': DataSet(chain, lambda sizes: 90 + 2 * sizes.scale, lambda sizes: MEGABYTE * (1000 + 60 * sizes.scale)),
    'latency': DataSet(latency, lambda sizes: 60 + 12 * sizes.latency + .5 * sizes.segments,
                       lambda sizes: MEGABYTE * (1000 + 8 * sizes.scale + 5 * sizes.segments),
                       lambda lab: None if has_server(lab) else 'this pgBackRest has no server'),
}
