"""Clocks that jump, lag, or stand in another zone: the plan, the memory of failures, the next run and the rows do not mind."""
import glob
import os
import re
import time

from bootstrap_case import BootstrapCase, wait_until
from lab import send

HOUR, DAY = 3600, 86400


class ClockCase(BootstrapCase):
    def setUp(self):
        super().setUp()
        library, = glob.glob('/usr/lib/*/faketime/libfaketime.so.1')
        self.offset = self.lab.path('offset')
        self.faked = {'LD_PRELOAD': library, 'FAKETIME_TIMESTAMP_FILE': self.offset, 'FAKETIME_NO_CACHE': '1',
                      'FAKETIME_DONT_FAKE_MONOTONIC': '1'}
        self.set_clock(0)

    def set_clock(self, seconds):
        """By so much wrong, for what runs with `faked` as well."""
        self.lab.write('offset.new', '%+d' % seconds)
        os.rename(self.lab.path('offset.new'), self.offset)

    def begin(self, environment, *arguments):
        """One with a slow archive-get, in the background."""
        return self.lab.start('bootstrap', *self.command('--pgbackrest=' + self.slow_pgbackrest(), *arguments), environment=environment)

    def to_batch(self, batch):
        return ('--type=time', '--target=' + self.target('time', batch))

    @staticmethod
    def plan_in(log):
        return re.search(r'restore of demo to .*', log).group()


class Steps(ClockCase):
    def test_an_hour_ahead_and_back_in_the_replay(self):
        process = self.begin(self.faked)
        for batch, offset in ((5, HOUR), (6, -HOUR), (8, 0)):
            self.wait_for_replay_of(batch)
            self.set_clock(offset)
        self.assert_done(self.result_of(process))
        self.assert_complete()

    def test_killed_and_gone_on_with_a_day_behind(self):
        """Every target is in the future of this clock, and what the first run wrote is from the future as well."""
        self.set_clock(HOUR)
        process = self.begin(self.faked, *self.to_batch(8))
        self.wait_for_replay_of(6)
        send(9, list(self.lab.living()))
        first = self.result_of(process).log
        self.set_clock(-DAY)
        result = self.bootstrap(*self.to_batch(8), environment=self.faked)
        self.assert_done(result)
        self.assertEqual(self.plan_in(result.log), self.plan_in(first))
        self.assertIn('the copy of an earlier run is complete: the recovery goes on', result.log)
        self.assert_complete(8)

    def test_a_failure_of_tomorrow_is_neither_waited_for_nor_taken_for_the_last_word(self):
        passing = '--pgbackrest=' + self.failing_pgbackrest(5, 49)
        self.set_clock(DAY)
        for _ in range(2):
            self.assert_refused(self.bootstrap(passing, '--retry=0', environment=self.faked), 6, 'code 49')
        self.set_clock(0)
        began = time.monotonic()
        result = self.bootstrap(environment=self.faked)
        self.assert_done(result)
        self.assertNotIn('nothing has changed since', result.log)
        self.assertLess(time.monotonic() - began, 100)  # a pause of some seconds, not of a day
        self.assert_complete()


class Zones(ClockCase):
    def test_summer_time_begins_and_ends_in_the_replay(self):
        """In a zone that is made for it: the change is some seconds from now."""
        plans = set()
        for begins, ends in ((5, DAY), (-DAY, 5)):
            wait_until('a moment that is not near midnight', lambda: 120 < time.time() % DAY < DAY - 120, 300, 1)
            zone = 'STA0STB-1,%s,%s' % (self.rule(begins, 0), self.rule(ends, HOUR))
            process = self.begin({'TZ': zone}, *self.to_batch(8))
            result = self.result_of(process)
            self.assert_done(result)
            plans.add(self.plan_in(result.log))
            self.assert_complete(8)
            self.server.stop()
            self.lab.run_as_root('rm', '-r', self.data_directory, self.lab.path('bootstrap.log'), self.lab.path('log/asked'))
        self.assertEqual(len(plans), 1, plans)

    @staticmethod
    def rule(seconds, offset):
        """A moment that far from now as POSIX writes it, by a clock that is `offset` ahead of UTC."""
        at = time.gmtime(time.time() + seconds + offset)
        leap = at.tm_year % 4 == 0
        return 'J%d/%02d:%02d:%02d' % (at.tm_yday - (1 if leap and at.tm_yday > 59 else 0), at.tm_hour, at.tm_min, at.tm_sec)

    def test_any_zone(self):
        """What is printed is in UTC or names its offset, and the plan is the same."""
        plans = set()
        for zone in ('America/St_Johns', 'Pacific/Kiritimati', '<-12>12', ':/nonexistent', ''):
            result = self.bootstrap(*self.to_batch(8), '--pgbackrest=' + self.wrap_pgbackrest(
                '[ $VERB != restore ] || { echo "ERROR: [049]: raised by the test" >&2; exit 49; }'), '--retry=0', environment={'TZ': zone})
            self.assert_refused(result, 6, 'raised by the test')
            self.forget_failure()
            plans.add(self.plan_in(result.log))
        self.assertEqual(len(plans), 1, plans)
        self.assert_done(self.bootstrap(*self.to_batch(8), environment={'TZ': 'Pacific/Kiritimati'}))
        self.assert_complete(8)
