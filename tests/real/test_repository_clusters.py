"""Several clusters, database ids and repositories in one stanza: one restore, one cluster, and a guess only where it is none."""
import contextlib
import glob
import gzip
import os
import re
import select
import shutil
import socket

from bootstrap_case import read, wait_until
from repository_case import STANZA, Cluster, RepositoryCase


class TwoClusters(RepositoryCase):
    def both_named(self):
        """Identifiers, and when each was last backed up."""
        return [self.facts['identifiers'][name] for name in ('alpha', 'beta')] + [
            self.stop_second(name) for name in self.facts['backups']] + ['set', 'system-identifier']

    def test_latest_with_two_clusters_is_refused_until_one_is_named(self):
        self.situation('replaced')
        self.assert_refuses(self.bootstrap(), 2, *self.both_named())
        self.assert_rows_of(self.again('--set=' + self.label('alpha')), 1, 2, 3)
        self.assert_rows_of(self.again('--set=' + self.label('beta')), 50)

    def test_the_system_identifier_says_which_cluster_is_meant(self):
        self.situation('replaced')
        self.assert_rows_of(self.bootstrap('--system-identifier=' + self.facts['identifiers']['alpha']), 1, 2, 3)
        self.assert_rows_of(self.again('--system-identifier=' + self.facts['identifiers']['beta']), 50)
        self.assert_refuses(self.again('--system-identifier=1234567890123456789'), 4, '1234567890123456789', *[
            self.facts['identifiers'][name] for name in ('alpha', 'beta')])

    def test_check_says_which_of_two_clusters_the_dcs_knows(self):
        self.situation('replaced')
        alpha = self.facts['identifiers']['alpha']
        self.node.put_key(alpha)
        result = self.check()
        self.assertEqual(result.code, 3)
        self.assertRegex(result.log, 'ERROR +several-clusters: stanza demo holds backups of several clusters: ')
        self.assertIn('the DCS has system identifier ' + alpha, result.log)
        chosen = self.check('--system-identifier=' + alpha)
        self.assertEqual(chosen.code, 0)
        self.assertNotIn('several-clusters', chosen.log)

    def test_a_time_with_two_clusters_is_refused_until_one_is_named(self):
        # A time of alpha's life: beta's backup is later, which does not make it alpha.
        self.situation('replaced')
        self.assert_refuses(self.bootstrap('--type=time', '--target=' + self.time_of(2)), 2, *self.both_named())

    def test_the_window_is_that_of_one_cluster(self):
        self.situation('replaced')
        for name, other in (('alpha', 'beta'), ('beta', 'alpha')):
            told = self.check('--set=' + self.label(name)).log
            window = re.search('restorable from: (.*)', told)
            self.assertTrue(window, told)
            self.assertIn(self.label(name), window.group(1))
            self.assertNotIn(self.label(other), window.group(1))

    def test_a_new_cluster_without_a_backup_is_no_reason_to_take_the_old_one(self):
        self.situation('upgraded')
        self.assert_refuses(self.bootstrap(), 2, *self.both_named())
        result = self.again('--set=' + self.label('alpha'))
        self.assertIn('stanza-upgrade', result.log)  # without it, nothing of alpha gets into the archive
        self.assert_rows_of(result, 1, 2, 3)
        self.server.stop()
        self.open()
        options = ['--config=' + self.pgbackrest_configuration, '--stanza=demo', '--pg1-port=%d' % self.server.port]
        self.lab.run('pgbackrest', *options, 'stanza-upgrade')
        self.lab.run('pgbackrest', *options, 'check')

    def test_one_cluster_under_several_database_ids_is_one_cluster(self):
        self.situation('returned')
        self.assert_rows_of(self.bootstrap(), 1, 2, 3, 4, timeline=3)

    def test_histories_of_another_cluster_do_not_count(self):
        self.situation('returned')
        directory, = glob.glob(os.path.join(self.repository, STANZA, '*-2'))
        for timeline in (2, 3):
            self.lab.write('%s/%08X.history' % (directory, timeline), '1\t0/1000000\tno recovery target specified\n')
        self.assert_rows_of(self.bootstrap(), 1, 2, 3, 4, timeline=3)

    def test_an_archive_of_another_version_that_was_never_backed_up_does_not_count(self):
        if os.path.basename(os.path.dirname(self.lab.bin_directory)) not in ('15', '16'):
            self.skipTest('the pg_control of PostgreSQL 14 cannot be made with another major version')
        self.situation('other_version')
        self.assert_rows_of(self.bootstrap(), 1, 2, 3, timeline=2)


class TwoRepositories(RepositoryCase):
    def two(self, first, second, **settings):
        """repo1 and repo2 with what two situations hold."""
        self.situation(second)
        os.rename(self.repository, self.lab.path('repo2'))
        facts = self.facts
        self.situation(first)
        self.second_facts = facts
        self.with_second(**settings)

    def with_second(self, **settings):
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(
            self.data_directory, self.node.port, self.repository, settings or {'repo2-path': self.lab.path('repo2')})
        self.configure()

    def test_two_files_of_one_segment_in_a_repository_that_is_not_asked_do_not_matter(self):
        self.two('lost', 'lost')
        self.duplicate(self.lab.path('repo2'), self.facts['batches']['2']['segment'])
        self.assert_rows_of(self.bootstrap('--repo=1'), 1, 2, 3)

    @staticmethod
    @contextlib.contextmanager
    def never_answers():
        """repo2 in an object store that accepts connections and says nothing: its socket and its settings."""
        with socket.socket() as store:
            store.bind(('127.0.0.1', 0))
            store.listen(100)
            yield store, {
                'repo2-type': 's3', 'repo2-path': '/', 'repo2-s3-bucket': 'away', 'repo2-s3-region': 'away',
                'repo2-s3-key': 'x', 'repo2-s3-key-secret': 'x', 'repo2-s3-endpoint': 'away', 'repo2-storage-verify-tls': 'n',
                'repo2-storage-host': '127.0.0.1', 'repo2-storage-port': str(store.getsockname()[1]), 'io-timeout': '300'}

    def test_a_repository_that_is_not_asked_is_not_waited_for(self):
        self.situation('lost')
        with self.never_answers() as (store, settings):
            self.with_second(**settings)
            result = self.bootstrap('--repo=1')
            self.assert_done(result)
            self.assertRegex(result.log, 'WARNING: repo2 did not answer')
            connections = 0
            while select.select([store], [], [], 0)[0]:
                store.accept()[0].close()
                connections += 1
            self.assertEqual(connections, 1, 'by the replay, too')
        self.assert_finished(2)

    def test_a_repository_that_hangs_takes_no_other_ones_answer_away(self):
        with self.never_answers() as (_, settings):
            self.two('lost', 'two_timelines', **settings, **{'repo3-path': self.lab.path('repo2')})
            self.assert_refuses(self.bootstrap('--repo=1'), 4, 'repo3 knows timeline 2')

    def test_a_timeline_that_only_a_repository_knows_that_is_not_asked_is_not_made_again(self):
        self.two('lost', 'two_timelines')
        hint = self.assert_refuses(self.bootstrap('--repo=1'), 4, 'repo2 knows timeline 2')
        self.assert_refuses(self.bootstrap('--repo=1', '--type=immediate'), 4, 'repo2 knows timeline 2')
        self.assert_rows_of(self.again('--repo=2'), 1, 2, 20, 21, timeline=3)
        shutil.rmtree(self.lab.path('repo2'))
        self.two('lost', 'two_timelines')
        commands = re.search('brought over: (.*)', hint)[1]
        self.lab.run('sh', '-c', commands.replace('/tmp/0', self.lab.path('0')))
        self.assert_rows_of(self.again('--repo=1', '--target-timeline=1'), 1, 2, 3, timeline=3)

    def test_a_timeline_that_one_of_two_repositories_holds_is_followed(self):
        self.two('lost', 'two_timelines')
        self.assert_rows_of(self.bootstrap(), 1, 2, 20, 21, timeline=3)

    def test_one_that_is_not_mounted_may_hold_the_end_of_the_archive(self):
        self.two('lost', 'lost')
        self.lab.run('rm', *[path for path in self.in_archive('0000000100000000*-*')
                             if os.path.basename(path)[:24] > self.facts['batches']['2']['segment']])
        os.rename(self.lab.path('repo2'), self.lab.path('repo2.away'))
        self.lab.make('repo2')
        for options in ([], ['--type=time', '--target=' + self.time_of(1)]):
            self.assert_refuses(self.again(*options), 6, 'repository 2 does not have stanza demo', 'mount it')
        self.assertEqual(self.check().code, 3)
        result = self.again('--repo=1')
        self.assertRegex(result.log, 'WARNING: repo2 does not have stanza demo: whether timelines are known there .*\n.*HINT: mount it')
        self.assert_rows_of(result, 1, 2)
        os.rmdir(self.lab.path('repo2'))
        os.rename(self.lab.path('repo2.away'), self.lab.path('repo2'))
        self.assert_rows_of(self.again(), 1, 2, 3)

    def test_one_that_was_added_and_has_no_backup_yet_counts(self):
        self.empty_repository()
        self.facts = {'identifiers': {}, 'backups': {}, 'batches': {}}
        self.with_second(**{'repo2-path': self.lab.path('repo2'), 'repo2-retention-full': '4'})
        Cluster(self, 'alpha').create().begin('stanza-create', 'alpha').back_up('alpha').write(1, 2).stop().remove()
        self.remove_from_archive(self.facts['batches']['2']['segment'] + '-*')  # repo2 has it
        self.assert_rows_of(self.bootstrap(), 1, 2)

    def test_a_number_whose_history_is_out_of_reach_at_the_end_is_not_taken_again(self):
        self.two('two_timelines', 'lost')
        reached, opened = self.lab.path('log/reached'), self.lab.path('log/opened')
        wrapped = self.wrap_pgbackrest('''if [ $VERB = archive-get ] && [ "$SEGMENT" = 00000002.history ]; then
  touch %s
  until [ -e %s ]; do sleep .05; done
fi''' % (reached, opened))
        options = '--type=time', '--target=' + self.time_of(1), '--target-timeline=1'
        process = self.start_bootstrap('--pgbackrest=' + wrapped, *options)
        wait_until('the end of the replay', lambda: os.path.exists(reached), 120)
        os.rename(self.repository, self.repository + '.away')
        self.lab.write('log/opened', '')
        result = self.result_of(process, 90)
        # 6 where pgBackRest's words tell that it did not come to a repository, else the proof.
        self.assertIn(result.code, (6, 8), result.log[-3000:])
        self.assert_absent()
        os.rename(self.repository + '.away', self.repository)
        self.assert_rows_of(self.again(*options), 1, timeline=3)

    def make_left_early(self):
        """Timeline 2 leaves timeline 1 after batch 1."""
        self.situation('lost')
        Cluster(self, 'alpha').restore(*self.to(1)).write(20, 21).crash().remove()

    def make_left_late(self):
        """Timeline 2 leaves timeline 1 at its end."""
        self.situation('lost')
        Cluster(self, 'alpha').restore().write(30, 31).stop().remove()

    def test_a_timeline_that_is_another_branch_in_each_repository_is_not_guessed(self):
        self.two('left_late', 'left_early')
        forks = {}
        for name, repository in (('1', self.repository), ('2', self.lab.path('repo2'))):
            history, = glob.glob(os.path.join(repository, STANZA, '*', '00000002.history'))
            forks[name] = read(history).split('\t')[1]
        wanted = 'different files 00000002.history: ' + ', '.join(
            'repo%s says that timeline 1 was left at %s' % fork for fork in forks.items())
        hint = self.assert_refuses(self.bootstrap(), 4, wanted)
        checked = self.check()
        self.assertEqual(checked.code, 3)
        self.assertRegex(checked.log, wanted)
        choices = re.findall(r'repo: (\d)', hint)
        self.assertEqual(choices, ['1', '2'])
        for choice, other, batches in zip(choices, reversed(choices), ((1, 2, 3, 30, 31), (1, 20, 21))):
            warning = 'WARNING: repo%s holds another branch as timeline 2: .* left at %s, .* left at %s' % (
                other, forks[other], forks[choice])
            result = self.again('--repo=' + choice)
            self.assert_rows_of(result, *batches, timeline=3)
            self.assertRegex(result.log, warning)
            self.assertRegex(self.check('--repo=' + choice).log, warning)
        # A time before both forks.
        moment = ['--type=time', '--target=' + self.time_of(1)]
        hint = self.assert_refuses(self.again(*moment), 4, wanted)
        self.assert_rows_of(self.again(*moment, '--target-timeline=' + re.search(r'target-timeline: (\d)', hint)[1]), 1)

    def test_two_repositories_with_a_cluster_each(self):
        self.two('lost', 'lost')
        self.empty_second()
        self.assert_refuses(self.bootstrap(), 2, self.facts['identifiers']['alpha'], self.other, 'repo|set|system-identifier')
        self.assert_rows_of(self.again('--repo=1'), 1, 2, 3)

    def empty_second(self):
        """repo2 was moved away, and another cluster began there."""
        shutil.rmtree(self.lab.path('repo2'))
        self.lab.write('other.conf', '[global]\n%s\n[demo]\npg1-socket-path=%s\n' % ('\n'.join('%s=%s' % pair for pair in {
            'repo1-path': self.lab.path('repo2'), 'log-path': self.lab.path('log'), 'lock-path': self.lab.path('lock'),
            'repo1-retention-full': 2, 'start-fast': 'y'}.items()), self.lab.directory))
        other = Cluster(self, 'other', 'other.conf').create().begin('stanza-create', 'other').back_up('other').stop()
        self.other = self.facts['identifiers']['other']
        other.remove()

    def duplicate(self, repository, segment):
        path, = [os.path.join(directory, name) for directory, _, names in os.walk(repository) for name in names
                 if name.startswith(segment + '-')]
        self.lab.run('cp', path, re.sub('-[0-9a-f]{40}', '-' + '0123456789' * 4, path))


class BadFiles(RepositoryCase):
    def test_two_files_of_one_segment_are_found_before_the_copy(self):
        self.situation('lost')
        segment = self.facts['batches']['2']['segment']
        TwoRepositories.duplicate(self, self.repository, segment)
        hint = self.assert_refuses(self.bootstrap(), 5, segment, '0123456789' * 4)
        self.assert_points_work(hint, '1')

    def test_a_file_cut_in_half_is_damaged_for_good(self):
        self.assert_damaged_for_good(lambda path: os.truncate(path, os.path.getsize(path) // 2))

    def test_an_empty_file_is_damaged_for_good(self):
        self.assert_damaged_for_good(lambda path: os.truncate(path, 0))

    def test_a_file_without_compression_cut_in_half_is_damaged_for_good(self):
        self.assert_damaged_for_good(self.unpack_half)

    @staticmethod
    def unpack_half(path):
        with gzip.open(path) as file:
            content = file.read()
        os.truncate(path, 0)
        os.rename(path, path[:-len('.gz')])
        with open(path[:-len('.gz')], 'wb') as file:
            file.write(content[:len(content) // 2])

    def assert_damaged_for_good(self, damage):
        segment = self.source.segments[7]
        damage(self.archived(segment))
        for _ in range(2):
            self.assert_refused(self.bootstrap(), 5, segment)
            self.assert_absent()
        self.assert_done(self.again('--type=lsn', '--target=' + self.target('lsn', 6)))
