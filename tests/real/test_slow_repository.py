"""A repository that is very slow: it is waited for as long as anything comes, and ends when told to, which is no failure that lasts."""
import os

from bootstrap_case import BootstrapCase, read, wait_until
from repository_case import RepositoryCase


class SlowRepository(BootstrapCase):
    def test_one_that_answers_slowly_is_waited_for(self):
        self.assert_waited_for('sleep .3')

    def test_one_that_comes_in_drops_is_waited_for(self):
        """pgbackrest stands still three quarters of the time, in the copy and with one of the segments."""
        self.assert_waited_for('''case "$VERB $SEGMENT" in
'restore ' | 'archive-get %s')
  pgbackrest "$@" &
  while kill -STOP $!; do sleep .15; kill -CONT $!; sleep .05; done 2>>%s
  wait $!
  exit
esac''' % (self.source.segments[7], self.lab.path('log/wrapper')))

    def assert_waited_for(self, body):
        result = self.bootstrap('--pgbackrest=' + self.wrap_pgbackrest(body))
        self.assert_done(result)
        self.assertNotRegex(result.log, 'made no progress|trying again')
        self.assert_complete()

    def assert_ends_when_told_to(self, begins, place):
        """With a byte each second in `place`, which would take weeks."""
        reached = self.lab.path('log/reached')
        process = self.start_bootstrap('--pgbackrest=' + self.wrap_pgbackrest(
            'if %s; then touch %s; while :; do printf x >>%s || exit; sleep 1; done; fi' % (begins, reached, place)))
        wait_until('the byte', lambda: os.path.exists(reached) or process.poll() is not None, 120)
        process.terminate()
        self.assertEqual(self.result_of(process, 30).code, 143)
        self.assert_absent()
        self.assert_nothing_runs()
        self.assertFalse(os.path.exists(self.staging + '.d/failure.json'))
        result = self.bootstrap()
        self.assert_done(result)
        self.assert_complete()
        return result

    def test_a_byte_each_second_in_the_copy_ends_when_told_to(self):
        self.assert_ends_when_told_to('[ $VERB = restore ]', os.path.join(self.staging, 'drops'))

    def test_a_byte_each_second_in_the_replay_ends_when_told_to(self):
        result = self.assert_ends_when_told_to('[ "$VERB $SEGMENT" = "archive-get %s" ]' % self.source.segments[6],
                                               os.path.join(self.staging, 'pg_wal/RECOVERYXLOG'))
        self.assertIn('the copy of an earlier run is complete: the recovery goes on', result.log)


class SlowLink(RepositoryCase):
    """The repository is behind a link that lets so many bytes a second through, whichever file is read: pgBackRest's own remote."""

    KINDS = {  # {file: (when it is read, what passes before it, which of pgBackRest's processes read it)}
        'backup.info and archive.info': ('[ $VERB = info ]', 100, '.'),
        'the history': ('[ $VERB = repo-get ] && [[ "$*" = *.history* ]]', 0, '.'),
        'the manifest': ('[ $VERB = restore ]', 4000, '--process=0'),
        'the data files': ('[ $VERB = restore ]', 1000, '--process=[1-9]'),
        'the WAL': ('[ $VERB = archive-get ] && [ ${#SEGMENT} = 24 ]', 1500, '.'),
    }

    def setUp(self):
        super().setUp()
        self.situation('two_timelines')
        # In place of ssh: what the other host would run is run here, and what it says comes at the rate of the file.
        drops = self.lab.write('drops', """#!/usr/bin/python3
import os
import sys
import time
rate, quick, log = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
while True:
    said = os.read(0, quick or max(1, rate // 10))
    if not said:
        break
    os.write(1, said)
    if quick:
        quick -= len(said)
        continue
    with open(log, 'a') as file:
        file.write('.')
    time.sleep(len(said) / rate)
""", 0o755)
        link = self.lab.write('link', """#!/bin/bash
until [[ $1 = *@* ]]; do shift; done
shift
if [ "$SLOW" ] && [[ $* =~ $SLOW_IN ]]; then
  bash -c "$*" | %s $SLOW %s
else
  exec bash -c "$*"
fi
""" % (drops, self.lab.path('log/passed')), 0o755)
        far = self.lab.write('far.conf', '[global]\nrepo1-path=%s\nlog-level-file=off\nlock-path=%s\n' % (self.repository, self.lab.make('far')))
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(self.data_directory, self.node.port, settings={
            'repo1-host': 'far-away', 'repo1-host-config': far, 'cmd-ssh': link})
        self.configure()

    def slow_at(self, condition, rate, quick=0, processes='.'):
        return '--pgbackrest=' + self.wrap_pgbackrest("if %s; then export SLOW='%d %d' SLOW_IN='%s'; fi" % (condition, rate, quick, processes))

    def assert_right(self, result):
        self.assert_done(result)
        self.look_into()
        self.assertEqual(self.rows(), '1 2 20 21')

    def passed(self):
        return len(read(self.lab.path('log/passed')))

    def assert_ends_when_told_to(self, kind):
        """It has begun to come, and would take days."""
        self.lab.write('log/passed', '')
        condition, quick, processes = self.KINDS[kind]
        process = self.start_bootstrap(self.slow_at(condition, 1, quick, processes))
        wait_until(kind, lambda: self.passed() > 2 or process.poll() is not None, 120)
        self.assertIsNone(process.poll(), self.lab.log('bootstrap'))
        began = self.passed()
        wait_until('more of ' + kind, lambda: self.passed() > began + 1, 30)
        self.assertIsNone(process.poll(), self.lab.log('bootstrap'))
        process.terminate()
        self.assertEqual(self.result_of(process, 30).code, 143, kind)
        self.assert_absent()
        self.assert_nothing_runs()
        self.assertFalse(os.path.exists(self.staging + '.d/failure.json'), kind)

    def test_a_byte_each_second_of_what_the_plan_reads_ends_when_told_to(self):
        for kind in ('backup.info and archive.info', 'the history'):
            self.assert_ends_when_told_to(kind)
        self.assert_right(self.bootstrap())

    def test_a_byte_each_second_of_what_is_copied_ends_when_told_to(self):
        for kind in ('the manifest', 'the data files'):
            self.assert_ends_when_told_to(kind)
        self.assert_right(self.bootstrap())

    def test_a_byte_each_second_of_the_wal_ends_when_told_to(self):
        self.assert_ends_when_told_to('the WAL')
        self.assert_right(self.bootstrap())

    def test_whatever_comes_slowly_is_waited_for(self):
        result = self.bootstrap(self.slow_at('true', 200000), seconds=250)
        self.assertNotRegex(result.log, 'made no progress|trying again')
        self.assert_right(result)
        self.assertGreater(self.passed(), 20)  # tenths of a second
