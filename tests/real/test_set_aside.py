"""What Patroni takes over and gives up: the next call brings back the same, and does not do the same for ever."""
import glob
import json
import os
import re
import shutil
import socket

from bootstrap_case import BATCHES, BATCHES_IN_INCREMENTAL, PlainCase, read, wait_until
from lab import Server, program
from source_cluster import pgbackrest, switch_wal, wait_until_archived
from test_patroni import UnderPatroni

INSERT_AND_FAIL = '''#!/bin/sh
[ ! -e %(pass)s ] || exit 0
psql -X -q -w "$1" -c 'insert into kept values (99)' -c 'create table left_over ()' -c 'select pg_switch_wal()'
for each in $(seq 300); do ls %(data)s/pg_wal/archive_status/*.ready 2>/dev/null || break; sleep .1; done
echo . >>%(calls)s
exit 1
'''


def say_what_became_of_it(case, ending):
    """Gives what Patroni has set aside the name that the hint has for it."""
    set_aside = case.node.set_aside()
    result = case.bootstrap()
    case.assert_refused(result, 9, set_aside + ' was handed over by an earlier run, and PostgreSQL came up in it',
                        'mv -T')
    case.lab.run('sh', '-c', re.search(r'mv -T \S+ \S+\.' + ending, result.log)[0])
    case.assertTrue(os.path.isdir('%s.%s' % (case.data_directory, ending)))
    case.assertFalse(os.path.exists(set_aside))


class RejectedByPostBootstrap(UnderPatroni):
    """It writes rows and fails, when the rejected cluster's own timeline is in the archive."""

    def setUp(self):
        super().setUp()
        self.passes = self.lab.path('log/pass')
        self.script = self.lab.write('post_bootstrap', INSERT_AND_FAIL % {
            'pass': self.passes, 'data': self.data_directory, 'calls': self.lab.path('log/calls')}, 0o755)

    def configure_with_script(self, block=None, **sections):
        self.configure(block, bootstrap={'post_bootstrap': self.script}, **sections)

    def calls(self):
        return read(self.lab.path('log/calls')).count('.')

    def start_in_vain(self, calls):
        self.node.start()
        self.node.wait_for_end(120)
        self.assert_absent()
        self.assertEqual(self.calls(), calls)

    def let_it_pass(self):
        self.lab.write('log/pass', '')


class PostBootstrapThatFails(RejectedByPostBootstrap):
    def assert_the_same_comes_back(self, block, batches, **sections):
        self.configure_with_script(block, **sections)
        self.start_in_vain(1)
        self.let_it_pass()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(batches, timeline=3)
        self.assertEqual(self.node.sql("select count(*) from pg_class where relname = 'left_over'"), '0')

    def test_to_the_latest_point(self):
        self.assert_the_same_comes_back(None, BATCHES)
        self.assertIn('PostgreSQL came up in it', self.lab.log('node1'))

    def test_with_a_hba_file_of_one_s_own(self):
        own = self.lab.write('hba.conf', 'local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n')
        self.assert_the_same_comes_back(None, BATCHES, postgresql={'pg_hba': None, 'parameters': {'hba_file': own}})

    def test_to_a_time(self):
        self.assert_the_same_comes_back({'type': 'time', 'target': self.target('time', 6)}, 6)

    def test_to_the_latest_point_in_patroni_mode(self):
        self.assert_the_same_comes_back(self.patroni_mode(), BATCHES)

    def test_to_a_time_in_patroni_mode(self):
        self.assert_the_same_comes_back(self.patroni_mode('time', 6), 6)

    def test_to_a_transaction_in_patroni_mode(self):
        self.assert_the_same_comes_back(self.patroni_mode('xid', 6), 6)

    def test_another_request_does_not_follow_the_rejected_timeline_either(self):
        self.configure_with_script({'type': 'time', 'target': self.target('time', 6)})
        self.start_in_vain(1)
        self.let_it_pass()
        self.configure_with_script()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES, timeline=3)

    def test_it_is_not_tried_for_ever(self):
        self.configure_with_script()
        self.start_in_vain(1)
        self.start_in_vain(2)
        for _ in range(2):
            self.start_in_vain(2)
            self.assertIn('Patroni has set aside what it was handed over 2 times, and nothing has changed since: '
                          'PostgreSQL came up, and Patroni or its post_bootstrap gave it up', self.lab.log('node1'))
        self.let_it_pass()
        self.start_in_vain(2)
        os.remove(self.staging + '.d/failure.json')  # as the hint says
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES, timeline=4)

    def test_another_patroni_yml_is_worth_another_hand_over(self):
        self.configure_with_script()
        self.start_in_vain(1)
        self.start_in_vain(2)
        self.start_in_vain(2)
        self.configure(bootstrap={'post_bootstrap': '/bin/true'})
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES, timeline=4)


class GivenUpBehindPostBootstrap(RejectedByPostBootstrap):
    """post_bootstrap succeeds, and PostgreSQL does not come up again with the operator's own rules."""

    MISSPELT = 'host all all 127.0.0.1/32 scram-sha256\n'

    def setUp(self):
        super().setUp()
        self.script = self.lab.write('post_bootstrap', read(self.script).replace('exit 1', 'exit 0'), 0o755)

    def configure_with_rules(self, more, block=None):
        rules = 'local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n'
        own = self.lab.write('hba.conf', rules + more)
        self.configure_with_script(block, postgresql={'pg_hba': None, 'parameters': {'hba_file': own}})

    def assert_the_latest_point_has_nothing_of_it(self):
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES, timeline=3)
        self.assertEqual(self.node.sql("select count(*) from pg_class where relname = 'left_over'"), '0')
        self.assertNotIn('has WAL of this cluster', self.lab.log('node1'))

    def test_it_is_passed_over_when_a_person_says_that_it_was_given_up(self):
        self.configure_with_rules(self.MISSPELT, {'type': 'time', 'target': self.target('time', 6)})
        self.start_in_vain(1)
        self.assertTrue(glob.glob('%s/archive/demo/*/*/00000002[0-9A-F]*-*' % self.repository))
        for _ in range(2):
            self.start_in_vain(1)  # nothing is restored until somebody has said what it is
            self.assertTrue(os.path.isdir(self.node.set_aside()))
        self.assertIn('nothing proves whether Patroni gave it up behind its post_bootstrap or it led', self.lab.log('node1'))
        found = self.run_program(program(), 'check', '--patroni-config=' + self.yml)
        self.assertEqual(found.code, 3, found.log)
        self.assertIn('ERROR   set-aside-unclear: ', found.log)
        self.assertNotIn('has WAL of this cluster', found.log)
        say_what_became_of_it(self, 'given-up')
        self.assertNotIn('set-aside-unclear', self.run_program(program(), 'check', '--patroni-config=' + self.yml).log)
        self.let_it_pass()
        self.configure_with_rules('')  # and the latest point is asked for, of which the rejected timeline has nothing
        self.assert_the_latest_point_has_nothing_of_it()

    def test_in_a_mount_point_it_is_passed_over_once_it_was_moved_as_the_hint_says(self):
        self.lab.mount_tmpfs(800, 'data')
        self.configure_with_rules(self.MISSPELT, {'type': 'time', 'target': self.target('time', 6)})
        self.node.start()
        self.node.wait_for_end(120)
        self.assertTrue(os.path.exists(self.data_directory + '/PG_VERSION'), 'this Patroni could set it aside')
        given_up = self.data_directory + '/.given-up'
        result = self.run_program(program(), 'resume', '--patroni-config=' + self.yml)
        self.assert_refused(result, 9, 'Patroni did not accept it', 'all but the dotfiles of the data directory away, to %s if' % given_up)
        self.lab.run('sh', '-c', 'mkdir %s && mv %s/[!.]* %s' % (given_up, self.data_directory, given_up))
        self.let_it_pass()
        self.configure_with_rules('')
        self.assert_the_latest_point_has_nothing_of_it()

    def test_in_a_mount_point_it_is_told_where_a_replica_is_made(self):
        self.lab.mount_tmpfs(10, 'data')
        kept = [self.data_directory + name for name in ('/.failed.d', '/.given-up')]
        for directory in kept:
            self.lab.make(directory)
            self.lab.make(directory, 'base')
        self.configure()
        self.node.put_key('7711111111111111111')
        result = self.run_program(program(), 'resume', '--patroni-config=' + self.yml)
        self.assertEqual(result.code, 0, result.log)
        self.assertIn('%s of an earlier restore: pg_basebackup makes a replica in an empty directory only' % ' '.join(kept), result.log)
        self.lab.run('sh', '-c', re.search('run (rm -r .*?); else', result.log)[1])
        self.assertEqual(os.listdir(self.data_directory), [])

    def test_hand_overs_are_counted(self):
        self.configure_with_rules(self.MISSPELT)
        self.start_in_vain(1)
        say_what_became_of_it(self, 'given-up')
        self.start_in_vain(2)
        say_what_became_of_it(self, 'given-up')
        self.start_in_vain(2)
        self.assertIn('Patroni has set aside what it was handed over 2 times, and nothing has changed since: PostgreSQL came up',
                      self.lab.log('node1'))


class BehindALink(RejectedByPostBootstrap):
    """Patroni renames the link, and not the directory."""

    def setUp(self):
        super().setUp()
        self.lab.make('disk')
        self.end = self.lab.make('disk', 'pg')
        os.symlink(self.end, self.data_directory)
        self.staging = self.end + '.restoring'

    def check(self):
        return self.run_program(program(), 'check', '--patroni-config=' + self.yml)

    def test_the_link_is_put_back_as_the_hint_says_and_the_same_comes_back(self):
        self.configure_with_script()
        result = self.check()
        self.assertEqual(result.code, 0, result.log)
        self.assertIn('WARNING data-directory-name: ', result.log)
        self.start_in_vain(1)
        link = self.node.set_aside()
        self.assertEqual(os.readlink(link), self.end)
        self.start_in_vain(1)
        said = '%s is now the symbolic link that %s was' % (link, self.data_directory)
        self.assertIn(said, self.lab.log('node1'))
        self.assertEqual(glob.glob(self.data_directory + '.restoring*'), [])
        self.assertIn('ERROR   set-aside-unclear: ' + said, self.check().log)
        result = self.run_program(program(), 'resume', '--patroni-config=' + self.yml)
        self.assert_refused(result, 9, said, 'put the link back')
        self.lab.run('sh', '-c', re.search('put the link back, .*?: (mv .*?); then start', result.log)[1])
        self.assertEqual(os.readlink(self.data_directory), self.end)
        self.assertEqual(os.listdir(self.end), [])
        self.assertEqual(os.stat(self.end).st_mode & 0o777, 0o700)
        self.let_it_pass()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES, timeline=3)
        self.assertEqual(self.node.sql("select count(*) from pg_class where relname = 'left_over'"), '0')
        self.assertIn('is taken back', self.lab.log('node1'))

    def test_nothing_is_in_the_way_once_the_cluster_goes_on_without_it(self):
        self.configure_with_script()
        self.start_in_vain(1)
        self.node.put_key('7711111111111111111')
        result = self.run_program(program(), 'resume', '--patroni-config=' + self.yml)
        self.assertEqual(result.code, 0, result.log)
        self.assertIn('scope %s went on without what lies behind it, %s' % (self.node.scope, self.end), result.log)
        self.assertFalse(os.path.exists(self.staging + '.d/journal.json'))
        commands = re.search(r'(find .*? \+), put the link back with (mv .*?), and start', result.log)
        self.lab.run('sh', '-c', commands[1] + ' && ' + commands[2])
        self.assertEqual(os.readlink(self.data_directory), self.end)
        self.assertEqual(os.listdir(self.end), [])

    def test_no_replica_is_made_where_its_disk_has_not_the_room(self):
        self.configure_with_script()
        self.start_in_vain(1)
        self.node.put_key('7711111111111111111')
        with open(os.path.join(self.end, 'as_large_as_the_cluster'), 'wb') as sparse:
            sparse.truncate(10 << 40)
        result = self.run_program(program(), 'resume', '--patroni-config=' + self.yml)
        self.assert_refused(result, 9, "Patroni would make a replica in the link's place, whose disk has room for", 'put the link back')
        self.assertTrue(os.path.exists(self.staging + '.d/journal.json'))
        commands = re.search(r'(find .*? \+), put the link back with (mv .*?), and start', result.log)
        self.lab.run('sh', '-c', commands[1] + ' && ' + commands[2])
        self.assertEqual(os.readlink(self.data_directory), self.end)
        self.assertEqual(os.listdir(self.end), [])
        self.assert_done(self.run_program(program(), 'resume', '--patroni-config=' + self.yml))


class BackupOfWhatIsRejected(RejectedByPostBootstrap):
    """The same, and before it writes its rows it makes a full backup of the new timeline."""

    def setUp(self):
        super().setUp()
        self.script = self.lab.write('backs_up', '#!/bin/sh\n[ -e %s ] || pgbackrest --config=%s --stanza=demo --type=full '
                                     '--log-level-console=warn backup >&2 || exit 2\nexec %s "$@"\n' % (
                                         self.passes, self.pgbackrest_configuration, self.script), 0o755)

    def reject(self):
        """The backup set's label."""
        self.configure_with_script()
        self.start_in_vain(1)
        self.let_it_pass()
        label = json.loads(pgbackrest(self.lab, '--output=json', 'info'))[0]['backup'][-1]['label']
        self.assertNotIn(label, (self.source.full_backup, self.source.incremental_backup))
        return label

    def assert_what_was_rejected_is_back(self, sql):
        self.assertEqual(sql('select count(*) from kept where batch = 99'), '1')

    def test_the_latest_point_is_restored_from_the_set_before_it(self):
        label = self.reject()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES, timeline=3)
        log = self.lab.log('node1')
        self.assertIn('backup set %s was made on timeline 2, which was begun by a restore that Patroni gave up: passed over; if it '
                      'is meant, say set: %s' % (label, label), log)
        self.assertEqual(log.count('restore of demo to latest: backup set %s, timeline 1' % self.source.incremental_backup), 2)

    def test_the_end_of_the_backup_is_that_of_the_set_before_it(self):
        self.reject()
        self.configure_with_script({'type': 'immediate'})
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES_IN_INCREMENTAL, timeline=3)

    def test_the_set_is_restored_when_it_is_asked_for(self):
        self.configure_with_script({'set': self.reject()})  # as the warning says
        self.node.start()
        self.node.wait_for_leader()
        self.assert_what_was_rejected_is_back(self.node.sql)

    def test_without_another_set_it_is_refused_until_it_is_asked_for(self):
        label = self.reject()
        pgbackrest(self.lab, '--set=' + self.source.full_backup, 'expire')
        self.assert_refused(self.bootstrap(), 4, 'stanza demo has no backup, but for %s, which was made on timeline 2' % label, 'say set: ' + label)
        self.assert_absent()
        self.assert_done(self.bootstrap('--set=' + label))  # as the hint says
        self.open()
        self.assert_what_was_rejected_is_back(self.sql)


class HistoryOfWhatIsRejected(UnderPatroni):
    """Of the timeline that Patroni gives up nothing but the history is archived."""

    def reject(self, batch):
        """Of a restore to the time of this batch."""
        script = self.lab.write('post_bootstrap', '#!/bin/sh\nuntil ls %s/pg_wal/archive_status/00000002.history.done; do sleep .1; done\n'
                                'exit 1\n' % self.data_directory, 0o755)
        self.configure({'type': 'time', 'target': self.target('time', batch)}, bootstrap={'post_bootstrap': script})
        self.node.start()
        self.node.wait_for_end(120)
        # Its last segment is archived behind the history, if there is the time.
        for segment in glob.glob(os.path.join(self.repository, 'archive/demo/*/*/00000002[0-9A-F]*')):
            os.remove(segment)

    def go_to_another_node(self):
        self.node.name, self.data_directory = 'node2', self.lab.path('data2')
        self.node.data_directory, self.staging = self.data_directory, self.data_directory + '.restoring'

    def test_another_node_does_not_follow_it(self):
        self.reject(6)
        self.go_to_another_node()
        self.configure()
        result = self.bootstrap()
        self.assert_refused(result, 4, 'timeline 2 left timeline 1 .* behind the fork', 'target-timeline: 1')
        self.assert_done(self.bootstrap('--target-timeline=1'))
        self.assert_complete(timeline=3)

    def test_the_node_that_was_rejected_passes_it_over_for_a_set_behind_its_fork(self):
        self.reject(1)
        self.configure()
        self.assert_done(self.bootstrap())
        self.assert_complete(timeline=3)

    def test_another_node_asks_which_is_meant(self):
        self.reject(1)
        self.go_to_another_node()
        self.configure()
        self.assert_refused(self.bootstrap(), 4, 'timeline 2 left timeline 1 .* but its history', 'say target-timeline: 1')
        self.assert_done(self.bootstrap('--target-timeline=1'))
        self.assert_complete(timeline=3)


class MovedByAPerson(UnderPatroni):
    """A cluster that led is not one that Patroni gave up, although somebody gave its directory such a name."""

    def setUp(self):
        super().setUp()
        self.failed = self.data_directory + '.failed'
        self.led = self.data_directory + '.led'

    def lead_and_lose(self):
        self.node.sql('insert into kept select 77 from generate_series(1, 500)')
        segment = self.node.sql('select pg_walfile_name(pg_switch_wal())')
        wait_until('it to be archived', lambda: self.node.sql(
            "select count(*) from pg_stat_archiver where last_archived_wal >= '%s'" % segment) == '1')
        self.node.kill()
        os.rename(self.data_directory, self.failed)
        self.node.forget()
        say_what_became_of_it(self, 'led')

    def assert_led_rows(self, count='500'):
        self.assertEqual(self.node.sql('select count(*) from kept where batch = 77'), count)
        self.assertTrue(os.path.exists(self.led))

    def test_its_timeline_is_followed(self):
        self.bring_back()
        self.lead_and_lose()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_led_rows()

    def test_its_timeline_is_followed_with_a_hba_file_of_one_s_own(self):
        own = self.lab.write('hba.conf', 'local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n')
        self.bring_back(postgresql={'parameters': {'hba_file': own}})
        self.lead_and_lose()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_led_rows()

    def test_its_timeline_is_followed_in_patroni_mode(self):
        self.bring_back(self.patroni_mode())
        self.lead_and_lose()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_led_rows()

    def test_what_only_its_directory_has_stays_there(self):
        self.bring_back()
        self.lab.pgbackrest_configuration(self.data_directory, self.node.port, '/nowhere')  # the repository is away
        self.node.sql('insert into kept select 77 from generate_series(1, 500)')
        self.node.kill()
        self.lab.pgbackrest_configuration(self.data_directory, self.node.port)
        os.rename(self.data_directory, self.failed)
        self.node.forget()
        say_what_became_of_it(self, 'led')
        result = self.bootstrap()
        self.assert_done(result)
        self.assertTrue(os.path.exists(self.led))
        self.assertIn('%s has WAL of this cluster that the archive does not have' % self.led, result.log)

    def test_a_server_in_what_patroni_gave_up_goes_on_undisturbed(self):
        self.configure(bootstrap={'post_bootstrap': '/bin/false'})
        self.node.start()
        self.node.wait_for_end(120)
        set_aside = self.node.set_aside()
        server = Server(self.lab, set_aside, 'by-hand')
        server.start('archive_mode=off')
        self.assert_refused(self.bootstrap(), 9, 'process .* of a PostgreSQL server works in ' + set_aside)
        server.sql('insert into kept values (55)')
        server.sql('checkpoint')
        server.stop()
        self.assert_done(self.bootstrap())  # as the hint says


class Clone(PlainCase, UnderPatroni):
    def test_the_source_s_timeline_of_the_same_number_is_followed(self):
        # It archives nowhere, so that archive_status says "done" of a timeline 2 that the repository never had.
        self.make_source()
        self.plain.write_batches(1, 2)
        wait_until_archived(self.plain, switch_wal(self.plain))
        passes = self.lab.path('log/pass')
        script = self.lab.write('post_bootstrap', INSERT_AND_FAIL % {
            'pass': passes, 'data': self.data_directory, 'calls': self.lab.path('log/calls')}, 0o755)
        self.pgbackrest_configuration = self.lab.write('clone.conf', read(self.pgbackrest_configuration))
        self.configure(bootstrap={'post_bootstrap': script, 'dcs': {'postgresql': {'parameters': {
            'archive_mode': 'on', 'archive_command': '/bin/true'}}}})
        self.node.start()
        self.node.wait_for_end(120)
        self.plain.server.stop()
        self.lab.write(self.plain.server.data_directory + '/standby.signal', '')
        self.plain.start_again("restore_command = '/bin/false'")
        self.plain.sql('select pg_promote()')
        wait_until('the promotion', lambda: self.plain.sql('select pg_is_in_recovery()') == 'f')
        self.plain.write_batches(3)
        wait_until_archived(self.plain, switch_wal(self.plain))
        self.lab.write('log/pass', '')
        self.node.start()
        self.node.wait_for_leader()
        self.assertEqual(self.node.sql('select count(distinct batch) from kept'), '3')


class CannotStart(UnderPatroni):
    def test_a_parameter_with_which_postgresql_does_not_start(self):
        broken = {'parameters': {'shared_preload_libraries': 'a_library_that_is_not_here', 'logging_collector': 'on'}}
        self.configure(postgresql=broken)
        for _ in range(3):
            self.node.start()
            self.node.wait_for_end(120)
            self.assert_absent()
        log = self.lab.log('node1')
        self.assertIn('set aside what it was handed over 2 times, and nothing has changed since: PostgreSQL did not come up', log)
        self.assertEqual(log.count('is taken back'), 1)
        self.configure()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_the_superuser_that_patroni_yml_names_by_then_is_made_before_the_next_hand_over(self):
        self.configure(postgresql={'parameters': {'shared_preload_libraries': 'a_library_that_is_not_here', 'logging_collector': 'on'}})
        self.node.start()
        self.node.wait_for_end(120)
        self.assert_absent()
        replays = self.lab.log('node1').count('INFO: replay of')
        self.bring_back(postgresql={'authentication': {'superuser': {'username': 'chief', 'password': 'secret-of-chief'}}})
        self.assert_back(BATCHES)
        self.assertEqual(self.node.sql("select rolsuper, rolcanlogin from pg_roles where rolname = 'chief'"), 't|t')
        log = self.lab.log('node1')
        self.assertIn('chief, as whom Patroni logs in, was no superuser', log)
        self.assertEqual(log.count('is taken back'), 1)
        self.assertEqual(log.count('INFO: replay of'), replays)  # it is not restored again
        self.assertEqual(log.count('INFO: end of the replay of'), 1)
        for text in (log, read(self.staging + '.d/journal.json')):
            self.assertNotIn('secret-of-chief', text)

    def test_what_was_put_in_order_before_the_third_time_is_seen(self):
        self.configure(postgresql={'parameters': {'logging_collector': 'on'}})
        with socket.create_server(('127.0.0.1', self.node.port)):
            for _ in range(2):
                self.node.start()
                self.node.wait_for_end(120)
                self.assert_absent()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)
        self.assertEqual(self.lab.log('node1').count('is taken back'), 2)


class Superuser(UnderPatroni):
    """Patroni logs in as the superuser of patroni.yml before it makes the other roles."""

    def bring_back_as(self, **superuser):
        self.bring_back(postgresql={'authentication': {'superuser': superuser}})

    def test_one_that_the_backup_does_not_have_is_made(self):
        self.bring_back_as(username='chief', password='secret-of-chief')
        self.assertIn('chief, as whom Patroni logs in, was no superuser', self.lab.log('node1'))
        self.assertNotIn('secret-of-chief', self.lab.log('node1'))
        self.assert_back(BATCHES)
        self.assertEqual(self.node.sql("select rolsuper, rolcanlogin from pg_roles where rolname = 'chief'"), 't|t')

    def test_where_none_is_named_it_is_whom_libpq_takes(self):
        self.configure(postgresql={'authentication': {'superuser': None}})
        self.node.start(environment={'PGUSER': 'chief'})
        self.node.wait_for_leader()
        self.assert_back(BATCHES)
        self.assertEqual(self.node.sql("select rolsuper, rolcanlogin from pg_roles where rolname = 'chief'"), 't|t')

    def test_one_that_is_an_ordinary_role_becomes_one(self):
        self.bring_back_as(username='replicator', password='secret-of-replicator')
        self.assert_back(BATCHES)
        self.assertEqual(self.node.sql("select rolsuper from pg_roles where rolname = 'replicator'"), 't')


class StrangeSources(PlainCase, UnderPatroni):
    def bring_back_as_chief(self, segment, **postgresql):
        wait_until('it to be archived', lambda: glob.glob('%s/archive/demo/*/*/%s-*' % (self.repository, segment)))
        self.plain.server.stop()
        shutil.rmtree(self.plain.server.data_directory)
        self.pgbackrest_configuration = self.lab.pgbackrest_configuration(self.data_directory, self.node.port, self.repository)
        self.configure({'log-level': 'debug'}, postgresql={
            'authentication': {'superuser': {'username': 'chief', 'password': 'secret-of-chief'}}, **postgresql})
        result = self.bootstrap()
        self.assert_done(result)
        self.assertNotIn('secret-of-', result.log)
        self.assertIn('chief, as whom Patroni logs in, was no superuser', result.log)

    def test_settings_of_a_role_neither_show_a_password_nor_stop_it(self):
        self.make_source()
        for setting in ('log_min_duration_sample = 0', 'log_transaction_sample_rate = 1', 'log_duration = on', "log_statement = 'all'",
                        'debug_print_parse = on', 'default_transaction_read_only = on'):
            self.plain.sql('alter role postgres set ' + setting)
        self.bring_back_as_chief(switch_wal(self.plain))

    def test_a_source_without_a_database_postgres(self):
        self.make_source()
        self.plain.sql('create database app')
        in_app = ('psql', '-X', '-h', self.lab.directory, '-p', str(self.plain.server.port), '-U', 'postgres', '-d', 'app', '-Atc')
        self.lab.run(*in_app, 'drop database postgres')
        self.bring_back_as_chief(self.lab.run(*in_app, 'select pg_walfile_name(pg_switch_wal())'), database='app')


class PreparedTransactions(PlainCase, UnderPatroni):
    def test_more_than_patroni_s_limit_are_refused_before_the_hand_over(self):
        self.make_source('max_prepared_transactions = 5')
        self.plain.sql("begin; insert into kept values (0); prepare transaction 'one'")
        self.plain.write_batches(1, 2)
        self.lose()
        for _ in range(2):
            self.assert_refused(self.bootstrap(), 3, '1 prepared transactions are pending .* max_prepared_transactions 0',
                                'set max_prepared_transactions to 5 or more in bootstrap.dcs.postgresql.parameters')
        self.configure(bootstrap=self.allow_prepared(5))
        self.node.start()
        self.node.wait_for_leader()
        self.assertEqual(self.node.sql('select count(*) from pg_prepared_xacts'), '1')
        self.assertIn('the copy of an earlier run is complete', self.lab.log('node1'))

    def test_patroni_s_limit_is_that_of_the_configuration_that_the_dcs_still_holds(self):
        self.make_source('max_prepared_transactions = 5')
        self.plain.sql("begin; insert into kept values (0); prepare transaction 'one'")
        self.plain.write_batches(1, 2)
        self.lose()
        self.configure(bootstrap=self.allow_prepared(5))
        self.node.put_key('{"loop_wait": 1, "ttl": 20, "postgresql": {"parameters": {"max_connections": 100}}}', 'config')
        result = self.bootstrap()
        self.assert_refused(result, 3, '1 prepared transactions are pending .* max_prepared_transactions 0', 'patronictl edit-config')
        hint = re.search(r'with (patronictl edit-config .*=5): the next', result.log)[1].split()
        self.lab.run(*hint[:1], '-c', self.node.yml, *hint[1:])
        self.node.start()
        self.node.wait_for_leader()
        self.assertEqual(self.node.sql('select count(*) from pg_prepared_xacts'), '1')
