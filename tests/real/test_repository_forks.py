"""Timelines and forks: one that cannot be followed is not passed by, and what lies behind a fork is nobody's."""
import os
import re
import shutil

from bootstrap_case import read, wait_until
from repository_case import Cluster, RepositoryCase


class TimelinesWithoutHistory(RepositoryCase):
    def setUp(self):
        super().setUp()
        self.situation('two_timelines')
        self.history, = self.in_archive('00000002.history')
        self.whole = read(self.history)

    def assert_named(self, *options):
        """Refused with the timeline's name and its file's; with the file in its place it works."""
        self.assert_refuses(self.bootstrap(*options), 4, 'timeline 2', '00000002[.]history')
        self.lab.write(self.history, self.whole, 0o640)
        self.assert_rows_of(self.again(*options), 1, 2, 20, 21, timeline=3)

    def test_latest(self):
        self.remove_from_archive('00000002.history')
        self.assert_named()

    def test_a_set_that_is_named(self):
        self.remove_from_archive('00000002.history')
        self.assert_named('--set=' + self.label('alpha'))

    def test_an_empty_history(self):
        self.lab.write(self.history, '', 0o640)
        self.assert_named()

    def test_a_history_cut_in_its_location(self):
        self.lab.write(self.history, self.whole[:self.whole.index('/') + 3], 0o640)
        self.assert_named()

    def test_a_history_cut_in_its_reason(self):
        self.lab.write(self.history, self.whole[:self.whole.index('before')], 0o640)
        self.assert_named()

    def test_a_history_that_holds_no_line(self):
        self.lab.write(self.history, '# nothing\n\n', 0o640)
        self.assert_named()

    def test_the_abandoned_timeline_would_take_its_number_again(self):
        self.remove_from_archive('00000002.history')
        self.assert_refuses(self.bootstrap('--target-timeline=1'), 4, 'timeline 2', '00000002[.]history')

    def test_a_time_before_the_fork_would_take_its_number_again(self):
        self.remove_from_archive('00000002.history')
        self.assert_refuses(self.bootstrap('--type=time', '--target=' + self.time_of(1)), 4, 'timeline 2', '00000002[.]history')

    def test_immediate_would_take_its_number_again(self):
        self.remove_from_archive('00000002.history')
        self.assert_refuses(self.bootstrap('--type=immediate'), 4, 'timeline 2', '00000002[.]history')

    def test_a_history_alone_leads_to_nothing_that_was_archived(self):
        # The fork lies in a segment that timeline 1 has as well: what timeline 2 wrote is not there.
        self.remove_from_archive('00000002????????????????-*')
        self.assert_refuses(self.bootstrap(), 4, 'timeline 2')


class SeveralHistories(RepositoryCase):
    def test_the_newest_history_tells_of_those_that_are_missing(self):
        self.situation('chain')
        self.remove_from_archive('00000002.history')
        self.assert_rows_of(self.bootstrap(), 1, 2, 20, 21, 30, timeline=4)

    def test_the_newest_timeline_without_its_history(self):
        self.situation('chain')
        self.remove_from_archive('00000003.history')
        self.assert_refuses(self.bootstrap(), 4, 'timeline 3', '00000003[.]history')

    def test_a_history_that_lost_its_last_line(self):
        # It reads like a whole one, of a timeline that left timeline 1; the segments say where it really began.
        self.situation('chain')
        history, = self.in_archive('00000003.history')
        self.lab.write(history, read(history).split('\n')[0] + '\n', 0o640)
        self.assert_refuses(self.bootstrap(), 4, 'timeline 3|WAL segment 00000003')

    def test_histories_that_contradict_each_other(self):
        self.situation('chain')
        older, = self.in_archive('00000002.history')
        first = self.facts['batches']['1']['lsn']
        self.lab.write(older, '1\t%s\tbefore 2000-01-01 00:00:00+00\n\n' % first, 0o640)
        self.assert_refuses(self.bootstrap(), 4, '00000002[.]history', '00000003[.]history')

    def test_a_timeline_of_which_only_a_backup_is_left(self):
        self.situation('three_branches')
        self.remove_from_archive('0000000[234]*')
        self.assert_refuses(self.bootstrap('--set=' + self.label('alpha')), 4, 'timeline 2', self.label('second'))

    def test_an_abandoned_timeline_without_its_history_does_not_matter_to_a_newer_one(self):
        self.situation('three_branches')
        self.remove_from_archive('00000003.history')
        self.assert_rows_of(self.bootstrap('--set=' + self.label('alpha')), 1, 2, 40, timeline=5)

    def test_a_newer_timeline_that_was_only_begun_in_the_archive(self):
        # Segments alone, no history, and older than all but one: nobody knows where it left which timeline.
        self.situation('three_branches')
        self.remove_from_archive('00000004.history')
        self.assert_refuses(self.bootstrap('--set=' + self.label('alpha')), 4, 'timeline 4', '00000004[.]history')


class Forks(RepositoryCase):
    def test_a_failover_whose_first_segment_was_never_archived(self):
        self.situation('failover')
        self.remove_from_archive('00000002????????????????-*', *self.orphans())
        hint = self.assert_refuses(self.bootstrap(), 4, self.fork_segment(1) + '[.]partial')
        self.assert_points_work(hint, '1', '1 2')

    def orphans(self):
        """What the old primary archived behind the fork."""
        return [self.fork_segment(1) + '-*', self.fork_segment(1, 1) + '-*']

    def test_the_orphans_segment_is_no_substitute_for_the_new_timelines(self):
        self.situation('failover')
        self.remove_from_archive('00000002????????????????-*')
        hint = self.assert_refuses(self.bootstrap(), 4, self.fork_segment(2))
        self.assert_points_work(hint, '1', '1 2')

    def test_nor_when_the_new_timelines_next_segment_is_there(self):
        self.situation('failover')
        self.remove_from_archive(self.fork_segment(2) + '-*')
        hint = self.assert_refuses(self.bootstrap(), 4, self.fork_segment(2))
        self.assert_points_work(hint, '1', '1 2')

    def test_nor_for_a_time_on_the_new_timeline(self):
        self.situation('failover')
        self.remove_from_archive(self.fork_segment(2) + '-*', *self.orphans()[1:])
        self.assert_refuses(self.bootstrap('--type=time', '--target=' + self.time_of(21), '--target-timeline=2'), 4, self.fork_segment(2))

    def test_a_whole_failover_with_an_orphan_is_right(self):
        self.situation('failover')
        self.assert_rows_of(self.bootstrap(), 1, 2, 20, 21, timeline=3)

    def test_the_newest_backup_is_an_orphans(self):
        # It archived to the end, beside the timeline that everybody else followed.
        self.situation('orphan_backup')
        self.assert_refuses(self.bootstrap(), 4, 'timeline 2', self.label('orphan'))
        self.assert_rows_of(self.again('--set=' + self.label('alpha')), 1, 2, 20, 21, timeline=3)

    def test_a_clean_switchover_that_looks_like_it_is_right(self):
        self.situation('switchover')
        self.assert_rows_of(self.bootstrap(), 1, 2, timeline=3)

    def test_a_last_segment_that_is_there_as_partial_alone(self):
        self.situation('failover')
        self.remove_from_archive('00000002*', *self.orphans())
        hint = self.assert_refuses(self.bootstrap(), 4, self.fork_segment(1) + '[.]partial')
        self.assert_points_work(hint, '1', '1 2')
        command = re.search('(pgbackrest .*repo-get .*?);', hint).group(1)
        self.lab.run('sh', '-c', command.replace('/tmp/0', self.lab.path('0')))
        self.assert_rows_of(self.again(), 1, 2, timeline=2)


class HistoriesAlone(RepositoryCase):
    """A restore to the past whose node was lost before its first segment was archived: what it wrote, nobody knows."""

    SAID = 'timeline 2 left timeline 1 at .* nothing is in the archive but its history: one of timelines 1 and 2 was abandoned'
    BEHIND_ALL = '--type=time', '--target=2099-01-01 00:00:00+00', '--nearest'

    def make_lost_before_it_archived(self):
        """The newest backup is of timeline 1, behind the place where timeline 2 left it."""
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1, 2, 3)
        alpha.back_up('second').write(4).stop().remove()
        restored = Cluster(self, 'alpha').restore(*self.to(2))
        restored.wait_archived('00000002.history')
        restored.crash().remove()
        self.assertEqual(self.in_archive('00000002[0-9A-F]*'), [])

    def test_the_newest_backup_does_not_bring_the_abandoned_timeline_back(self):
        self.situation('lost_before_it_archived')
        hint = self.assert_refuses(self.bootstrap(), 4, self.SAID)
        backup_set, lsn = re.search('for what it began with, say set: (.*?), type: lsn, target: (.*?), target-exclusive: true '
                                    'and target-timeline: 1;', hint).groups()
        self.assertEqual(backup_set, self.label('alpha'))
        self.assert_rows_of(self.again('--set=' + backup_set, '--type=lsn', '--target=' + lsn, '--target-exclusive',
                                       '--target-timeline=1'), 1, 2, timeline=3)
        self.assertIn('for what backup set %s leads to, say target-timeline: 1' % self.label('second'), hint)
        self.assert_rows_of(self.again('--target-timeline=1'), 1, 2, 3, 4, timeline=3)
        self.assert_rows_of(self.again('--set=' + self.label('second')), 1, 2, 3, 4, timeline=3)

    def test_nor_does_another_target_without_a_set(self):
        facts = self.situation('lost_before_it_archived')
        for options in (['--type=immediate'], ['--type=lsn', '--target=' + facts['batches']['4']['lsn']], self.BEHIND_ALL):
            self.assert_refuses(self.again(*options), 4, self.SAID)
        self.assert_rows_of(self.again(*self.BEHIND_ALL, '--target-timeline=1'), 1, 2, 3, 4, timeline=3)

    def test_a_time_up_to_which_the_timeline_was_written_lies_there(self):
        self.situation('lost_before_it_archived')
        for batch, rows in ((1, [1]), (3, [1, 2, 3])):
            self.assert_rows_of(self.again('--type=time', '--target=' + self.time_of(batch)), *rows, timeline=3)

    def test_nearest_does_not_take_the_end_of_what_the_newest_restore_had_left(self):
        self.situation('two_timelines')
        self.remove_from_archive('00000002????????????????-*')
        hint = self.assert_refuses(self.bootstrap(*self.BEHIND_ALL), 4, self.SAID)
        lsn = re.search('target: (.*?), target-exclusive: true', hint)[1]
        self.assert_rows_of(self.again('--set=' + self.label('alpha'), '--type=lsn', '--target=' + lsn, '--target-exclusive',
                                       '--target-timeline=1'), 1, 2, timeline=3)
        self.assert_rows_of(self.again(*self.BEHIND_ALL, '--target-timeline=1'), 1, 2, 3, timeline=3)


class LsnsBeforeAFork(RepositoryCase):
    """What a replay to an LSN ends with is the first record behind it, which may end, or begin, behind a fork."""

    def make_crossing(self):
        message = "select pg_logical_emit_message(true, 'x', repeat('x', 12 << 20))"
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1)
        alpha.sql(message)
        self.facts['crossing'] = alpha.sql('select pg_current_wal_insert_lsn()')
        alpha.sql(message)
        self.facts['behind'] = alpha.sql('select pg_current_wal_insert_lsn()')
        alpha.write(2, 3).stop().remove()

    def make_crossing_and_later_fork(self):
        self.situation('crossing')
        Cluster(self, 'alpha').restore(*self.to(2)).write(20).stop().remove()

    def make_orphan_at_a_segments_end(self):
        """Timeline 2 leaves timeline 1 at a segment's end, and of it nothing but the history is archived. The orphan went on
        with a commit of what was begun before."""
        alpha = Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1)
        script = self.lab.write('open.sql', 'begin;\ninsert into kept select 50 from generate_series(1, 100);\n'
                                "select pg_create_restore_point('inserted');\n"
                                '\\! while [ ! -e %s ]; do sleep .05; done\ncommit;\n' % self.lab.path('go'))
        opened = self.lab.start('open', 'psql', '-X', '-h', self.lab.directory, '-p', str(alpha.server.port), '-U', 'postgres', '-f', script)
        wait_until('the open transaction', lambda: 'pg_create_restore_point' in self.lab.log('open'))
        self.facts['switch'] = alpha.sql('select pg_switch_wal()')
        alpha.wait_archived(alpha.sql("select pg_walfile_name('%s')" % self.facts['switch']) + '-*')
        early, full = self.lab.path('early'), self.lab.path('full')
        self.lab.run('cp', '-a', self.repository, early)
        self.lab.write('go', '')
        wait_until('the commit', lambda: opened.poll() is not None)
        alpha.switch()
        alpha.write(3).crash().remove()
        os.rename(self.repository, full)
        os.rename(early, self.repository)
        promoted = Cluster(self, 'alpha').restore()
        promoted.wait_archived('00000002.history')
        history, = self.in_archive('00000002.history')
        self.lab.run('cp', history, history.replace(self.repository, full))
        promoted.crash().remove()
        shutil.rmtree(self.repository)
        os.rename(full, self.repository)

    def test_a_record_that_goes_on_in_the_next_segment_of_an_older_timeline(self):
        self.situation('crossing_and_later_fork')
        self.assert_rows_of(self.bootstrap('--type=lsn', '--target=' + self.facts['crossing']), 1, timeline=3)

    def test_the_point_before_a_fork_may_be_a_record_that_goes_on_behind_it(self):
        self.situation('crossing')
        segment, *_ = self.in_archive('0000000100000000*-*')
        self.lab.write(os.path.join(os.path.dirname(os.path.dirname(segment)), '00000002.history'),
                       '1\t%s\tno recovery target specified\n' % self.facts['behind'], 0o640)
        hint = self.assert_refuses(self.bootstrap(), 4, 'timeline 2 left timeline 1')
        self.assert_points_work(hint, '1', at_least=1)

    def test_an_orphans_commit_is_not_taken_for_the_record_behind_a_segment_switch(self):
        self.situation('orphan_at_a_segments_end')
        latest = '--type=lsn', '--target=' + self.facts['switch']
        self.assert_refuses(self.bootstrap(), 4, 'timeline 2 left timeline 1')
        self.assert_refuses(self.again(*latest), 4, 'timeline 2 left timeline 1')
        self.assert_rows_of(self.again(*latest, '--target-timeline=1'), 1, 50)


class TargetsOnTwoBranches(RepositoryCase):
    """An LSN and a transaction ID are given away anew behind a fork: on the abandoned timeline they mean other rows."""

    def assert_asked_for(self, *options):
        self.assert_refuses(self.bootstrap(*options), 4, 'timeline 1', 'timeline 2', 'target-timeline')

    def test_an_lsn_behind_the_fork(self):
        facts = self.situation('two_timelines')
        options = ['--type=lsn', '--target=' + facts['batches']['3']['lsn']]
        self.assert_asked_for(*options)
        self.assert_rows_of(self.again(*options, '--target-timeline=1'), 1, 2, 3, timeline=3)

    def test_an_lsn_before_the_fork_is_the_same_on_both(self):
        facts = self.situation('two_timelines')
        self.assert_rows_of(self.bootstrap('--type=lsn', '--target=' + facts['batches']['1']['lsn']), 1, timeline=3)

    def test_a_transaction_that_both_have(self):
        facts = self.situation('backup_on_abandoned_branch')
        self.assertEqual(facts['batches']['4']['xid'], facts['batches']['20']['xid'])
        options = ['--set=' + self.label('alpha'), '--type=xid', '--target=' + facts['batches']['4']['xid']]
        self.assert_asked_for(*options)
        self.assert_rows_of(self.again(*options, '--target-timeline=1'), 1, 2, 3, 4, timeline=3)
        self.assert_rows_of(self.again(*options, '--target-timeline=2'), 1, 2, 20, timeline=3)
