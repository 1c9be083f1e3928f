"""A repository that goes away in the middle of a restore and comes back: it passes."""
import os

from bootstrap_case import BootstrapCase, wait_until


class AbsentRepository(BootstrapCase):
    """It is a directory that is moved away, as a file system that is not mounted any more."""

    AT = {'copy': '[ $VERB = restore ]', 'replay': '[ $VERB = archive-get ] && [[ $SEGMENT > %s ]]',
          'middle of the copy': '[ $VERB = restore ]'}

    def take_away_at(self, phase, *arguments):
        """A bootstrap in the background whose repository is gone when that phase begins."""
        reached, opened = self.lab.path('log/reached'), self.lab.path('log/opened')
        held = 'touch %s; until [ -e %s ]; do sleep .05; done' % (reached, opened)
        if phase == 'middle of the copy':
            copying = 'pgbackrest "$@" & until [ -e %s/base ] || ! kill -0 $!; do :; done; kill -STOP $!' % self.staging
            held = 'if [ ! -e %s ]; then %s; %s; kill -CONT $!; wait $!; exit; fi' % (opened, copying, held)
        begins = self.AT[phase].replace('%s', self.source.segments[6])
        process = self.start_bootstrap('--pgbackrest=' + self.wrap_pgbackrest('if %s; then %s; fi' % (begins, held)), *arguments)
        wait_until(phase, lambda: os.path.exists(reached), 120)
        os.rename(self.repository, self.repository + '.away')
        self.lab.write('log/opened', '')
        return process

    def bring_back(self):
        os.rename(self.repository + '.away', self.repository)

    def assert_passes(self, phase):
        result = self.result_of(self.take_away_at(phase, '--retry=0'), 90)
        self.assert_refused(result, 6, 'pgbackrest exited with code', 'bring the repository')
        self.assert_absent()
        self.assert_nothing_runs()
        self.bring_back()
        self.assert_done(self.bootstrap())
        self.assert_complete()

    def test_gone_before_the_copy(self):
        self.assert_passes('copy')

    def test_gone_in_the_middle_of_the_copy(self):
        self.assert_passes('middle of the copy')

    def test_gone_in_the_replay(self):
        self.assert_passes('replay')

    def test_back_again_while_it_is_tried_again(self):
        process = self.take_away_at('replay', '--retry=5', '--retry-wait=1')
        self.wait_for_log('trying again in')
        self.bring_back()
        self.assert_done(self.result_of(process, 90))
        self.assert_complete()
