"""What Patroni and PostgreSQL need on the node besides the backup is missed before the copy, not after it."""
import glob
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
import unittest

from bootstrap_case import BATCHES, PlainCase, program, read, wait_until
from lab import SilentServer, merge
from test_patroni import UnderPatroni


class NodeCase(UnderPatroni):
    def run_check(self, **options):
        return self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--scope=' + self.node.scope,
                                '--datadir=' + self.data_directory, **options)

    def seconds_of(self, hosts):
        """({phase: seconds}, result) of a restore that asks this DCS, and is gone afterwards."""
        report = self.lab.path('report.json')
        self.configure(etcd3={'hosts': hosts})
        result = self.bootstrap('--report=' + report)
        self.assert_done(result)
        for path in glob.glob(self.data_directory + '*'):
            (shutil.rmtree if os.path.isdir(path) else os.remove)(path)
        return json.loads(read(report))['durations'], result

    def assert_held_up_by_no_look(self, hosts):
        """No phase of a restore that asks them takes more than two seconds longer than with a DCS that answers; its result."""
        (answering, _), (asking, result) = self.seconds_of(self.node.etcd), self.seconds_of(hosts)
        for phase in ('request', 'plan', 'copy', 'recovery', 'sync', 'hand-over'):
            # A machine that does other things meanwhile may add to it; what was waited for, at each look, was 20 s.
            self.assertLess(asking.get(phase, 0), answering.get(phase, 0) + 2 + 3, phase)
        return result

    def hints(self, result, identifier):
        """What check says should be done about findings of that id."""
        return re.findall(r'(?m)^(?:ERROR  |WARNING) %s: .*\n\s+HINT: (.*)' % identifier, result.log)

    def assert_found(self, identifier, message, code=3, **options):
        """The same finding of check and of bootstrap, before the copy; its hints."""
        checked = self.run_check(**options)
        self.assertEqual(checked.code, code, checked.log)
        self.assertRegex(checked.log, '%s: .*%s' % (identifier, message))
        if code:
            result = self.bootstrap(**options)
            self.assert_refused(result, code, message)
            self.assertNotIn('staging directory', result.log)
            self.assertFalse(os.path.exists(self.staging))
        return self.hints(checked, identifier)

    def as_root(self, hint):
        """Runs the command that a hint gives to root."""
        command = re.search(r'(?:as root|parameters): (install .*|chown [^;]*)', hint).group(1)
        subprocess.run(['sh', '-c', command], check=True, stdin=subprocess.DEVNULL)


@unittest.skipIf(os.geteuid() != 0, 'needs root')
class ConfigurationOfALostNode(PlainCase, NodeCase):
    """A rebuilt node of a distribution that keeps the configuration in /etc: the backup holds none of it."""

    def setUp(self):
        super().setUp()
        self.make_source()
        self.plain.write_batches(1, 2)
        self.lose()
        self.outside = self.lab.path('etc')

    def bring_back_and_restart(self, block=None, **postgresql):
        self.bring_back(block, postgresql={'config_dir': self.outside, **postgresql})
        self.assert_rows(2, doomed=False, sql=self.node.sql)
        self.node.stop()
        self.node.start()
        self.node.wait_for_leader()

    def test_no_directory_and_each_hint_followed(self):
        for block in (None, self.patroni_mode()):
            self.configure(block, postgresql={'config_dir': self.outside})
            hint, = self.assert_found('config-directory', 'config_dir %s is no directory' % self.outside)
            self.as_root(hint)
            hint, = self.assert_found('config-file-missing', 'there is no postgresql.conf in ' + self.outside)
            self.as_root(hint)
            self.assertEqual(os.stat(self.outside + '/postgresql.conf').st_size, 0)
            self.bring_back_and_restart(block)
            self.node.stop()
            self.node.forget()
            shutil.rmtree(self.outside)
            shutil.rmtree(self.data_directory)

    def test_no_rules(self):
        self.lab.make('etc')
        self.lab.write('etc/postgresql.conf', '')
        self.lab.write('etc/pg_hba.conf', '# nothing yet\n')
        self.configure(postgresql={'config_dir': self.outside, 'pg_hba': None})
        hint, = self.assert_found('hba-missing', 'there is no rule in .*etc/pg_hba.conf')
        self.assertIn("put the cluster's own pg_hba.conf there", hint)
        self.lab.write('etc/pg_hba.conf', 'local all all trust\nhost all,replication all 127.0.0.1/32 trust\n')
        self.bring_back_and_restart(pg_hba=None)

    def test_rules_of_the_bootstrap_section_do(self):
        self.lab.make('etc')
        self.lab.write('etc/postgresql.conf', '')
        self.configure(postgresql={'config_dir': self.outside, 'pg_hba': None},
                       bootstrap={'pg_hba': ['local all all trust', 'host all,replication all 127.0.0.1/32 trust']})
        self.assertEqual(self.run_check().code, 0)
        self.node.start()
        self.node.wait_for_leader()
        self.node.stop()
        self.node.start()
        self.node.wait_for_leader()

    def test_a_directory_that_cannot_be_written(self):
        self.lab.make('etc')
        self.lab.write('etc/postgresql.conf', '')
        os.chown(self.outside, 0, 0)
        os.chmod(self.outside, 0o755)
        for block in (None, self.patroni_mode()):
            self.configure(block, postgresql={'config_dir': self.outside})
            hint, = self.assert_found('config-directory', 'cannot be written')
        self.as_root(hint)
        self.bring_back_and_restart()

    def test_files_elsewhere_that_are_not_there(self):
        self.configure(postgresql={'parameters': {'hba_file': '/nowhere/hba'}})
        self.assert_found('hba-missing', 'hba_file /nowhere/hba does not exist')
        self.configure(postgresql={'custom_conf': '/nowhere/custom.conf'})
        self.assert_found('config-file-missing', 'custom_conf /nowhere/custom.conf does not exist')

    def test_a_configuration_in_pgdata_that_the_backup_does_not_bring(self):
        # As of a cluster that had it in /etc, restored to a node that has it in PGDATA.
        pgbackrest = self.wrap_pgbackrest(
            'if [ $VERB = restore ]; then pgbackrest "$@" && rm %s/{postgresql,pg_hba}.conf; exit; fi' % self.staging)
        self.configure({'pgbackrest': pgbackrest}, postgresql={'pg_hba': None})
        result = self.bootstrap()
        self.assert_refused(result, 8, 'there is no postgresql.conf in ' + self.staging, 'config_dir')
        self.assert_refused(result, 8, 'there is no rule in')
        self.configure({'pgbackrest': pgbackrest}, postgresql={'config_dir': self.lab.make('etc')})
        self.lab.write('etc/postgresql.conf', '')
        self.assert_done(self.bootstrap())


@unittest.skipIf(os.geteuid() != 0, 'needs root')
class ConfigurationOfAPatroniCluster(NodeCase):
    def test_the_backup_brings_what_patroni_had_left_in_pgdata(self):
        self.configure(postgresql={'config_dir': self.lab.make('etc'), 'pg_hba': None})
        checked = self.run_check()
        self.assertEqual(checked.code, 0, checked.log)
        self.node.start()
        self.node.wait_for_leader()
        self.assert_rows(BATCHES, doomed=False, sql=self.node.sql)
        self.assertIn('postgresql.base.conf', os.listdir(self.lab.path('etc')))
        self.node.stop()
        self.node.start()
        self.node.wait_for_leader()


@unittest.skipIf(os.geteuid() != 0, 'needs root')
class Places(NodeCase):
    def test_a_mount_point_of_somebody_else(self):
        self.lab.mount_tmpfs(800, 'data')
        os.chown(self.data_directory, 0, 0)
        os.chmod(self.data_directory, 0o777)
        hint, = self.assert_found('data-directory-unusable', 'belongs to another user')
        self.assertEqual(os.listdir(self.data_directory), [])
        self.as_root(hint)
        # The mode is put right at the hand-over.
        self.bring_back()
        self.assertEqual(os.stat(self.data_directory).st_mode & 0o7777, 0o700)
        self.assert_back(BATCHES)

    def test_a_mount_point_in_the_place_of_the_staging_directory(self):
        mounted = self.lab.mount_tmpfs(10, os.path.basename(self.staging))
        self.assert_refused(self.bootstrap(), 9, 'staging directory %s is a mount point' % mounted, 'unmount it')
        self.assertEqual(os.listdir(mounted), [])
        self.lab.run_as_root('umount', mounted)
        self.lab.mounts.remove(mounted)
        self.assert_done(self.bootstrap())

    def test_an_empty_directory_of_somebody_else_is_replaced(self):
        os.mkdir(self.data_directory, 0o755)
        self.bring_back()
        self.assert_back(BATCHES)

    def test_one_beside_others_in_a_sticky_directory_is_not(self):
        os.chown(self.lab.directory, 0, 0)
        os.chmod(self.lab.directory, 0o1777)
        os.mkdir(self.data_directory, 0o755)
        hint, = self.assert_found('data-directory-unusable', 'belongs to another user')
        self.as_root(hint)
        self.assert_done(self.bootstrap())

    def test_a_parent_that_cannot_be_written(self):
        os.mkdir(self.lab.path('srv'), 0o755)
        self.data_directory = self.node.data_directory = self.lab.path('srv/pg/data')
        self.staging = self.data_directory + '.restoring'
        self.configure()
        hint, = self.assert_found('data-directory-unusable', 'may not write to ' + self.lab.path('srv'))
        self.as_root(hint)
        self.assert_done(self.bootstrap())

    def test_a_read_only_file_system(self):
        self.lab.mount_tmpfs(800, 'data')
        self.lab.run_as_root('mount', '-o', 'remount,ro', self.data_directory)
        self.assert_found('data-directory-unusable', 'cannot be written by this user')

    def test_temporary_directories(self):
        self.assert_found('temporary-directory', 'cannot make /nowhere/ppb', environment={'TMPDIR': '/nowhere'})
        full = self.lab.mount_tmpfs(1, 'full')
        self.lab.run('sh', '-c', 'cat /dev/zero >%s/zeros || true' % full)
        hint, = self.assert_found('temporary-directory', 'No space left', environment={'TMPDIR': full})
        self.assertIn('make room', hint)
        # Too long for a socket: /tmp is taken.
        self.assertEqual(self.run_check(environment={'TMPDIR': '/' + 'x' * 80}).code, 0)
        self.lab.run_as_root('mount', '-o', 'remount,noexec', full)
        os.remove(full + '/zeros')
        self.assertNotIn('temporary-directory', self.run_check(environment={'TMPDIR': full}).log)
        self.assert_done(self.bootstrap(environment={'TMPDIR': full}))


class ServerStart(NodeCase):
    def test_what_postgresql_cannot_open_is_refused_before_the_copy(self):
        for identifier, message, postgresql in (
                ('listen-foreign', 'this machine has no such address', {'listen': '192.0.2.1:%d' % self.node.port}),
                ('socket-directory', 'cannot make', {'parameters': {'unix_socket_directories': '/nowhere/sockets'}}),
                ('tls-file', 'can be read by others', {'parameters': {'ssl': 'on', 'ssl_key_file': self.lab.write('key', '', 0o644)}})):
            self.configure(postgresql=postgresql)
            checked = self.run_check()
            self.assertEqual(checked.code, 3, checked.log)
            self.assertRegex(checked.log, '%s: .*%s' % (identifier, message))
        self.node.start()
        self.node.wait_for_end()
        self.assertRegex(self.lab.log('node1'), 'ERROR: .*ssl_key_file .* can be read by others')
        self.assertFalse(os.path.exists(self.staging))
        # By a person's hand it goes on: Patroni may find it in order later.
        result = self.bootstrap()
        self.assert_done(result)
        self.assertRegex(result.log, 'WARNING: .*ssl_key_file .* can be read by others')

    def test_a_role_without_a_name_is_refused_before_the_copy_when_patroni_calls(self):
        self.configure(postgresql={'authentication': {'replication': None}})
        self.node.start()
        self.node.wait_for_end()
        self.assertRegex(self.lab.log('node1'), 'ERROR: .*authentication.replication.username is not set')
        self.assertFalse(os.path.exists(self.staging))


class Options(NodeCase):
    def test_another_directory_in_pg1_path_is_named(self):
        def find(text, message='pg1-path of stanza demo is /elsewhere', **options):
            self.lab.write('pgbackrest.conf', text)
            found = self.run_check(**options)
            self.assertEqual(found.code, 0, found.log)
            (self.assertRegex if message else self.assertNotRegex)(found.log, 'pg-path-other: .*' + (message or ''))
            return found
        usual = read(self.pgbackrest_configuration)
        find(usual, None)
        link = self.lab.path('link')
        os.symlink(self.data_directory, link)
        find(usual.replace('pg1-path=' + self.data_directory, 'pg1-path=' + link + '/'), None)
        other = usual.replace('pg1-path=' + self.data_directory, 'pg1-path=/elsewhere')
        find(other)
        find(usual, environment={'PGBACKREST_PG1_PATH': '/elsewhere'})
        find(usual + '[demo:archive-push]\npg1-path=/elsewhere\n')
        find(usual + '[demo:backup]\npg1-path=/elsewhere\n', None)
        find(other + 'pg1-host=somewhere\n', None)
        self.lab.write('pgbackrest.conf', other)
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('the restored cluster will not archive', result.log)
        # The warning is true, and its hint works.
        push = ['pgbackrest', '--config=' + self.pgbackrest_configuration, '--stanza=demo', 'archive-push',
                self.data_directory + '/pg_wal/' + sorted(os.listdir(self.data_directory + '/pg_wal'))[0]]
        self.assertNotEqual(self.lab.attempt(*push).returncode, 0)
        self.lab.write('pgbackrest.conf', usual)
        self.lab.run(*push)

    def test_a_bad_value_is_named_with_its_place(self):
        for variable, value in (('PGBACKREST_BUFFER_SIZE', '7'), ('PGBACKREST_REPO1_PATH', 'relative')):
            environment = {variable: value}
            checked = self.run_check(environment=environment)
            self.assertEqual(checked.code, 3)
            self.assertRegex(checked.log, 'ERROR   request-invalid: %s: info of stanza demo' % variable)
            self.assert_refused(self.bootstrap(environment=environment), 2, 'option-invalid-value', 'correct it there', variable)
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write('[demo:info]\nio-timeout=soon\n')
        place = '%s:%d' % (self.pgbackrest_configuration, read(self.pgbackrest_configuration).count('\n'))
        self.assert_refused(self.bootstrap(), 2, "'soon' is not valid", 'correct it there', place)

    def assert_unwritable(self, message, *arguments, block=None, **sections):
        """Refused before the copy, by check and by bootstrap."""
        self.configure(block, **sections)
        checked = self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--datadir=' + self.data_directory, *arguments)
        self.assertEqual(checked.code, 3, checked.log)
        self.assertRegex(checked.log, 'ERROR   request-invalid: .*' + message)
        self.assert_refused(self.bootstrap(*arguments), 2, message)
        self.assertFalse(os.path.exists(self.staging))

    def test_a_line_feed_in_a_setting_is_refused_before_the_copy(self):
        for block in ({'type': 'name', 'target': 'before\nrecovery_target_action = shutdown'},
                      {'tablespace-map': ['more=%s\nx' % self.lab.path('more')]}, {'preload': 'a\nb'}):
            self.assert_unwritable('has a line feed or another control character', block=block)

    def test_a_line_feed_at_the_end_of_a_place_is_refused_before_the_copy(self):
        # As a block scalar leaves it: it would be the last letter of the directory's name.
        more = self.lab.path('more')
        for name, value in (('tablespace-map', ['more=%s\n' % more]), ('tablespace-map-all', more + '\n'),
                            ('link-map', ['pg_wal=%s\n' % more])):
            self.assert_unwritable('%s has a line feed or another control character' % name, block={name: value})
        self.assertFalse(os.path.lexists(more + '\n'))

    def test_other_control_characters_are_refused_before_the_copy(self):
        for block in ({'type': 'name', 'target': 'before\rafter'}, {'type': 'name', 'target': 'before\0after'},
                      {'buffer-size': '16MB\a'}, {'cmd-ssh': '/usr/bin/ssh\r'}):
            self.assert_unwritable('has a line feed or another control character', block=block)
        self.assert_unwritable("the restore point's name has a line feed", '--type=name', '--target=before\x7f')

    def test_control_characters_in_names_are_refused_before_the_copy(self):
        self.assert_unwritable('scope has a line feed', scope=self.node.scope + '\n')
        self.assert_unwritable('name has a line feed', name='node\r1')
        self.assert_unwritable('scope has a line feed', '--scope=with a\x7f')

    def test_a_probe_may_have_lines_but_no_other_control_character(self):
        # psql would take it for what is before the NUL.
        self.assert_unwritable('probe has a control character', block={'probe': 'select true\0 and false'})
        self.configure({'probe': 'select\n\tcount(*) > 0\r\nfrom kept\n'})
        self.assert_done(self.bootstrap())

    def test_a_variable_without_a_value_does_not_keep_the_cluster_from_coming_back(self):
        environment = {'PGBACKREST_PG1_PATH': '', 'PGBACKREST_BUFFER_SIZE': ''}
        self.assertRegex(self.run_check(environment=environment).log, 'option-empty: PGBACKREST_PG1_PATH: .* has no value')
        self.assert_done(self.bootstrap(environment=environment))
        self.assertNotIn('option-empty', self.run_check().log)


class AwayDcs(NodeCase):
    def swallows(self):
        """A port where nobody refuses and nobody answers, as behind a firewall that drops."""
        listening = socket.create_server(('127.0.0.1', 0), backlog=0)
        self.addCleanup(listening.close)
        for _ in range(3):
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        return '127.0.0.1:%d' % listening.getsockname()[1]

    def test_it_is_known_at_once(self):
        away = '127.0.0.1:1, ' + self.swallows()
        self.configure(etcd3={'hosts': away.replace(' ', '')})
        began = time.monotonic()
        checked = self.run_check()
        self.assertRegex(checked.log, r'WARNING dcs-unknown: .*nothing answers at ' + away)
        self.assertEqual(checked.code, 0, checked.log)
        self.assertLess(time.monotonic() - began, 20)
        result = self.assert_held_up_by_no_look(away.replace(' ', ''))
        self.assertIn('nothing answers at %s: not checked whether scope' % away, result.log)

    def test_one_of_several_servers_is_enough(self):
        self.configure(etcd3={'hosts': ['127.0.0.1:1', self.node.etcd]})
        self.assertNotIn('dcs-unknown', self.run_check().log)


class LeavingCase(NodeCase):
    def leave(self, parameters=None, **more):
        """Puts into the DCS what a lost cluster left there: what patroni.yml has in bootstrap.dcs, and what differs."""
        archive = 'pgbackrest --config=%s --stanza=demo archive-push %%p' % self.pgbackrest_configuration
        left = {'ttl': 20, 'loop_wait': 1, 'retry_timeout': 3, 'postgresql': {
            'use_pg_rewind': True, 'parameters': {'archive_mode': 'on', 'archive_command': archive, **(parameters or {})}}}
        for name, value in more.items():
            merge(left, name, value)
        self.node.put_key(json.dumps(left), 'config')

    def follow(self, hint):
        """Runs the command of a hint that takes a key out of the DCS."""
        command = shlex.split(re.search(r'patronictl edit-config \S+ --force -s \S+=null', hint).group())
        self.lab.run(command[0], '-c', self.yml, *command[1:])


class SilentDcs(LeavingCase):
    """It accepts connections and says nothing, for a while or for good."""

    def setUp(self):
        super().setUp()
        self.dcs = SilentServer(self.node.etcd)
        self.addCleanup(self.dcs.close)

    def test_the_copy_does_not_wait_and_what_is_told_in_it_is_refused_before_the_replay_until_the_hint_is_followed(self):
        self.leave(ttl='30s')
        self.configure({'pgbackrest': self.waiting_pgbackrest()}, etcd3={'hosts': self.dcs.address})
        process = self.start_bootstrap()
        self.wait_for_the_copy()
        # Nothing was said so far, and patronictl still waits for it.
        self.assertTrue(self.is_dcs_asked())
        self.assertIn('the DCS has not answered yet, so bootstrap.dcs is judged', self.lab.log('bootstrap'))
        self.dcs.speak()
        wait_until('the answer', lambda: not self.is_dcs_asked())
        self.let_the_copy_go_on()
        result = self.result_of(process)
        self.assert_refused(result, 3, 'ttl is 30s, which is not a number: Patroni ignores all of /config in the DCS',
                            'patronictl edit-config')
        self.assertNotIn('with a private PostgreSQL', result.log)
        self.assert_absent()
        self.follow(' '.join(hint for _, hint in result.problems()))
        again = self.bootstrap()
        self.assert_done(again)
        self.assertIn('the copy of an earlier run is complete', again.log)
        self.assert_complete()

    def test_what_is_told_in_the_replay_is_refused_before_the_hand_over(self):
        self.leave(ttl='30s')
        self.configure({'pgbackrest': self.slow_pgbackrest()}, etcd3={'hosts': self.dcs.address})
        process = self.start_bootstrap()
        self.wait_for_replay_of(6)
        self.dcs.speak()
        result = self.result_of(process)
        self.assert_refused(result, 3, 'ttl is 30s, which is not a number', 'patronictl edit-config')
        self.assert_absent()
        self.follow(' '.join(hint for _, hint in result.problems()))
        self.assert_done(self.bootstrap())
        self.assert_complete()

    def test_what_is_told_in_the_replay_and_does_no_harm_is_in_force(self):
        encryption = {'password_encryption': 'scram-sha-256'}
        self.leave(encryption)
        self.configure({'pgbackrest': self.slow_pgbackrest()}, etcd3={'hosts': self.dcs.address},
                       bootstrap={'dcs': {'postgresql': {'parameters': {'password_encryption': 'md5'}}}})
        process = self.start_bootstrap()
        self.wait_for_replay_of(6)
        self.dcs.speak()
        result = self.result_of(process)
        self.assert_done(result)
        self.assertIn('than what was judged: it is judged now', result.log)
        self.assert_complete()
        self.assertEqual(self.sql("select substr(rolpassword, 1, 5) from pg_authid where rolname = 'replicator'"), 'SCRAM')

    def test_no_look_takes_more_than_two_seconds_longer_than_with_one_that_answers(self):
        self.assert_held_up_by_no_look(self.dcs.address)

    def test_one_that_stays_silent_holds_up_the_hand_over_no_longer_than_a_look(self):
        self.configure(etcd3={'hosts': self.dcs.address})
        result = self.bootstrap()
        self.assert_done(result)
        # patronictl, which is waited for where a DCS may answer, would have made no progress.
        self.assertIn('nothing answers at %s: not checked whether scope' % self.dcs.address, result.log)
        self.assert_complete()


class LeftConfiguration(LeavingCase):
    def test_what_an_earlier_cluster_left_in_the_dcs_counts(self):
        self.configure()
        self.leave()
        self.assertNotIn('dcs-left', self.run_check().log)
        self.leave({'max_connections': 123})
        checked = self.run_check()
        self.assertRegex(checked.log, r'WARNING dcs-left: .*they differ in postgresql\.parameters\.max_connections\n')
        self.assertIn('dynamic configuration: /config in the DCS', checked.log)
        self.bring_back()
        self.assertEqual(self.node.sql('show max_connections'), '123')
        self.node.stop()
        self.node.forget()  # patronictl remove, as the hint says
        checked = self.run_check()
        self.assertNotIn('dcs-left', checked.log)
        self.assertNotIn('dynamic configuration', checked.log)

    def test_and_bootstrap_dcs_does_not(self):
        self.configure(bootstrap={'dcs': {'ttl': '30s'}})
        self.assert_found('dcs-ignored', 'Patroni ignores all of bootstrap.dcs')
        self.leave()
        self.assertNotIn('dcs-ignored', self.run_check().log)
        self.assert_done(self.bootstrap())

    def test_a_number_left_there_that_is_none_is_refused_before_the_copy_until_the_hint_is_followed(self):
        self.configure()
        self.leave(ttl='30s')
        hints = self.assert_found('dcs-ignored', 'ttl is 30s, which is not a number: Patroni ignores all of /config in the DCS')
        self.follow(hints[0])
        self.assert_done(self.bootstrap())

    def test_in_pause_no_method_is_called_until_the_hint_is_followed(self):
        self.configure(bootstrap={'dcs': {'pause': True}})
        checked = self.run_check()
        self.assertEqual(checked.code, 3, checked.log)
        self.assertRegex(checked.log, r'ERROR +dcs-paused: .*bootstrap\.dcs\.pause is set: Patroni calls no bootstrap method')
        self.configure()
        self.leave(pause=True)
        checked = self.run_check()
        self.assertEqual(checked.code, 3, checked.log)
        self.assertRegex(checked.log, "ERROR +dcs-paused: .*the DCS's pause is set: Patroni calls no bootstrap method")
        self.node.start()
        self.node.wait_for_log('running with empty data directory')
        self.follow(self.hints(checked, 'dcs-paused')[0])
        self.assertNotIn('dcs-paused', self.run_check().log)
        self.node.wait_for_leader()

    def test_what_an_earlier_leader_left_is_found_until_the_cluster_is_taken_out_of_the_dcs(self):
        self.configure()
        self.node.put_key('1000000000000', 'optime/leader')  # every Patroni reads it, where there is no /status
        hint, = self.assert_found('dcs-left-status', r'an earlier leader of scope \S+ has left /status with LSN E8/D4A51000', code=0)
        self.assertIn('patronictl remove ' + self.node.scope, hint)
        self.node.forget()
        self.assertNotIn('dcs-left-status', self.run_check().log)

    def test_a_restore_command_left_there_is_refused_in_patroni_mode_until_the_hint_is_followed(self):
        self.configure(self.patroni_mode())
        self.leave(postgresql={'recovery_conf': {'restore_command': '/bin/false'}})
        place = r'/config in the DCS, postgresql\.recovery_conf\.restore_command: another restore_command'
        checked = self.run_check()
        self.assertEqual(checked.code, 3, checked.log)
        self.assertRegex(checked.log, 'request-invalid: ' + place)
        self.node.start()
        self.node.wait_for_end()
        self.assertRegex(self.lab.log('node1'), 'ERROR: ' + place)
        self.assertFalse(os.path.exists(self.staging))
        self.follow(self.hints(checked, 'request-invalid')[0])
        self.assertEqual(self.run_check().code, 0)
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)
