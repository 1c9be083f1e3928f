"""Repositories that hold something else than one cluster's straight past, made with real servers.

A situation is made once in a run of the tests and kept beside the cluster to lose; each test works on a copy of its
repository. What happened in it is in `facts`: identifiers, backups, and for each batch of rows the moment after it.

What a refusal's exit code means here:

    2  somebody has to choose: several clusters could be meant, and set or system-identifier decides
    4  what was asked for cannot be settled from what the repository holds: a timeline without its whole history, a fork
       whose segment is not there, a needed .partial, several branches with one time, a target behind the last commit
    5  pgBackRest will not or cannot deliver a file: two of one segment, a damaged one
"""
import fcntl
import glob
import json
import os
import re
import shutil
import time

from bootstrap_case import BootstrapCase, program, read, wait_until
from archiving_cluster import ROWS, Cluster

STANZA = 'archive/demo'


class RepositoryCase(BootstrapCase):
    facts = {}

    # Situations ---------------------------------------------------------------------------------------------------

    def situation(self, name):
        """Replaces the test's repository by that of a situation; its facts."""
        kept = os.path.join(os.environ['LAB_SOURCE'], name)
        with open(kept + '.lock', 'w', encoding='utf-8') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(kept):
                self.make(name, kept)
        self.facts = json.loads(read(os.path.join(kept, 'facts.json')))
        self.empty_repository()
        self.lab.run('cp', '-a', os.path.join(kept, 'repo'), self.repository)
        return self.facts

    def make(self, name, kept):
        self.empty_repository()
        self.facts = {'identifiers': {}, 'backups': {}, 'batches': {}}
        getattr(self, 'make_' + name)()
        new = self.lab.make('new_' + name)
        self.lab.run('cp', '-a', self.repository, os.path.join(new, 'repo'))
        self.lab.write(os.path.join(new, 'facts.json'), json.dumps(self.facts))
        shutil.move(new, kept)

    def empty_repository(self):
        shutil.rmtree(self.repository, ignore_errors=True)

    def make_lost(self):
        """One cluster, alpha: a backup, batches 1 to 3, then WAL without a commit."""
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1, 2, 3)
        time.sleep(1.2)
        self.facts['idle'] = alpha.now()
        time.sleep(1.2)
        for _ in range(2):
            alpha.sql('checkpoint')
            alpha.switch()
        alpha.stop().remove()

    def make_replaced(self, back_up=True):
        """Alpha is lost; an empty cluster of the same name, beta, takes over its stanza."""
        self.situation('lost')
        beta = Cluster(self, 'beta').create().begin('stanza-upgrade', 'beta')
        if back_up:
            beta.back_up('beta')
        beta.write(50).stop().remove()

    def make_upgraded(self):
        """The same before beta's first backup."""
        self.make_replaced(back_up=False)

    def make_returned(self):
        """Then alpha was restored, took its stanza back, wrote batch 4 on timeline 2 and was lost again."""
        self.situation('upgraded')
        alpha = Cluster(self, 'alpha').restore('--set=' + self.label('alpha'))
        alpha.pgbackrest('stanza-upgrade')
        alpha.write(4).stop().remove()

    def make_two_timelines(self):
        """Alpha was restored to batch 2, wrote batches 20 and 21 on timeline 2, and was lost."""
        self.situation('lost')
        Cluster(self, 'alpha').restore(*self.to(2)).write(20, 21).stop().remove()

    def make_chain(self):
        """Then restored to the end of timeline 2: timeline 3 with batch 30."""
        self.situation('two_timelines')
        Cluster(self, 'alpha').restore().write(30).stop().remove()

    def make_three_branches(self):
        """Timelines 2 (batch 20, and a backup), 3 (30, 31) and 4 (40) all leave timeline 1; only 4 was not abandoned."""
        self.situation('lost')
        Cluster(self, 'alpha').restore(*self.to(2)).write(20).back_up('second').write(21).stop().remove()
        for batches, after in (((30, 31), 1), ((40,), 2)):
            time.sleep(1.1)
            Cluster(self, 'alpha').restore(*self.to(after)).write(*batches).stop().remove()

    def make_backup_on_abandoned_branch(self):
        """The newest backup is of timeline 1, behind the place where timeline 2 left it."""
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1, 2, 3)
        alpha.back_up('second').write(4).stop().remove()
        time.sleep(1.1)
        Cluster(self, 'alpha').restore(*self.to(2)).write(20, 21).stop().remove()

    def make_two_backups(self):
        """Batch 1 is between the backups, 2 and 3 are behind both."""
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('older').write(1)
        alpha.back_up('alpha').write(2, 3).stop().remove()

    def make_bundled(self):
        """The same, and their files lie in bundles."""
        self.lab.pgbackrest_configuration(self.data_directory, self.node.port, settings={'repo1-bundle': 'y'})
        self.make_two_backups()
        self.lab.pgbackrest_configuration(self.data_directory, self.node.port)

    def make_busy(self):
        """Two backups of a cluster that commits all the time."""
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha')
        busy = alpha.start_committing()
        alpha.back_up('alpha').write(1, 2, 3).back_up('second')
        busy.terminate()
        alpha.write(4).stop().remove()

    def make_failover(self, backup_of_the_orphan=False):
        """The standby was promoted in segment N, which batch 2 is in; the old primary went on, batches 3 and 4."""
        old = Cluster(self, 'old').create().begin('stanza-create', 'alpha').back_up('alpha').write(1)
        new = old.standby('new')
        old.write(2, archive=False)
        new.wait_replayed('2')
        new.promote().write(20, archive=False)
        old.write(3, 4)
        new.switch()
        new.write(21)
        if backup_of_the_orphan:
            old.back_up('orphan')
        old.crash().remove()
        new.crash().remove()

    def make_orphan_backup(self):
        """The same, and the newest backup is the old primary's."""
        self.make_failover(backup_of_the_orphan=True)

    def make_switchover(self):
        """The primary was stopped cleanly, its standby promoted and lost before it archived a segment."""
        old = Cluster(self, 'old').create().begin('stanza-create', 'alpha').back_up('alpha').write(1)
        new = old.standby('new')
        old.write(2, archive=False)
        new.wait_replayed('2')
        old.stop().remove()
        new.promote().crash().remove()

    def make_saved_tail(self):
        """A crash in the segment that batch 2 is in, which was archived from the dead primary by hand."""
        old = Cluster(self, 'old').create().begin('stanza-create', 'alpha').back_up('alpha').write(1).write(2, archive=False).crash()
        self.facts['end'] = self.lab.run('pg_controldata', old.data_directory)
        old.pgbackrest('archive-push', os.path.join(old.data_directory, 'pg_wal', self.facts['batches']['2']['segment']))
        old.remove()

    def make_compressed(self):
        """Each batch's segment with another compression."""
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha')
        for batch, kind in enumerate(('none', 'gz', 'bz2', 'lz4', 'zst'), 1):
            alpha.compress(kind).write(batch)
        alpha.stop().remove()

    def make_small_segments(self):
        """Segments of 1 MB; restored to batch 2, batches 20 and 21 on timeline 2."""
        alpha = Cluster(self, 'alpha').create('--wal-segsize=1').begin('stanza-create', 'alpha').back_up('alpha')
        alpha.write(1, 2, 3).stop().remove()
        Cluster(self, 'alpha').restore(*self.to(2)).write(20, 21).stop().remove()

    def make_other_version(self):
        """The stanza's first archive is of PostgreSQL 14 (never backed up); then alpha."""
        older = Cluster(self, 'older')
        self.lab.run('initdb', '-D', older.data_directory, '-U', 'postgres', '-N')
        control = os.path.join(older.data_directory, 'global/pg_control')
        with open(control, 'r+b') as file:  # 13 to 16 differ in the catalogue's version alone
            file.seek(12)
            file.write((202107181).to_bytes(4, 'little'))
        with open(os.path.join(older.data_directory, 'PG_VERSION'), 'w', encoding='utf-8') as file:
            file.write('14\n')
        older.pgbackrest('--no-online', 'stanza-create')
        older.remove()
        Cluster(self, 'alpha').create().begin('stanza-upgrade', 'alpha').back_up('alpha').write(1, 2, 3).stop().remove()
        newer = self.in_archive('0000000100000000*-*')[0]
        directory = os.path.join(self.repository, STANZA, '14-1')
        self.lab.run('mkdir', '-p', directory + '/0000000900000000')
        self.lab.run('cp', newer, '%s/0000000900000000/000000090000000000000099-%s' % (directory, newer.rpartition('-')[2]))
        self.lab.write(directory + '/00000009.history', '8\t0/99000028\tno recovery target specified\n')

    # What is in it ------------------------------------------------------------------------------------------------

    def in_archive(self, pattern):
        return sorted(glob.glob(os.path.join(self.repository, STANZA, '*', pattern)) +
                      glob.glob(os.path.join(self.repository, STANZA, '*', '*', pattern)))

    def remove_from_archive(self, *patterns):
        """Files, and directories with all their segments."""
        for pattern in patterns:
            found = self.in_archive(pattern)
            self.assertTrue(found, pattern)
            self.lab.run('rm', '-r', *[path for path in found if os.path.dirname(path) not in found])

    def fork_segment(self, timeline, further=0):
        """The name of the segment that the fork lies in, on a timeline."""
        return '%08X%016X' % (timeline, int(self.facts['fork'].split('/')[1], 16) // (1 << 24) + further)

    def touch_all(self):
        """As after a copy of the repository that does not keep the files' times."""
        self.lab.run('find', self.repository, '-type', 'f', '-exec', 'touch', '{}', '+')

    def label(self, name):
        return self.facts['backups'][name]['label']

    def stop_second(self, name, later=0):
        return time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(self.facts['backups'][name]['stop'] + later))

    def time_of(self, batch):
        return self.facts['batches'][str(batch)]['time']

    def to(self, batch):
        """For pgBackRest by hand: from the first backup to the moment after a batch of timeline 1."""
        return ['--set=' + self.label('alpha'), '--type=time', '--target=' + self.time_of(batch), '--target-action=promote',
                '--target-timeline=1']

    # What must come of it -----------------------------------------------------------------------------------------

    def assert_refuses(self, result, code, *wanted):
        """Before anything is copied, with words that match each of these; its hints."""
        if result.code == 0:
            self.look_into()
            self.fail('not refused: promoted with batches %s' % (self.rows() or 'none'))
        self.assertEqual(result.code, code, result.log[-3000:])
        said = '\n'.join(message + '\n' + hint for message, hint in result.problems())
        for pattern in wanted:
            self.assertRegex(said, '(?s)' + pattern)
        self.assert_absent()
        self.assertFalse(os.path.exists(self.staging), 'the copy had begun')
        self.assert_nothing_runs()
        return '\n'.join(hint for _, hint in result.problems())

    def assert_rows_of(self, result, *batches, timeline=None):
        """Finished, and exactly these batches are in it."""
        self.assert_done(result)
        if timeline:
            self.assert_finished(timeline)
        self.look_into()
        self.assertEqual(self.rows(), ' '.join(map(str, batches)))

    def look_into(self):
        """Starts it without archiving, so that the repository stays as it is for the next try."""
        self.open('archive_mode=off')

    def rows(self):
        wait_until('the end of the recovery', lambda: self.sql('select pg_is_in_recovery()') == 'f', 30)
        self.assertEqual(self.sql('select count(*) from (select 1 from kept group by batch having count(*) <> %d) cut' % ROWS), '0')
        return self.sql("select coalesce(string_agg(batch::text, ' ' order by batch), '') from (select distinct batch from kept) b")

    def again(self, *options):
        """The next call, after a person has read the hint."""
        if getattr(self, 'server', None) and self.server.process.poll() is None:
            self.server.stop()
        shutil.rmtree(self.data_directory, ignore_errors=True)
        self.forget_failure()
        return self.bootstrap(*options)

    def points_in(self, hint):
        """Each LSN and each time that a hint offers, as options."""
        return ([['--type=lsn', '--target=' + lsn] for lsn in re.findall(r'(?i)\blsn(?: and target)? ([0-9A-F]+/[0-9A-F]+)', hint)] +
                [['--type=time', '--target=' + at] for at in re.findall(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00', hint)])

    def assert_points_work(self, hint, *allowed, at_least=0):
        """A hint is a promise: each point leads to one of these sets of rows."""
        points = self.points_in(hint)
        self.assertGreaterEqual(len(points), at_least, hint)
        for point in points:
            self.assert_done(self.again(*point))
            self.look_into()
            self.assertIn(self.rows(), allowed, point)

    def assert_verified(self):
        result = self.run_program(program(), 'verify', '--patroni-config=' + self.yml, environment={'PGUSER': 'postgres'})
        self.assertEqual(result.code, 0, result.log)

    def check(self, *arguments):
        return self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--scope=' + self.node.scope,
                                '--datadir=' + self.data_directory, *arguments)
