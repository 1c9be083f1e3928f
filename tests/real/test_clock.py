"""Clocks that jump, lag, or stand in another zone: the plan, the memory of failures, the next run and the rows do not mind."""
import glob
import json
import os
import re
import shutil
import time

from bootstrap_case import BATCHES, BootstrapCase, program, read, wait_until
from test_patroni import UnderPatroni
from test_resume import ResumeCase as Resuming

HOUR, DAY = 3600, 86400


class ClockCase(BootstrapCase):
    def held_at(self, *batches):
        """A pgbackrest that waits before the segment of each of these batches."""
        return self.wrap_pgbackrest('''[ $VERB != archive-get ] || case $SEGMENT in
%s) touch %s/$SEGMENT.reached; until [ -e %s/$SEGMENT.open ]; do sleep .05; done ;;
esac''' % (' | '.join(self.source.segments[batch] for batch in batches), self.lab.path('log'), self.lab.path('log')))

    def begin(self, environment, batches, *arguments):
        """In the background, held at these batches."""
        return self.lab.start('bootstrap', *self.command('--pgbackrest=' + self.held_at(*batches), *arguments), environment=environment)

    def wait_for(self, process, batch):
        """Until the replay is held at it."""
        reached = self.lab.path('log', self.source.segments[batch] + '.reached')
        wait_until('the replay of batch %d' % batch, lambda: os.path.exists(reached) or process.poll() is not None, 120)
        self.assertIsNone(process.poll(), self.lab.log('bootstrap'))

    def let_go(self, batch):
        self.lab.write('log/%s.open' % self.source.segments[batch], '')

    def to_batch(self, batch):
        return ('--type=time', '--target=' + self.target('time', batch))

    def plan_in(self, log):
        plan = re.search(r'restore of demo to .*', log)
        self.assertTrue(plan, log)
        return plan.group()


class FakedCase(ClockCase):
    """The clock of the program and of all that it starts, as libfaketime shows it to them."""

    SHARED = '/dev/shm/*faketime_*_[0-9]*'  # libfaketime's, which stays behind a process that is killed

    def setUp(self):
        shared = set(glob.glob(self.SHARED))
        self.addCleanup(lambda: self.remove_of_the_dead(set(glob.glob(self.SHARED)) - shared))  # last, when all have ended
        super().setUp()
        library, = glob.glob('/usr/lib/*/faketime/libfaketimeMT.so.1')
        self.offset = self.lab.path('offset')
        # Only the time of day is wrong; a clock that counts from the boot is not, and what a file says is not.
        self.faked = {'LD_PRELOAD': library, 'FAKETIME_TIMESTAMP_FILE': self.offset, 'FAKETIME_NO_CACHE': '1', 'NO_FAKE_STAT': '1',
                      'FAKETIME_DONT_FAKE_MONOTONIC': '1', 'DONT_FAKE_MONOTONIC': '1', 'FAKETIME_DISABLE_SHM': '1'}
        self.set_clock(0)

    @staticmethod
    def remove_of_the_dead(paths):
        for path in paths:
            if not os.path.exists('/proc/' + path.rpartition('_')[2]) and os.path.exists(path):
                os.remove(path)

    def set_clock(self, seconds):
        """By so much wrong, for what runs with `faked` as well."""
        self.lab.write('offset.new', '%+d' % seconds)
        os.rename(self.lab.path('offset.new'), self.offset)

    def assert_clock_is_faked(self, seconds):
        shown = int(self.lab.run('date', '+%s', environment=self.faked))
        self.assertTrue(abs(shown - time.time() - seconds) < 600, shown)


class Steps(FakedCase):
    def test_an_hour_ahead_and_back_in_the_replay(self):
        process = self.begin(self.faked, (5, 6, 8))
        for batch, offset in ((5, HOUR), (6, -HOUR), (8, 0)):
            self.wait_for(process, batch)
            self.set_clock(offset)
            self.assert_clock_is_faked(offset)
            self.let_go(batch)
        self.assert_done(self.result_of(process, 120))
        self.assert_complete()

    def test_an_hour_back_in_the_copy_and_ahead_in_the_replay(self):
        held = self.wrap_pgbackrest('''case "$VERB $SEGMENT" in
'restore ' | 'archive-get %s') touch %s/$VERB.reached; until [ -e %s/$VERB.open ]; do sleep .05; done ;;
esac''' % (self.source.segments[6], self.lab.path('log'), self.lab.path('log')))
        process = self.lab.start('bootstrap', *self.command('--pgbackrest=' + held, *self.to_batch(8)), environment=self.faked)
        for verb, offset in (('restore', -HOUR), ('archive-get', HOUR)):
            wait_until(verb, lambda: os.path.exists(self.lab.path('log/%s.reached' % verb)) or process.poll() is not None, 120)
            self.assertIsNone(process.poll(), self.lab.log('bootstrap'))
            self.set_clock(offset)
            self.assert_clock_is_faked(offset)
            self.lab.write('log/%s.open' % verb, '')
        self.assert_done(self.result_of(process, 120))
        self.assert_complete(8)

    def test_a_node_that_is_a_day_behind(self):
        """Every target and every backup is in the future of its clock."""
        self.set_clock(-DAY)
        self.assert_done(self.bootstrap(*self.to_batch(8), environment=self.faked))
        self.assert_complete(8)

    def test_a_day_behind_the_backup_check_says_how_often_to_make_one(self):
        """By a real restore here, whose copy is said to have taken a minute, and whose replay an hour."""
        self.assert_done(self.bootstrap())
        history = self.data_directory + '.restores.json'
        kept = json.loads(read(history))
        seconds = kept['runs'][0]['seconds']
        seconds.update({**dict.fromkeys(seconds, 1), 'copy': 60, 'replay': 3600})
        self.lab.write(history, json.dumps(kept))
        shutil.rmtree(self.data_directory)
        check = [program(), 'check', *self.command()[2:]]
        # The tests that run before this one have the same backup.
        age = int(time.time() - time.mktime(time.strptime(self.source.incremental_backup[-16:-1], '%Y%m%d-%H%M%S')))
        if age < HOUR - 300:
            self.assertNotRegex(self.run_program(*check).log, '(?m)^shorter with: ')
        self.set_clock(25 * HOUR - age)
        told = self.run_program(*check, environment=self.faked).log
        self.assertRegex(told, r'(?m)^time to a leader: about 1 h [12] min: .* copied in 1 min, \d+ WAL segments \([\d.]+ MiB\) replayed in 1 h 0 min, ')
        self.assertRegex(told, r'(?m)^shorter with: \d+ WAL segments since the backup: an incremental one every 12 h makes it (29|30|31) min$')

    def test_killed_and_gone_on_with_a_day_behind(self):
        """What the first run wrote is from the future."""
        self.set_clock(HOUR)
        process = self.begin(self.faked, (6,), *self.to_batch(8))
        self.wait_for(process, 6)
        self.lab.kill_all()
        first = self.lab.log('bootstrap')
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
        result = self.bootstrap(environment=self.faked)
        self.assert_done(result)
        for seconds in re.findall(r'times in a row: waiting (\d+) s', result.log):
            self.assertLessEqual(int(seconds), 10)  # no day
        self.assert_complete()


class Resumed(FakedCase, Resuming):
    def test_by_a_clock_that_is_a_day_behind_the_journal(self):
        self.interrupt_the_replay({'type': 'time', 'target': self.target('time', 8)})
        self.set_clock(-DAY)
        self.assert_clock_is_faked(-DAY)
        self.assert_done(self.resume(self.faked))
        self.node.start()
        self.node.wait_for_leader()
        self.assert_resumed(8)


class Verified(FakedCase, UnderPatroni):
    def test_with_its_probes_by_clocks_behind_and_ahead(self):
        self.bring_back({'probe': 'select count(distinct batch) = %d from kept' % BATCHES})
        for offset in (-DAY, -HOUR, HOUR):
            self.set_clock(offset)
            self.assert_clock_is_faked(offset)
            result = self.run_program(program(), 'verify', '--patroni-config=' + self.yml, environment={**self.faked, 'PGUSER': 'postgres'})
            self.assert_done(result)
            self.assertRegex(result.log, r'(?m)^probes     1 of 1 true\n0 errors')


class Zones(ClockCase):
    def change_of_the_clock(self, begins):
        """(TZ, when) of a zone in which it is noon, and in which summer time begins or ends in some seconds."""
        now = time.time()
        at = now + 12
        east = 12 - time.gmtime(now).tm_hour
        wall = time.gmtime(at + (east if begins else east + 1) * HOUR)  # each change is told in the time that it ends
        day = time.gmtime(at + east * HOUR).tm_yday - 1
        here = '%d/%02d:%02d:%02d' % (day, wall.tm_hour, wall.tm_min, wall.tm_sec)
        other = '%d/02:00:00' % (day + 30 if day < 300 else day - 30)
        return 'STA%+dSTB%+d,%s,%s' % (-east, -east - 1, *((here, other) if begins else (other, here))), at

    def assert_does_not_mind(self, begins):
        zone, at = self.change_of_the_clock(begins)
        process = self.begin({'TZ': zone}, (5,), *self.to_batch(8))
        self.wait_for(process, 5)
        wait_until('the change of the clock', lambda: time.time() > at, 60)
        self.let_go(5)
        result = self.result_of(process, 120)
        self.assert_done(result)
        hours = set(re.findall(r'(?m)^\d{4}-\d\d-\d\d (\d\d):', result.log))
        self.assertGreater(len(hours), 1, 'the clock of %s was not changed' % zone)
        self.assert_complete(8)

    def test_summer_time_begins_in_the_replay(self):
        self.assert_does_not_mind(True)

    def test_summer_time_ends_in_the_replay(self):
        self.assert_does_not_mind(False)

    def test_any_zone(self):
        """The plan is the same."""
        unreachable = '--pgbackrest=' + self.wrap_pgbackrest('[ $VERB != restore ] || { echo "ERROR: [049]: raised by the test" >&2; exit 49; }')
        plans = set()
        for zone in ('America/St_Johns', '<-12>12', ':/nonexistent', ''):
            result = self.bootstrap(*self.to_batch(8), unreachable, '--retry=0', environment={'TZ': zone})
            self.assert_refused(result, 6, 'raised by the test')
            self.forget_failure()
            plans.add(self.plan_in(result.log))
        result = self.bootstrap(*self.to_batch(8), environment={'TZ': 'Pacific/Kiritimati'})
        self.assert_done(result)
        self.assertEqual(plans, {self.plan_in(result.log)})
        self.assert_complete(8)
