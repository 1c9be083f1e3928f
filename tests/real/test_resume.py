"""A node that died in the middle of its bootstrap: `resume` ends it before Patroni starts, as systemd would call it."""
import glob
import json
import os
import re
import shlex
import subprocess
import threading
import unittest

from bootstrap_case import BATCHES, program, read, wait_until
from lab import Lab, PatroniNode, descendants, send
from test_patroni import EXAMPLES, UnderPatroni


class ResumeCase(UnderPatroni):
    def reboot(self):
        """Everything on this node ends at once."""
        self.lab.kill_all()
        self.node.process.wait(20)

    def resume(self, environment=None, node=None):
        return self.run_program(program(), 'resume', '--patroni-config=' + (node or self.node).yml, environment=environment)

    def interrupt_the_replay(self, block=None, **sections):
        self.configure({**(block or {}), 'pgbackrest': self.slow_pgbackrest()}, **sections)
        self.node.start()
        self.wait_for_replay_of(7)
        self.reboot()
        self.configure(block, **sections)

    def interrupt_the_copy(self, block=None, **sections):
        self.configure({**(block or {}), 'pgbackrest': self.wrap_pgbackrest('[ $VERB != restore ] || { pgbackrest "$@"; sleep 600; }')},
                       **sections)
        self.node.start()
        wait_until('the copy to be done', lambda: os.path.exists(self.staging + '/global/pg_control'))
        self.reboot()
        self.configure(block, **sections)

    def interrupt_the_plan(self, block=None, environment=None):
        self.configure({**(block or {}), 'pgbackrest': self.wrap_pgbackrest('[ $VERB != info ] || sleep 600')})
        self.node.start(environment)
        wait_until('the plan to begin', lambda: any(re.search(r'pgbackrest .*\binfo\b', command) for command in self.lab.living().values()))
        self.reboot()
        self.configure(block)

    def script_that_never_ends(self):
        return self.lab.write('for-ever', '#!/bin/sh\nexec sleep 600\n', 0o755)

    def interrupt_post_bootstrap(self):
        self.configure(bootstrap={'post_bootstrap': self.script_that_never_ends()})
        self.node.start()
        self.node.wait_for_log('running post_bootstrap')
        self.reboot()

    def start_again(self):
        """What systemd does: resume, then Patroni."""
        self.assert_done(self.resume())
        self.node.start()
        self.node.wait_for_leader()

    def assert_resumed(self, batches=BATCHES):
        # Patroni starts a data directory that is there as a standby and promotes it: one timeline more.
        self.assert_back(batches, timeline=3)


class Resume(ResumeCase):
    def test_check_tells_of_the_interrupted_bootstrap(self):
        self.interrupt_the_replay()
        result = self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--scope=' + self.node.scope,
                                  '--datadir=' + self.data_directory)
        self.assertEqual(result.code, 0, result.log)
        self.assertIn('WARNING scope-bootstrapping: ', result.log)
        self.assertIn('WARNING leftover: %s of an earlier try' % self.staging, result.log)
        self.start_again()
        self.assertNotIn('scope-bootstrapping', self.run_program(program(), 'check', '--patroni-config=' + self.yml).log)

    def test_without_resume_patroni_waits_for_ever(self):
        # The reason why resume exists: Patroni never calls the bootstrap method of an empty key again.
        self.interrupt_the_copy()
        calls = self.lab.log('node1').count('restore of demo to')
        self.node.start()
        self.node.wait_for_log('waiting for leader to bootstrap', 60)
        self.assertEqual(self.lab.log('node1').count('restore of demo to'), calls)
        self.assert_absent()

    def test_nothing_to_do(self):
        result = self.resume()
        self.assertEqual((result.code, result.log), (0, ''))
        self.assert_absent()

    def test_a_reboot_in_the_copy(self):
        self.interrupt_the_copy()
        self.start_again()
        self.assert_resumed()

    def test_a_reboot_in_the_replay(self):
        self.interrupt_the_replay()
        self.start_again()
        self.assert_resumed()

    def test_a_reboot_in_the_replay_where_data_dir_ends_with_a_slash(self):
        self.interrupt_the_replay(postgresql={'data_dir': self.data_directory + '/'})
        self.start_again()
        self.assert_resumed()

    def test_a_reboot_in_the_replay_to_a_time(self):
        self.interrupt_the_replay({'type': 'time', 'target': self.target('time', 8)})
        self.start_again()
        self.assert_resumed(8)

    def test_the_journal_goes_when_the_cluster_lives(self):
        self.interrupt_the_replay()
        self.start_again()
        self.assertTrue(os.path.exists(self.staging + '.d/journal.json'))
        self.assert_done(self.resume())
        self.assertFalse(os.path.exists(self.staging + '.d/journal.json'))
        self.assert_resumed()

    def test_the_passwords_of_patroni_yml_hold(self):
        # Patroni skips its post_bootstrap after a resume, where it would have set them.
        hba = {'pg_hba': ['local all all scram-sha-256', 'host all all 127.0.0.1/32 scram-sha-256',
                          'host replication all 127.0.0.1/32 scram-sha-256'],
               'parameters': {'password_encryption': 'scram-sha-256'},
               'authentication': {'superuser': {'password': "an'other \\ one"}, 'replication': {'username': 'copier'}}}
        self.interrupt_the_replay(postgresql=hba)
        self.start_again()
        counted = self.lab.run('psql', '-X', '-h', '127.0.0.1', '-p', str(self.node.port), '-U', 'postgres', '-Atc',
                               "select count(distinct batch), (select rolreplication from pg_roles where rolname = 'copier') from kept",
                               environment={'PGPASSWORD': "an'other \\ one"})
        self.assertEqual(counted, '%d|t' % BATCHES)
        self.assertNotIn('other \\', self.lab.log('node1'))

    def interrupt_before_the_hand_over(self):
        """While Patroni's bootstrap asks who leads, which it does beside the sync."""
        self.configure()
        self.lab.make('bin', mode=0o755)
        self.lab.write('bin/patronictl', '#!/bin/bash\nexec sleep 600\n', 0o755)
        self.node.start(environment={'PATH': self.lab.path('bin') + ':' + self.lab.environment['PATH']})
        wait_until('the replay to be over', lambda: json.loads(read(self.staging + '.d/journal.json') or '{}').get('phase') in (
            'recovered', 'handing over'))
        self.reboot()

    def reached(self):
        return json.loads(read(self.staging + '.d/journal.json'))['reached']

    def test_a_reboot_before_the_hand_over(self):
        self.interrupt_before_the_hand_over()
        reached = self.reached()
        self.assertIn('time', reached)
        result = self.resume()
        self.assert_done(result)
        self.assertNotIn('INFO: replay of', result.log)
        self.assertIn('INFO: end of the replay of', result.log)
        self.assertEqual(self.reached(), reached)
        self.node.start()
        self.node.wait_for_leader()
        self.assert_resumed()

    def test_other_roles_than_the_interrupted_run_made(self):
        self.interrupt_before_the_hand_over()
        self.configure(postgresql={'pg_hba': ['local all all scram-sha-256', 'host all all 127.0.0.1/32 scram-sha-256',
                                              'host replication all 127.0.0.1/32 scram-sha-256'],
                                   'parameters': {'password_encryption': 'scram-sha-256'},
                                   'authentication': {'superuser': {'username': 'chief', 'password': 'secret-of-chief'},
                                                      'replication': {'username': 'copier'}}})
        result = self.resume()
        self.assert_done(result)
        self.assertIn('chief, as whom Patroni logs in, was no superuser', result.log)
        self.assertNotIn('secret-of-chief', result.log)
        self.node.start()
        self.node.wait_for_leader()
        counted = self.lab.run('psql', '-X', '-h', '127.0.0.1', '-p', str(self.node.port), '-U', 'chief', '-d', 'postgres', '-Atc',
                               "select count(distinct batch), (select rolreplication from pg_roles where rolname = 'copier') from kept",
                               environment={'PGPASSWORD': 'secret-of-chief'})
        self.assertEqual(counted, '%d|t' % BATCHES)

    def test_the_dcs_does_not_know_the_cluster(self):
        # Patroni calls the bootstrap method by itself, and that goes on.
        self.interrupt_the_replay()
        self.node.forget()
        result = self.resume()
        self.assert_done(result)
        self.assertIn('Patroni calls the bootstrap method itself', result.log)
        self.assert_absent()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_data_dir_changed_since(self):
        # The key is taken, so Patroni would wait for ever, and the new place knows nothing of it.
        self.interrupt_the_replay()
        elsewhere = self.data_directory + '2'
        self.configure(postgresql={'data_dir': elsewhere})
        result = self.resume()
        self.assert_refused(result, 9, 'a restore into %s was interrupted, and postgresql.data_dir is %s now' % (self.data_directory, elsewhere),
                            'set data_dir to %s again' % self.data_directory)
        self.configure()
        self.start_again()
        self.assert_resumed()

    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_the_data_directory_is_a_mount_point_since(self):
        # None is made beside it by now, and Patroni would wait for ever.
        self.interrupt_the_replay()
        mounted = self.lab.mount_tmpfs(10, 'data')
        self.assert_refused(self.resume(), 9, 'a restore into %s was interrupted, which lies in %s and would be looked for in %s/.restoring now'
                            % (self.data_directory, self.staging, self.data_directory), 'let %s be what it was then' % self.data_directory)
        self.lab.run_as_root('umount', mounted)
        self.lab.mounts.remove(mounted)
        self.start_again()
        self.assert_resumed()

    def test_the_journal_s_disk_is_gone(self):
        self.interrupt_the_replay()
        for path in (self.staging, self.staging + '.d'):
            os.rename(path, self.lab.path('log/' + os.path.basename(path)))
        result = self.resume()
        self.assertEqual(result.code, 0, result.log)
        self.assertIn('WARNING: a bootstrap of scope %s is under way or was interrupted' % self.node.scope, result.log)
        self.assertIn('patronictl remove %s' % self.node.scope, result.log)
        self.node.forget()  # as the hint says
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_a_disk_that_another_node_has_as_well(self):
        # Both would make a timeline 2 of their own.
        self.interrupt_the_replay()
        wait_until('node1 to be gone from the DCS', lambda: not self.lab.run(
            'etcdctl', '--endpoints=http://' + self.node.etcd, 'get', '--prefix', '/service/%s/members/' % self.node.scope,
            environment={'ETCDCTL_API': '3'}), 60)
        self.configure(name='node2')
        self.assert_refused(self.resume(), 9, 'is an unfinished restore of member node1, and this is node2',
                            'if no other node has it, rm -r')
        self.configure()
        self.start_again()
        self.assert_resumed()

    def test_two_of_one_node(self):
        self.interrupt_the_replay()
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.resume())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([result.code for result in results], [0, 0], [result.log for result in results])
        self.node.start()
        self.node.wait_for_leader()
        self.assert_resumed()

    def test_scope_changed_since(self):
        # Another cluster: nothing of it is this one's, and Patroni calls the bootstrap method for it.
        self.interrupt_the_replay()
        scope, self.node.scope = self.node.scope, self.node.scope + '-new'
        self.configure()
        result = self.resume()
        self.assertEqual(result.code, 0, result.log)
        self.assertIn('is not looked at: it is of scope %s' % scope, result.log)
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_the_target_changed_since(self):
        # What patroni.yml asks for now is what comes back.
        self.interrupt_the_replay()
        self.configure({'type': 'time', 'target': self.target('time', 6)})
        self.start_again()
        self.assert_resumed(6)

    def test_a_leader_that_appeared_meanwhile(self):
        self.interrupt_the_replay()
        self.lab.make(self.staging + '.d', 'base')  # as where the file system has clones
        self.node.forget()
        other = PatroniNode(self.lab, self.node.etcd, 'node2', self.node.scope, self.lab.path('data2'))
        other.configure()
        other.start()
        other.wait_for_leader()
        result = self.resume()
        self.assert_done(result)
        self.assertIn('node2 leads meanwhile', result.log)
        self.assert_absent()
        self.assertTrue(os.path.exists(self.staging))
        self.assertFalse(os.path.exists(self.staging + '.d/base'))

    def test_a_dcs_that_does_not_answer(self):
        self.interrupt_the_copy()
        self.configure({'retry': 1, 'retry-wait': 0}, etcd3={'hosts': '127.0.0.1:1'})
        self.assert_refused(self.resume(), 6, 'the DCS cannot be asked about scope', 'bring the DCS back')
        self.assert_absent()
        self.configure()
        self.start_again()
        self.assert_resumed()

    def test_patronictl_missing_or_hanging(self):
        self.interrupt_the_copy()
        self.configure({'retry': 0})
        self.lab.make('bin', mode=0o755)
        for name in ('pgbackrest', 'bash', 'sh', 'sleep'):
            os.symlink('/usr/bin/' + name, self.lab.path('bin', name))
        self.assert_refused(self.resume({'PATH': self.lab.path('bin')}), 6, 'patronictl was not found')
        self.lab.write('bin/patronictl', '#!/bin/bash\nsleep 600\n', 0o755)
        self.assert_refused(self.resume({'PATH': self.lab.path('bin')}), 6, 'patronictl list made no progress')
        self.assert_absent()
        self.assert_nothing_runs()

    def test_patronictl_answers_with_something_else_or_half_a_list(self):
        # Whom it does not name may lead all the same.
        self.interrupt_the_copy()
        self.configure({'retry': 0})
        environment = self.patronictl_that_says_members()
        for said in ('garbage', '[{"Member": "node2", "Role": "Lea', '{}'):
            self.lab.write('members.json', said)
            self.assert_refused(self.resume(environment), 6, 'the DCS cannot be asked about scope', 'bring the DCS back')
            self.assert_absent()
            self.assert_nothing_runs()
        self.configure()
        self.start_again()
        self.assert_resumed()

    def follow(self, command):
        """Runs a hint's command of patronictl."""
        words = shlex.split(command)
        self.lab.run(words[0], '-c', self.yml, *words[1:])

    def test_a_pause_is_told_before_the_work_and_after_it(self):
        self.interrupt_the_copy()
        archive = 'pgbackrest --config=%s --stanza=demo archive-push %%p' % self.pgbackrest_configuration
        self.node.put_key(json.dumps({'ttl': 20, 'loop_wait': 1, 'retry_timeout': 3, 'pause': True, 'postgresql': {
            'use_pg_rewind': True, 'parameters': {'archive_mode': 'on', 'archive_command': archive}}}), 'config')
        result = self.resume()
        self.assert_done(result)
        self.assertEqual(result.log.count('is in pause, and Patroni starts no server then'), 2, result.log)
        self.node.start()
        self.node.wait_for_log('postgres is not running')
        self.follow(re.search(r'patronictl edit-config \S+ --force -s pause=null', result.log).group())
        self.node.wait_for_leader()
        self.assert_resumed()

    def test_what_an_earlier_leader_left_keeps_it_from_leading_until_the_hint_is_followed(self):
        self.node.put_key('1000000000000', 'optime/leader')  # every Patroni reads it, where there is no /status
        self.interrupt_the_copy()
        result = self.resume()
        self.assert_done(result)
        self.assertEqual(result.log.count('has left /status with LSN E8/D4A51000 in the DCS'), 2, result.log)
        self.node.start()
        self.node.wait_for_log('My wal position exceeds maximum replication lag')
        self.follow(re.search(r'patronictl failover --candidate node1 --force \S+', result.log).group())
        self.node.wait_for_leader()
        self.assert_resumed()

    def copy_that_waits(self):
        """Configures a copy that waits for let_go(), and returns the file that says that it has begun."""
        go = self.lab.path('log/go')
        self.configure({'pgbackrest': self.wrap_pgbackrest(
            '[ $VERB != restore ] || { >%s.waits; while [ ! -e %s ]; do sleep .2; done; }' % (go, go))})
        return go + '.waits'

    def let_go(self):
        self.lab.write('log/go', '')

    def resume_and_meanwhile(self, action, environment=None):
        """What resume ends with when `action` is done while it copies."""
        self.interrupt_the_copy()
        waits = self.copy_that_waits()
        resumed = []
        thread = threading.Thread(target=lambda: resumed.append(self.resume(environment)))
        thread.start()
        try:
            wait_until('the copy', lambda: os.path.exists(waits))
            action()
        finally:
            self.let_go()
            thread.join()
        return resumed[0]

    def test_a_cluster_that_was_initialised_while_it_was_resumed_is_refused_at_the_hand_over(self):
        result = self.resume_and_meanwhile(lambda: self.node.put_key('7711111111111111111'))
        self.assert_refused(result, 9, 'scope %s was initialised meanwhile' % self.node.scope, 'staging directory is kept')
        self.assert_absent()
        result = self.resume()
        self.assert_done(result)
        self.assertIn('the cluster was initialised meanwhile', result.log)

    def test_another_that_bootstraps_while_it_was_resumed_is_refused_at_the_hand_over(self):
        self.lab.write('members.json', '[]')
        result = self.resume_and_meanwhile(lambda: self.lab.write(
            'members.json', '[{"Member": "node2", "Role": "Replica", "State": "running custom bootstrap script"}]'),
                                           self.patronictl_that_says_members())
        self.assertIn('node2 may bootstrap scope %s as well: asking the DCS again' % self.node.scope, result.log)
        self.assert_refused(result, 9, 'node2 bootstraps scope %s as well' % self.node.scope, 'stop Patroni on the other nodes')
        self.assert_absent()
        self.start_again()
        self.assert_resumed()

    def test_a_key_that_was_removed_while_it_was_resumed_is_left_to_patroni(self):
        result = self.resume_and_meanwhile(self.node.forget)
        self.assert_refused(result, 9, 'the initialize key of scope %s was removed' % self.node.scope, 'start Patroni again')
        self.assert_absent()
        self.assert_done(self.resume())
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_a_key_that_was_removed_while_patroni_restored_is_told(self):
        waits = self.copy_that_waits()
        self.node.start()
        wait_until('the copy', lambda: os.path.exists(waits))
        self.node.forget()
        self.let_go()
        self.node.wait_for_leader()
        self.assertIn('WARNING: the initialize key of scope %s was removed while this restore worked' % self.node.scope,
                      self.lab.log('node1'))
        self.assert_back(BATCHES)

    def test_patroni_mode_to_the_latest_point(self):
        self.interrupt_the_copy(self.patroni_mode())
        self.start_again()
        self.assert_rows(BATCHES, doomed=False, sql=self.node.sql)

    def test_patroni_mode_with_a_target_is_refused(self):
        block = self.patroni_mode('time', 7)
        self.interrupt_the_copy(block)
        self.assert_refused(self.resume(), 9, "in patroni mode only Patroni's own bootstrap can finish it", 'patronictl remove')
        self.assert_absent()
        # The way that the hint names.
        self.node.forget()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(7)

    def test_a_directory_that_was_rejected_and_could_not_be_renamed(self):
        self.lab.mount_tmpfs(300, 'data')
        self.configure(bootstrap={'post_bootstrap': '/bin/false'})
        self.node.start()
        self.node.wait_for_end()
        self.assertTrue(os.path.exists(self.data_directory + '/PG_VERSION'), 'this Patroni could set it aside')
        rejected = '%s was handed over, but Patroni did not accept it' % self.data_directory
        self.assert_refused(self.resume(), 9, rejected, 'journal.json')
        self.node.put_key('')  # another node bootstraps now
        self.assert_refused(self.resume(), 9, rejected)
        # It stays so whatever patroni.yml says, and although somebody starts it by hand.
        for change in ({'name': 'renamed'}, {'scope': 'another'}):
            self.configure(**change)
            self.assert_refused(self.resume(), 9, rejected)
        self.open('archive_mode=off')
        self.server.stop()
        self.assert_refused(self.resume(), 9, rejected)
        self.configure()
        self.assert_refused(self.resume(), 9, rejected)

    def test_a_directory_that_was_handed_over_while_another_node_bootstraps(self):
        self.interrupt_post_bootstrap()
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Replica", "State": "running custom bootstrap script"}]')
        self.assert_refused(self.resume(self.patronictl_that_says_members()), 9, 'node2 bootstraps the cluster now', 'no other node has it')
        self.assert_refused(self.resume(), 9, 'Patroni did not accept it')

    def patronictl_that_says_members(self):
        """The environment with a wrapper that prints members.json; the key is read as ever."""
        self.lab.make('bin', mode=0o755)
        self.lab.write('bin/patronictl', '#!/bin/sh\ncat %s\n' % self.lab.path('members.json'), 0o755)
        return {'PATH': self.lab.path('bin') + ':' + self.lab.environment['PATH']}

    def test_a_bootstrap_that_failed_is_not_resumed_when_another_node_has_the_key(self):
        self.configure({'pgbackrest': self.failing_pgbackrest(7, 102), 'retry': 0})
        self.node.start()
        self.node.wait_for_end()
        self.configure()
        result = self.resume()
        self.assert_done(result)
        self.assertIn('Patroni calls the bootstrap method itself', result.log)
        self.node.put_key('')
        result = self.resume()
        self.assert_done(result)
        self.assertIn('Patroni gave that bootstrap of scope %s up' % self.node.scope, result.log)
        self.assert_absent()
        self.node.forget()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    slow_cycles = {'dcs': {'loop_wait': 5}}

    def other_that_restores_for_ever(self):
        """node2, which waits for a leader, and has a bootstrap method that never ends."""
        other = PatroniNode(self.lab, self.node.etcd, 'node2', self.node.scope, self.lab.path('data2'))
        other.configure({'command': self.script_that_never_ends()}, bootstrap=self.slow_cycles)
        other.start()
        return other

    def wait_until_the_other_takes_the_key(self, other):
        self.node.wait_for_end(120)
        other.wait_for_log('trying to bootstrap a new cluster')
        wait_until('the empty key', lambda: self.lab.run(
            'etcdctl', '--endpoints=http://' + self.node.etcd, 'get', '--write-out=fields',
            '/service/%s/initialize' % self.node.scope, environment={'ETCDCTL_API': '3'}).find('"Count" : 1') >= 0, every=0.02)

    def test_a_bootstrap_that_failed_and_another_node_has_just_taken_the_key(self):
        # Its state is not in the DCS before its next cycle.
        self.configure({'pgbackrest': self.failing_pgbackrest(7, 102), 'retry': 0})
        self.node.start()
        self.node.wait_for_log('replay of .* WAL segments')
        self.wait_until_the_other_takes_the_key(self.other_that_restores_for_ever())
        self.configure(bootstrap=self.slow_cycles)
        result = self.resume()
        self.assert_done(result)
        self.assertIn('nothing to resume, node2 bootstraps the cluster now', result.log)
        self.assert_absent()

    def test_a_rejected_directory_and_another_node_has_just_taken_the_key(self):
        self.lab.mount_tmpfs(300, 'data')
        self.configure(bootstrap={'post_bootstrap': '/bin/false', **self.slow_cycles})
        self.node.start()
        self.node.wait_for_log('replay of .* WAL segments')
        self.wait_until_the_other_takes_the_key(self.other_that_restores_for_ever())
        self.assert_refused(self.resume(), 9, 'node2 bootstraps the cluster now', 'no other node has it')

    def test_a_mount_point_is_free_for_a_replica_when_another_node_went_on(self):
        self.lab.mount_tmpfs(800, 'data')
        self.staging = self.data_directory + '/.restoring'
        self.interrupt_the_copy()
        self.node.put_key('7711111111111111111')
        result = self.resume()
        self.assert_done(result)
        self.assertIn('a replica is made in an empty directory only', result.log)
        self.assertEqual(os.listdir(self.data_directory), [])

    def test_a_plan_that_failed_leaves_nothing(self):
        self.lab.mount_tmpfs(800, 'data')
        self.assert_refused(self.bootstrap('--type=time', '--target=2001-01-01 00:00:00+00'), 4, '.')
        self.assertEqual(os.listdir(self.data_directory), [])

    def test_a_replica_does_not_need_the_block_of_a_bootstrap_long_ago(self):
        self.lab.make('data.restoring.d')
        self.lab.write('data.restoring.d/journal.json', json.dumps({
            'version': 1, 'scope': self.node.scope, 'request': '', 'backup_set': '', 'system_identifier': '', 'boot': '',
            'phase': 'copying', 'outside': []}))
        self.lab.make('data')
        self.lab.write('data/PG_VERSION', '15\n')
        self.configure({'type': 'nonsense'})
        result = self.resume()
        self.assert_done(result)
        self.assertIn('holds data meanwhile', result.log)

    def test_a_reboot_while_the_dcs_is_asked(self):
        self.configure()
        self.lab.make('bin', mode=0o755)
        self.lab.write('bin/patronictl', '#!/bin/bash\nexec sleep 600\n', 0o755)
        self.node.start(environment={'PATH': self.lab.path('bin') + ':' + self.lab.environment['PATH']})
        wait_until('the DCS to be asked', lambda: any('sleep 600' in command for command in self.lab.living().values()))
        self.assertNotIn('restore of demo', self.lab.log('node1'))
        self.reboot()
        self.start_again()
        self.assert_resumed()

    def test_interrupted_while_it_planned(self):
        self.interrupt_the_plan()
        self.start_again()
        self.assert_resumed()

    def test_interrupted_while_it_planned_what_was_set_aside(self):
        self.configure(bootstrap={'post_bootstrap': '/bin/false'})
        self.node.start()
        self.node.wait_for_end()
        self.interrupt_the_plan()
        self.start_again()
        self.assert_rows(BATCHES, doomed=False, sql=self.node.sql)

    def test_a_directory_that_was_started_and_a_leader_on_its_timeline(self):
        self.interrupt_post_bootstrap()
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Leader", "State": "running", "TL": 2}]')
        self.assert_refused(self.resume(self.patronictl_that_says_members()), 9, 'node2 leads without it, on timeline 2')

    def test_a_leader_that_has_just_been_promoted_shows_its_old_timeline(self):
        self.interrupt_post_bootstrap()
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Leader", "State": "running", "TL": 2}]')
        environment = self.patronictl_that_says_members()
        process = self.lab.start('resume', program(), 'resume', '--patroni-config=' + self.yml, environment=environment)
        wait_until('the second look to be announced', lambda: 'asking the DCS again' in self.lab.log('resume'))
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Leader", "State": "running", "TL": 3}]')
        self.assertEqual(process.wait(60), 0)
        self.assertIn('is over', self.lab.log('resume'))

    def test_a_directory_that_was_started_and_a_leader_whose_timeline_is_not_known(self):
        self.interrupt_post_bootstrap()
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Leader", "State": "starting"}]')
        self.assert_refused(self.resume(self.patronictl_that_says_members()), 9, 'node2 leads without it, on a timeline that is not known')

    def test_a_directory_that_was_started_while_another_node_ends_its_bootstrap(self):
        # post_bootstrap writes the key before it takes the leader's.
        self.interrupt_post_bootstrap()
        self.node.put_key('7711111111111111111')
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Replica", "State": "running custom bootstrap script"}]')
        self.assert_refused(self.resume(self.patronictl_that_says_members()), 9, 'node2 bootstraps the cluster now')
        self.assert_refused(self.resume(), 9, 'Patroni did not accept it')

    def test_a_key_that_cannot_be_read_and_another_node_that_has_just_taken_it(self):
        self.interrupt_the_copy()
        environment = self.patronictl_that_says_members()
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Replica", "State": "running"}]')
        self.lab.write('bin/python3', '#!/bin/sh\nexit 1\n', 0o755)  # without Patroni
        process = self.lab.start('resume', program(), 'resume', '--patroni-config=' + self.yml, environment=environment)
        wait_until('the second look to be announced', lambda: 'asking the DCS again' in self.lab.log('resume'))
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Replica", "State": "running custom bootstrap script"}]')
        self.assertEqual(process.wait(60), 0)
        self.assertIn('nothing to resume, node2 bootstraps the cluster now', self.lab.log('resume'))
        self.assert_absent()

    def hand_over_and_move_away(self):
        self.configure()
        self.assert_done(self.bootstrap())
        os.rename(self.data_directory, self.lab.path('moved-away'))

    def test_what_was_handed_over_was_moved_away_and_the_key_is_left_over(self):
        self.hand_over_and_move_away()
        self.node.put_key('')
        self.assert_refused(self.resume(), 9, 'was handed over and is gone, and no node bootstraps', 'patronictl remove')
        # The way that the hint names.
        self.node.forget()
        self.node.start()
        self.node.wait_for_leader()
        self.assert_back(BATCHES)

    def test_what_was_handed_over_was_moved_away_and_back_while_another_node_has_the_key(self):
        self.hand_over_and_move_away()
        for key in (None, ''):  # it sees that there is no key, then that another node has it
            if key is not None:
                self.node.put_key(key)
            result = self.resume()
            self.assert_done(result)
            self.assertIn('nothing to resume', result.log)
        os.rename(self.lab.path('moved-away'), self.data_directory)
        self.assert_refused(self.resume(), 9, "the one that is under way is another node's")
        self.assert_refused(self.resume(), 9, 'Patroni did not accept it')

    def test_what_was_handed_over_and_cannot_start_yet(self):
        # Patroni writes the key before it starts PostgreSQL, which has never started then.
        self.configure()
        self.assert_done(self.bootstrap())
        self.node.put_key('7711111111111111111')
        left = self.staging + '.d/base.removed'  # by a kill behind the hand-over
        self.lab.make(left)
        self.lab.make(left, 'global')
        result = self.resume()
        self.assert_done(result)
        self.assertIn('PostgreSQL has not started there yet', result.log)
        self.assertFalse(os.path.exists(left))
        self.node.put_key('')
        self.assert_done(self.resume())  # sees that nobody has led
        self.node.put_key('7711111111111111111')
        self.node.put_key('{"ttl": 20}', 'config')
        self.assert_refused(self.resume(), 9, 'never started, and the cluster has had a leader without it')
        self.lab.write('members.json', '[{"Member": "node2", "Role": "Leader", "State": "running"}]')
        self.assert_refused(self.resume(self.patronictl_that_says_members()), 9, 'never started, and node2 leads without it')

    def test_a_new_bootstrap_is_resumed_although_an_earlier_one_was_given_up(self):
        self.configure({'pgbackrest': self.failing_pgbackrest(7, 102), 'retry': 0})
        self.node.start()
        self.node.wait_for_end()
        self.assert_done(self.resume())
        self.configure({'pgbackrest': self.wrap_pgbackrest('[ $VERB != info ] || sleep 600')})
        self.node.start()
        self.node.wait_for_log('Running custom bootstrap script.*(?s:.*)Running custom bootstrap script')
        wait_until('the plan to begin', lambda: '"given_up": false' in read(self.staging + '.d/journal.json'))
        self.reboot()
        self.configure()
        self.start_again()
        self.assert_resumed()

    def test_the_target_in_a_script(self):
        script = self.lab.write('restore.sh', '#!/bin/bash\nexec %s bootstrap --type=lsn --target=%s "$@"\n'
                                % (program(), self.target('lsn', 8)), 0o755)
        self.interrupt_the_copy({'command': script})
        self.assert_refused(self.resume(), 9, 'asked for with options that are not in the block pgbackrest',
                            'write the options that the script gives into the block')
        self.assert_absent()
        self.configure({'command': script, 'type': 'lsn', 'target': self.target('lsn', 8)})
        self.start_again()
        self.assert_resumed(8)

    def test_the_target_in_a_script_with_several_verbs(self):
        # Its word is not the program's.
        script = self.lab.write('dr.sh', '#!/bin/bash\nexec %s "$@" --type=lsn --target=%s\n' % (program(), self.target('lsn', 8)), 0o755)
        self.interrupt_the_copy({'command': script + ' bootstrap'})
        self.assert_refused(self.resume(), 9, 'asked for with options that are not in the block pgbackrest',
                            'write the options that the script gives into the block')
        self.assert_absent()
        self.configure({'command': script + ' bootstrap', 'type': 'lsn', 'target': self.target('lsn', 8)})
        self.start_again()
        self.assert_resumed(8)

    def test_the_target_in_a_script_that_is_given_the_program(self):
        # It looks like a wrapper; but the same block asked for something else.
        script = self.lab.write('with-target.sh', '#!/bin/bash\nexec "$@" --type=lsn --target=%s\n' % self.target('lsn', 8), 0o755)
        copied = self.lab.path('log/copied')
        block = {'command': '%s %s bootstrap' % (script, program()), 'pgbackrest': self.wrap_pgbackrest(
            '[ $VERB != restore ] || [ -e %s ] || { pgbackrest "$@"; touch %s; sleep 600; }' % (copied, copied))}
        self.configure(block)
        self.node.start()
        wait_until('the copy to be done', lambda: os.path.exists(copied))
        self.reboot()
        self.assert_refused(self.resume(), 9, 'asked for with options that are not in the block pgbackrest',
                            'write the options that the script gives into the block')
        self.assert_absent()
        self.configure({**block, 'type': 'lsn', 'target': self.target('lsn', 8)})
        self.start_again()
        self.assert_resumed(8)

    def assert_resumed_with(self, environment):
        self.assert_done(self.resume(environment))
        self.node.start(environment)
        self.node.wait_for_leader()
        self.assert_resumed()

    def test_a_variable_before_the_program(self):
        older = self.older_repository()
        self.interrupt_the_plan({'command': 'env PGBACKREST_CONFIG=%s %s bootstrap' % (self.pgbackrest_configuration, program()),
                                 'pgbackrest-config': None}, older)
        self.assert_resumed_with(older)

    def test_the_variables_of_patroni_s_unit_are_not_there(self):
        # As when a person calls resume.
        unit = {'PGBACKREST_CONFIG': self.pgbackrest_configuration}
        self.interrupt_the_plan({'pgbackrest-config': None}, unit)
        for environment in ({}, self.older_repository()):
            self.assert_refused(self.resume(environment), 9, 'pgBackRest would be told of another config than in the interrupted restore',
                                "in Environment= of Patroni's unit")
            self.assert_absent()
        self.assertNotIn(self.pgbackrest_configuration, read(self.staging + '.d/journal.json'))
        self.assert_resumed_with(unit)

    def test_a_variable_in_a_script(self):
        older = self.older_repository()
        script = self.lab.write('restore.sh', '#!/bin/bash\nPGBACKREST_CONFIG=%s exec %s bootstrap "$@"\n'
                                % (self.pgbackrest_configuration, program()), 0o755)
        self.interrupt_the_plan({'command': script, 'pgbackrest-config': None}, older)
        self.assert_refused(self.resume(older), 9, 'pgBackRest would be told of another config than in the interrupted restore',
                            'write into the block pgbackrest what a script gives')
        self.assert_absent()
        self.configure({'command': script})
        self.assert_resumed_with(older)

    def test_what_the_block_says_of_pgbackrest_was_changed_since(self):
        self.interrupt_the_copy()
        other = {'pgbackrest-config': self.lab.write('other.conf', read(self.pgbackrest_configuration))}
        self.configure({**other, 'command': 'env PGBACKREST_REPO1_BUNDLE=y %s bootstrap' % program()})
        hint = 'or, if no other node restores it, stop Patroni on every node, run patronictl remove'
        self.assert_refused(self.resume(), 9, 'pgBackRest would be told of another repo1-bundle than', hint)
        self.configure(other)  # what the block itself says now is wanted
        self.start_again()
        self.assert_resumed()

    def test_what_pgbackrest_s_file_says_was_corrected_since(self):
        plain = read(self.pgbackrest_configuration)

        def map_all_to(directory):
            self.lab.write(os.path.basename(self.pgbackrest_configuration), plain + 'tablespace-map-all=%s\n' % self.lab.make(directory))

        map_all_to('mistaken')
        # The block stays the same: it is not what was changed.
        passes = self.lab.path('log/pass')
        self.configure({'pgbackrest': self.wrap_pgbackrest('[ $VERB != restore ] || [ -e %s ] || { pgbackrest "$@"; sleep 600; }' % passes)})
        self.node.start()
        wait_until('the copy to be done', lambda: os.path.exists(self.staging + '/global/pg_control'))
        self.reboot()
        self.lab.write('log/pass', '')
        map_all_to('corrected')
        result = self.resume()
        self.assert_done(result)
        self.assertIn('an earlier run asked for something else', result.log)
        self.node.start()
        self.node.wait_for_leader()
        self.assert_resumed()

    def test_patroni_yml_in_the_environment(self):
        self.interrupt_the_copy()
        environment = {'PATRONI_CONFIGURATION': read(self.yml)}
        self.assert_done(self.run_program(program(), 'resume', environment=environment))
        self.node.process = self.lab.start('node1', 'patroni', environment=environment)
        self.node.wait_for_leader()
        self.assert_resumed()

    def test_what_another_member_was_handed_over_is_not_started_here(self):
        self.configure()
        self.assert_done(self.bootstrap())
        self.configure(name='node2')  # as on a snapshot of node1's disk
        self.assert_refused(self.resume(), 9, 'was handed over to member node1, and this is node2: it was never started',
                            'if node1 has it, move %s away: Patroni makes a replica then' % self.data_directory)
        self.configure()
        self.assert_refused(self.resume(), 9, 'Patroni did not accept it')

    def test_what_was_not_accepted_stays_so_wherever_it_is_moved_or_copied_to(self):
        self.configure()
        self.assert_done(self.bootstrap())
        self.assert_refused(self.resume(), 9, 'Patroni did not accept it')
        moved = self.data_directory + '2'
        os.rename(self.data_directory, moved)
        self.configure(postgresql={'data_dir': moved})
        refused = '%s holds what \\S+/journal.json tells of, and Patroni did not accept it: the next start would promote it' % moved
        self.assert_refused(self.resume(), 9, refused, 'if the data is right and no other node has it, remove ')
        self.configure()
        subprocess.run(['cp', '-a', moved, self.data_directory], check=True)
        self.assert_refused(self.resume(), 9, '%s was handed over, but Patroni did not accept it' % self.data_directory)
        elsewhere = self.lab.make('elsewhere') + '/data'  # with no journal beside it
        os.rename(moved, elsewhere)
        self.configure(postgresql={'data_dir': elsewhere})
        mark = elsewhere + '/patroni_pgbackrest.rejected'
        self.assert_refused(self.resume(), 9, '%s holds what %s tells of, and Patroni did not accept it: ' % (elsewhere, mark),
                            'if the data is right and no other node has it, remove %s, else ' % mark)
        told = self.run_program(program(), 'check', '--patroni-config=' + self.yml)
        self.assertIn('ERROR   data-directory-rejected: %s holds what %s tells of, and Patroni did not accept it' % (elsewhere, mark), told.log)
        os.remove(mark)
        self.assert_done(self.resume())

    def test_the_guard_ends_a_recovery_that_goes_on_although_resume_has_refused_it(self):
        def ask():
            return self.run_program(program(), 'archive-get', self.source.segments[7], 'pg_wal/RECOVERYXLOG', directory=self.data_directory)
        self.configure(self.patroni_mode())
        self.assert_done(self.bootstrap())
        self.assert_done(ask())
        self.assert_refused(self.resume(), 9, 'Patroni did not accept it')
        mark = self.data_directory + '/patroni_pgbackrest.rejected'
        self.assert_refused(ask(), 200, 'Patroni did not accept it', 'if the data is right and no other node has it, remove %s, else' % mark)
        os.remove(mark)
        self.assert_done(ask())

    def test_resume_goes_on_where_resume_was_killed(self):
        self.interrupt_the_replay()
        self.configure({'pgbackrest': self.slow_pgbackrest()})
        os.remove(self.lab.path('log/asked'))
        first = self.lab.start('resume', program(), 'resume', '--patroni-config=' + self.yml)
        self.wait_for_replay_of(8)
        self.lab.kill_all()
        first.wait(20)
        wait_until('everything to end', lambda: not self.lab.living())
        self.configure()
        self.start_again()
        self.assert_resumed()

    def test_the_dcs_gone_and_back_in_the_middle(self):
        self.interrupt_the_copy()
        self.lab.make('bin', mode=0o755)
        self.lab.write('bin/patronictl', '''#!/bin/bash
echo . >>%s
[ $(wc -l <%s) != 3 ] || exit 1
exec /usr/bin/patronictl "$@"
''' % (self.lab.path('log/asked'), self.lab.path('log/asked')), 0o755)
        result = self.resume({'PATH': self.lab.path('bin') + ':' + self.lab.environment['PATH']})
        self.assert_done(result)
        self.assertIn('the DCS does not answer: patronictl list exited with code 1, trying again', result.log)
        self.node.start()
        self.node.wait_for_leader()
        self.assert_resumed()


class NameOfPatroni1(ResumeCase):
    """In files of Patroni 1 the member's name stands below postgresql."""

    sections = {'name': None, 'postgresql': {'name': 'node1'}}

    def members(self):
        return self.lab.run('etcdctl', '--endpoints=http://' + self.node.etcd, 'get', '--prefix',
                            '/service/%s/members/' % self.node.scope, environment={'ETCDCTL_API': '3'})

    def reboot(self):
        """Once the DCS tells of the bootstrap, which it does until the TTL is over."""
        wait_until('node1 to say what it does', lambda: 'running custom bootstrap script' in self.members())
        super().reboot()

    def test_its_own_entry_in_the_dcs_is_not_another_node_s(self):
        self.interrupt_the_copy(**self.sections)
        self.assertIn('/members/node1\n', self.members())
        result = self.resume()
        self.assert_done(result)
        self.assertNotIn('nothing to resume', result.log)
        self.assertIn('"member": "node1"', read(self.staging + '.d/journal.json'))
        self.node.start()
        self.node.wait_for_leader()
        self.assert_resumed()

    def test_without_any_name_nobody_is_taken_for_another(self):
        self.interrupt_the_copy(**self.sections)
        self.configure(name=None)
        self.assert_refused(self.resume(), 2, 'name is missing, so whether node1 in the DCS is this node or another cannot be told',
                            'set name in patroni.yml')
        self.assert_absent()
        self.configure(**self.sections)
        self.start_again()
        self.assert_resumed()


class Container(unittest.TestCase):
    def setUp(self):
        self.lab = Lab()
        self.addCleanup(self.lab.end)

    def start(self, resume, patroni='echo patroni "$@"'):
        self.lab.make('bin', mode=0o755)
        self.lab.write('bin/patroni_pgbackrest', '#!/bin/sh\n%s\n' % resume, 0o755)
        self.lab.write('bin/patroni', '#!/bin/sh\n%s\n' % patroni, 0o755)
        return self.lab.start('entry', os.path.join(EXAMPLES, 'container-entrypoint.sh'), self.lab.path('p.yml'),
                              environment={'PATH': self.lab.path('bin') + ':/usr/bin:/bin'})

    def test_patroni_follows_resume(self):
        self.lab.write('p.yml', '')
        process = self.start('echo "$@"')
        self.assertEqual(process.wait(20), 0)
        self.assertEqual(self.lab.log('entry'), 'resume --patroni-config=%s\npatroni %s\n' % ((self.lab.path('p.yml'),) * 2))

    def test_without_that_file_resume_takes_the_variables_as_patroni_does(self):
        process = self.start('echo "$@"')
        self.assertEqual(process.wait(20), 0)
        self.assertEqual(self.lab.log('entry'), 'resume\npatroni %s\n' % self.lab.path('p.yml'))

    def test_sigterm_ends_resume_and_never_starts_patroni(self):
        process = self.start('trap "echo ended; exit 143" TERM; echo begun; while :; do sleep .1; done')
        wait_until('resume to begin', lambda: 'begun' in self.lab.log('entry'))
        process.terminate()
        self.assertEqual(process.wait(20), 143)
        self.assertEqual(self.lab.log('entry'), 'begun\nended\n')


class ThreeNodes(ResumeCase):
    """The other two wait for the leader, and become its standbys."""

    def setUp(self):
        super().setUp()
        self.others = [PatroniNode(self.lab, self.node.etcd, name, self.node.scope, self.lab.path(name))
                       for name in ('node2', 'node3')]
        for node in self.others:
            node.configure({'command': program() + ' bootstrap', 'stanza': 'demo'}, self.pgbackrest_configuration)

    def interrupt_the_replay(self, block=None, **sections):
        self.configure({'pgbackrest': self.slow_pgbackrest()})
        self.node.start()
        self.wait_for_replay_of(5)
        for node in self.others:
            node.start()
            node.wait_for_log('waiting for leader to bootstrap')
        self.strike()
        self.configure()

    def assert_all_back(self):
        self.assert_resumed()
        self.node.sql('insert into kept select 99')
        for node in self.others:
            wait_until('%s to have the new row' % node.name, lambda: self.lab.attempt(
                'psql', '-X', '-h', self.lab.directory, '-p', str(node.port), '-U', 'postgres', '-Atc',
                'select count(*) from kept where batch = 99 and pg_is_in_recovery()').stdout.strip() == '1', 90)
            self.assertNotIn('trying to bootstrap a new cluster', self.lab.log(node.name))

    def test_the_restoring_one_rebooted(self):
        def kill_the_first():
            pids = [self.node.process.pid] + list(descendants(self.node.process.pid))
            send(9, pids)
            self.node.process.wait(20)
            wait_until('the killed processes to end', lambda: not set(self.lab.living()) & set(pids), 20)
        self.strike = kill_the_first
        self.interrupt_the_replay()
        self.start_again()
        self.assert_all_back()

    def test_all_rebooted_at_once(self):
        def kill_all():
            self.reboot()
            for node in self.others:
                node.process.wait(20)
        self.strike = kill_all
        self.interrupt_the_replay()
        for node in self.others:
            self.assert_done(self.resume(node=node))
            node.start()
        self.start_again()
        self.assert_all_back()


class WhyTheKeyIsNeverTakenAway(ResumeCase):
    def test_another_node_makes_an_empty_cluster(self):
        self.interrupt_the_copy()
        self.node.forget()
        other = PatroniNode(self.lab, self.node.etcd, 'node2', self.node.scope, self.lab.path('data2'))
        other.configure()
        other.start()
        other.wait_for_leader()
        self.assertEqual(other.sql("select count(*) from pg_class where relname = 'kept'"), '0')

    def test_two_restores_are_on_one_timeline_with_different_data(self):
        self.configure()
        for name in ('data', 'data2'):
            self.data_directory = self.lab.path(name)
            self.assert_done(self.bootstrap())
            self.open('archive_mode=off')
            self.sql("create table made_in as select '%s' as name" % name)
            self.sql('checkpoint')
            self.server.stop()
        first, second = (self.control_data(self.lab.path(name)) for name in ('data', 'data2'))
        for label in ('Database system identifier', "Latest checkpoint's TimeLineID"):
            self.assertEqual(first[label], second[label])


class VariablesOnly(ResumeCase):
    """Patroni without a file and without PATRONI_CONFIGURATION: no variable can name a bootstrap method."""

    def variables(self):
        return {'PATRONI_' + name: value for name, value in {
            'SCOPE': self.node.scope, 'NAME': self.node.name, 'ETCD3_HOSTS': self.node.etcd,
            'RESTAPI_LISTEN': '127.0.0.1:%d' % self.node.rest_port, 'RESTAPI_CONNECT_ADDRESS': '127.0.0.1:%d' % self.node.rest_port,
            'POSTGRESQL_LISTEN': '127.0.0.1:%d' % self.node.port, 'POSTGRESQL_CONNECT_ADDRESS': '127.0.0.1:%d' % self.node.port,
            'POSTGRESQL_DATA_DIR': self.data_directory, 'POSTGRESQL_BIN_DIR': self.lab.bin_directory,
            'POSTGRESQL_PGPASS': self.lab.path('pgpass'), 'SUPERUSER_USERNAME': 'postgres', 'SUPERUSER_PASSWORD': 'secret-of-postgres',
            'REPLICATION_USERNAME': 'replicator', 'REPLICATION_PASSWORD': 'secret-of-replicator'}.items()}

    def run_with_variables(self, *arguments):
        return self.run_program(program(), *arguments, environment=self.variables())

    def test_check_reads_them_resume_has_nothing_to_do_and_verify_finds_the_server(self):
        checked = self.run_with_variables('check', '--stanza=demo', '--pgbackrest-config=' + self.pgbackrest_configuration)
        self.assertEqual(checked.code, 3)
        self.assertRegex(checked.log, 'ERROR   method-missing: there is no bootstrap section: Patroni would wait for a leader for ever\n.*HINT: '
                                      'no PATRONI_. variable can set it: give Patroni a file, or')
        self.assertIn('staging directory: %s\n' % self.staging, checked.log)
        self.assertNotIn('dcs-unknown', checked.log)
        resumed = self.run_with_variables('resume')
        self.assert_done(resumed)
        self.assertRegex(resumed.log, '^[^\n]* INFO: no file and no PATRONI_CONFIGURATION: no variable can name a bootstrap method, so '
                                      'there is none to resume\n$')
        # The configuration is moved into variables, once the cluster is there.
        self.bring_back()
        self.node.stop()
        self.node.process = self.lab.start('node1', 'patroni', environment=self.variables())
        self.node.wait_for_leader()
        wait_until('the end of its promotion', lambda: 'verify-in-recovery' not in self.run_with_variables('verify').log, 30)
        verified = self.run_with_variables('verify')
        self.assert_done(verified)
        self.assertRegex(verified.log, r'asked      latest, backup set \S+, timeline 1')
        self.assertNotIn('secret-of', checked.log + verified.log)

    def test_an_interrupted_restore_is_not_left_to_a_patroni_that_would_wait_for_ever(self):
        self.interrupt_the_copy()
        self.assert_refused(self.run_with_variables('resume'), 9, r'data.restoring.d/journal.json tells of a bootstrap of scope \S+ that was '
                            r'interrupted \(copying\), and there is no file and no PATRONI_CONFIGURATION with its method')
        self.node.put_key('7710953412442782829')  # the cluster has gone on without this node
        result = self.run_with_variables('resume')
        self.assert_done(result)
        self.assertIn('journal.json is not looked at: bootstrap.method names no block with a command', result.log)
        self.node.put_key('')
        hint = self.run_with_variables('resume').problems()[0][1]
        removed = re.search('remove (.*) and (.*)', hint)
        self.lab.run('rm', '-r', removed.group(1), removed.group(2))
        self.assert_done(self.run_with_variables('resume'))

    def test_the_configuration_that_it_had_finishes_it(self):
        self.interrupt_the_copy()
        self.assertEqual(self.run_with_variables('resume').code, 9)
        self.start_again()
        self.assert_resumed()

    def test_without_a_data_directory_patroni_cannot_start_either(self):
        variables = self.variables()
        del variables['PATRONI_POSTGRESQL_DATA_DIR']
        self.assert_refused(self.run_program(program(), 'resume', environment=variables), 2,
                            r'the PATRONI_\* variables: postgresql.data_dir is missing', 'set PATRONI_POSTGRESQL_DATA_DIR')
        self.assert_refused(self.run_program(program(), 'resume'), 2, 'no patroni.yml is given')
