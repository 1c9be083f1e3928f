"""WAL that only the old disk has: the primary ended before it was archived, and somebody moved its directory away."""
import os
import re

from repository_case import Cluster, RepositoryCase
from source_cluster import switch_wal


class UnarchivedWal(RepositoryCase):
    def setUp(self):
        super().setUp()
        self.empty_repository()
        self.facts = {'identifiers': {}, 'backups': {}, 'batches': {}}
        self.old = self.data_directory + '.old'
        self.alpha = Cluster(self, 'data').create().begin('stanza-create', 'alpha').back_up('alpha').write(1)

    def write_unarchived(self, *batches):
        """Each in a whole segment that waits for the archiver; the segments."""
        for batch in batches:
            self.alpha.write(batch, archive=False)
            switch_wal(self.alpha)
        return [self.facts['batches'][str(batch)]['segment'] for batch in batches]

    def without_archiving(self):
        self.alpha.stop()
        self.alpha.start('archive_command=false')

    def move_away(self):
        os.rename(self.data_directory, self.old)

    def finding(self):
        """Message and hint of what check finds, '' when it does not."""
        result = self.check()
        self.assert_done(result)
        found = re.search(r'WARNING wal-not-archived: (.*)\n\s*HINT: (.*)\n', result.log)
        return found.groups() if found else ('', '')

    def follow(self, hint):
        """What the hint says, as postgres."""
        self.lab.run('bash', '-c', re.search(r'for wal in .*; done', hint).group())

    def test_segments_that_wait_for_the_archiver_are_named_and_come_back(self):
        self.without_archiving()
        segments = self.write_unarchived(2, 3)
        self.alpha.stop()
        self.move_away()
        message, hint = self.finding()
        for word in (self.old, segments[0]):
            self.assertIn(word, message)
        self.assertIn(segments[1], hint)
        result = self.bootstrap()
        self.assert_rows_of(result, 1, timeline=2)  # what is lost unless somebody reads the warning
        self.assertRegex(result.log, 'WARNING: .*' + re.escape(message))
        self.server.stop()
        self.follow(hint)
        self.assert_rows_of(self.again(), 1, 2, 3, timeline=2)
        self.server.stop()
        os.rename(self.data_directory, self.data_directory + '.second')  # has WAL of its own by now
        self.assertNotIn(self.old + ' ', self.finding()[0])

    def test_the_segment_in_which_the_primary_crashed_is_named(self):
        self.alpha.write(2).write(3, archive=False).crash()
        segment = self.facts['batches']['3']['segment']
        self.assertIn('%s has WAL' % self.data_directory, self.finding()[0])
        self.move_away()
        message, hint = self.finding()
        self.assertRegex(message, '%s .*%s.*unfinished' % (re.escape(self.old), segment))
        self.assertNotIn(self.facts['batches']['2']['segment'], message + hint)
        self.follow(hint)
        self.assertEqual(self.finding(), ('', ''))

    def test_a_timeline_that_was_never_archived_comes_back_with_its_history(self):
        self.alpha.stop()
        self.lab.write(os.path.join(self.data_directory, 'standby.signal'), '')
        self.alpha.start('archive_command=false')
        self.alpha.sql('select pg_promote()')
        self.write_unarchived(2)
        self.alpha.stop()
        self.move_away()
        message, hint = self.finding()
        self.assertIn('00000002.history', message)
        self.follow(hint)
        self.assertEqual(self.finding(), ('', ''))
        self.assert_rows_of(self.bootstrap(), 1, 2, timeline=3)

    def test_what_the_archive_has_and_what_holds_no_rows_is_not_named(self):
        self.alpha.write(2).stop()  # its last segment holds the shutdown's checkpoint alone
        self.assertEqual(self.finding(), ('', ''))
        self.move_away()
        self.assertEqual(self.finding(), ('', ''))
        result = self.bootstrap()
        self.assertNotIn('has WAL', result.log)
        self.assert_rows_of(result, 1, 2, timeline=2)

    def test_a_directory_of_another_cluster_is_left_alone(self):
        self.alpha.stop().remove()
        other = Cluster(self, 'data.old').create()
        other.sql('create table kept (batch int)')
        other.crash()
        self.assertEqual(self.finding(), ('', ''))

    def test_the_old_primary_of_a_failover_is_not_to_be_pushed_onto_the_new_timeline_s_parent(self):
        new = self.alpha.standby('new')
        self.alpha.write(2, archive=False)
        new.wait_replayed('2')
        new.promote().write(20)
        self.alpha.write(3, archive=False).crash()
        new.stop().remove()
        self.move_away()
        self.assertEqual(self.finding(), ('', ''))
