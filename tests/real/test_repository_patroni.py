"""Patroni mode: PostgreSQL itself asks for histories, so what it is given must be what was planned."""
import glob
import os

from repository_case import RepositoryCase


class PatroniMode(RepositoryCase):
    def assert_leader_has(self, *batches):
        self.node.start()
        self.node.wait_for_leader()
        rows = self.node.sql("select string_agg(batch::text, ' ' order by batch) from (select distinct batch from kept) b")
        self.assertEqual(rows, ' '.join(map(str, batches)))

    def test_the_latest_point_of_the_newest_timeline(self):
        self.situation('chain')
        self.configure({'recovery_conf': self.recovery_conf()})
        self.assert_leader_has(1, 2, 20, 21, 30)

    def test_a_missing_history_below_the_newest(self):
        # PostgreSQL asks for 2, is told that there is none, and would end on 1.
        self.situation('chain')
        self.remove_from_archive('00000002.history')
        self.configure({'recovery_conf': self.recovery_conf()})
        hint = self.assert_refuses(self.bootstrap(), 2, 'timeline 3')
        self.assertIn('target-timeline: 3', hint)
        self.forget_failure()
        self.configure({'target-timeline': 3, 'recovery_conf': self.recovery_conf(timeline='3')})
        self.assert_leader_has(1, 2, 20, 21, 30)

    def test_a_timeline_that_arrives_after_the_plan_is_not_followed(self):
        self.situation('two_timelines')
        self.situation('lost')
        history, = glob.glob(os.path.join(os.environ['LAB_SOURCE'], 'two_timelines/repo/archive/demo/*/00000002.history'))
        archive = os.path.basename(os.path.dirname(history))
        wrapped = self.wrap_pgbackrest('[ "$VERB" != archive-get ] || cp -n %s %s/archive/demo/%s/' % (
            history, self.repository, archive))
        self.configure({'pgbackrest': wrapped, 'recovery_conf': self.recovery_conf()})
        self.node.start()
        self.node.wait_for_end()
        self.assert_absent()
        self.assertIn('00000002.history came into the archive after the restore was planned', self.lab.log('node1'))
