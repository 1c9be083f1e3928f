"""A repository that goes away in the middle of a restore and comes back: it passes."""
import glob
import json
import os

from bootstrap_case import BootstrapCase, read, wait_until


class AbsentCase(BootstrapCase):
    """The repository is a directory that is moved away, as a file system that is not mounted any more."""

    AT = {'info': '[ $VERB = info ]', 'listing': '[ $VERB = repo-ls ]', 'manifest': '[ $VERB = repo-get ]', 'copy': '[ $VERB = restore ]', 'replay': '[ $VERB = archive-get ] && [[ $SEGMENT > %s ]]',
          'middle of the copy': '[ $VERB = restore ]', 'asynchronous replay': '[ $VERB = archive-get ]'}

    def take_away_at(self, phase, *arguments):
        """A bootstrap in the background whose repository is gone when that phase begins."""
        reached, opened = self.lab.path('log/reached'), self.lab.path('log/opened')
        held = 'touch %s; until [ -e %s ]; do sleep .05; done' % (reached, opened)
        if phase == 'middle of the copy':
            copying = 'pgbackrest "$@" & until [ -e %s/base ] || ! kill -0 $!; do :; done; kill -STOP $!' % self.staging
            held = 'if [ ! -e %s ]; then %s; %s; kill -CONT $!; wait $!; exit; fi' % (opened, copying, held)
        begins = self.AT[phase].replace('%s', self.source.segments[6])
        wrapped = self.wrap_pgbackrest('if %s; then %s; fi' % (begins, held), ahead=phase.startswith('asynchronous'))
        process = self.start_bootstrap('--pgbackrest=' + wrapped, *arguments)
        wait_until(phase, lambda: os.path.exists(reached) or process.poll() is not None, 120)
        self.assertIsNone(process.poll(), self.lab.log('bootstrap'))
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


class AbsentRepository(AbsentCase):
    def assert_passes_in_the_plan(self, phase):
        """Whatever the plan takes it for, the next call looks again."""
        result = self.result_of(self.take_away_at(phase, '--retry=0'), 90)
        self.assertIn(result.code, (4, 6), result.log)
        self.assertTrue(result.problems() and all(hint for _, hint in result.problems()), result.log)
        self.assert_absent()
        self.assert_nothing_runs()
        failure = read(self.staging + '.d/failure.json')
        self.assertFalse(failure and json.loads(failure)['lasts'], failure)
        self.bring_back()
        self.assert_done(self.bootstrap())
        self.assert_complete()

    def test_gone_when_its_info_is_asked_for(self):
        self.assert_passes_in_the_plan('info')

    def test_gone_when_its_archive_is_listed(self):
        self.assert_passes_in_the_plan('listing')

    def test_gone_when_its_manifest_is_read(self):
        self.assert_passes_in_the_plan('manifest')

    def test_gone_before_the_copy(self):
        self.assert_passes('copy')

    def test_gone_in_the_middle_of_the_copy(self):
        self.assert_passes('middle of the copy')

    def test_gone_in_the_replay(self):
        self.assert_passes('replay')

    def test_gone_at_the_hand_over(self):
        """What is not mounted is listed as empty, and would hide a living source."""
        self.AT = {**self.AT, 'hand-over': '[ $VERB = repo-ls ] && grep -qs recovered %s.d/journal.json' % self.staging}
        result = self.result_of(self.take_away_at('hand-over', '--retry=0'), 90)
        self.assert_refused(result, 6, 'is empty, and had WAL to', 'bring the repository back')
        self.assert_absent()
        self.assert_nothing_runs()
        self.bring_back()
        self.assert_done(self.bootstrap())
        self.assert_complete()

    def assert_back_in_time(self, phase):
        process = self.take_away_at(phase, '--retry=5', '--retry-wait=1')
        self.wait_for_log('trying again in')
        self.bring_back()
        self.assert_done(self.result_of(process, 90))
        self.assert_complete()

    def test_back_again_while_the_copy_is_tried_again(self):
        self.assert_back_in_time('copy')

    def test_back_again_while_it_is_tried_again(self):
        self.assert_back_in_time('replay')


class OneOfTwoRepositories(AbsentCase):
    """The one that stays answers "not there" for what only the other one has."""

    def with_second(self, last=None):
        """repo2 has the same, and WAL up to this segment."""
        second = self.lab.path('repo2')
        self.lab.run('cp', '-a', self.repository, second)
        for path in glob.glob(os.path.join(second, 'archive/demo/*/*/0000*')):
            if last and os.path.basename(path)[:24] > last:
                os.remove(path)
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(
            self.data_directory, self.node.port, settings={'repo2-path': second})
        self.configure()

    def test_gone_in_the_replay(self):
        self.with_second(self.source.segments[5])
        self.assert_passes('replay')

    def test_gone_in_an_asynchronous_replay(self):
        self.with_second(self.source.segments[5])
        self.assert_passes('asynchronous replay')

    def test_gone_at_the_end_of_the_wal(self):
        # Nothing is missing, and nobody knows whether there is more.
        self.with_second()
        self.assert_passes('replay')

    def test_back_again_while_it_is_tried_again(self):
        self.with_second(self.source.segments[5])
        process = self.take_away_at('replay', '--retry=5', '--retry-wait=1')
        self.wait_for_log('not every repository could be asked: .* trying again in')
        self.bring_back()
        self.assert_done(self.result_of(process, 90))
        self.assert_complete()
