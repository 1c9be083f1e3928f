"""Requests that are refused before anything is touched, and the ways in which patroni.yml may be given."""
import os
import re
import select
import struct
import subprocess
import unittest

from bootstrap_case import BootstrapCase, program
from disks import CALLS
from lab import read

NOBODY = 0xffffffff  # of an entry of an access list that names no user or group

TARGET_KEYS = {'type': 'time', 'target': '2026-11-22 10:00:00+00'}


class RefusedCase(BootstrapCase):
    def assert_refused_untouched(self, result, message, hint='.', place='', code=2):
        self.assert_refused(result, code, message, hint, place)
        self.assert_absent()
        self.assertEqual([name for name in os.listdir(self.lab.directory) if name.startswith('data')], [])


class RefusedRequests(RefusedCase):
    def assert_block_refused(self, block, key, message, hint='.'):
        """The place is the line of patroni.yml in which the key stands."""
        self.configure(block)
        line = next(number for number, text in enumerate(read(self.yml).split('\n'), 1)
                    if re.match(r'\s*"?%s"?:' % re.escape(key), text))
        self.assert_refused_untouched(self.bootstrap(), message, hint, r'node1\.yml:%d: ' % line)

    def test_a_time_without_a_utc_offset(self):
        self.assert_block_refused({'type': 'time', 'target': '2026-11-22 10:00:00'}, 'target', 'UTC offset', r'\+00')

    def test_an_xid_that_is_none(self):
        self.assert_block_refused({'type': 'xid', 'target': 'abc'}, 'target', "'abc' is not a transaction number")

    def test_an_lsn_that_is_none(self):
        self.assert_block_refused({'type': 'lsn', 'target': '0-16'}, 'target', "'0-16' is not an LSN", '16/B374D848')

    def test_a_restore_point_s_name_over_63_bytes(self):
        self.assert_block_refused({'type': 'name', 'target': 'ä' * 32}, 'target', 'has 64 bytes', '63')

    def test_a_target_without_a_type(self):
        self.assert_block_refused({'target': '42'}, 'target', 'target without a type')

    def test_a_type_without_a_target(self):
        self.assert_block_refused({'type': 'time'}, 'type', 'type time needs a target')

    def test_a_type_that_does_not_exist(self):
        self.assert_block_refused({'type': 'tiem'}, 'type', "'tiem' is not a recovery type", 'time')

    def test_target_action_pause(self):
        self.assert_block_refused({**TARGET_KEYS, 'target-action': 'pause'}, 'target-action', 'pause is refused', 'promote')

    def test_archive_mode_off_with_the_reason(self):
        self.assert_block_refused({'archive-mode': 'off'}, 'archive-mode', 'refused', 'archiving stays off after')

    def test_a_misspelt_key_names_the_nearest(self):
        self.assert_block_refused({'stanzza': 'demo'}, 'stanzza', "unknown option 'stanzza'", "did you mean 'stanza'")

    def test_a_misspelt_key_of_patroni_names_the_nearest(self):
        self.assert_block_refused({'no_paramas': True}, 'no_paramas', "no_paramas", "did you mean 'no_params'")

    def test_options_that_would_defeat_the_program(self):
        for option in ('delta', 'force', 'pg1-path', 'recovery-option'):
            self.assert_refused_untouched(self.bootstrap('--%s=y' % option), option, 'leave it out')

    def test_every_problem_is_reported_in_one_run(self):
        self.configure({'type': 'time', 'target': 'yesterday', 'target-action': 'shutdown', 'process-maxx': '3',
                        'retry': 'often', 'target-timeline': 'next'})
        result = self.bootstrap('--archive-mode=off')
        self.assertEqual(result.code, 2)
        said = ' | '.join(message for message, _ in result.problems())
        for word in ('yesterday', 'shutdown', 'process-maxx', 'often', 'next', 'archive-mode'):
            self.assertIn(word, said)
        self.assert_absent()

    def test_a_method_without_a_block(self):
        self.configure()
        with open(self.yml, encoding='utf-8') as file:
            text = file.read()
        self.lab.write('node1.yml', text.replace('"method": "pgbackrest"', '"method": "pgbackrst"').replace(
            'method: "pgbackrest"', 'method: "pgbackrst"'))
        self.assert_refused_untouched(self.bootstrap(), 'pgbackrst', 'initdb')

    def test_a_broken_patroni_yml_is_named_with_its_line_but_not_its_text(self):
        self.lab.write('node1.yml', 'scope: demo\npostgresql:\n  password: "do-not-show\n  data_dir: [\n')
        result = self.bootstrap()
        self.assert_refused_untouched(result, 'node1.yml|YAML', '.')
        self.assertRegex(result.log, r'node1\.yml:\d')
        self.assertNotIn('do-not-show', result.log)

    def test_a_patroni_yml_that_does_not_exist(self):
        os.remove(self.yml)
        self.assert_refused_untouched(self.bootstrap(), 'node1.yml')

    def test_a_directory_without_yaml(self):
        os.remove(self.yml)
        self.yml = self.lab.make('conf.d')
        self.assert_refused_untouched(self.bootstrap(), 'conf.d')

    def test_an_old_or_missing_pgbackrest(self):
        self.assert_refused_untouched(self.bootstrap('--pgbackrest=/nowhere/pgbackrest'), '/nowhere/pgbackrest', code=3)
        old = self.wrap_pgbackrest('[ "$VERB" != version ] || { echo pgBackRest 2.32; exit; }')
        self.assert_refused_untouched(self.bootstrap('--pgbackrest=' + old), r'2\.32', r'2\.33', code=3)

    def test_several_stanzas_and_none_chosen(self):
        with open(self.pgbackrest_configuration, 'a', encoding='utf-8') as file:
            file.write('[other]\npg1-path=/nowhere\n')
        self.configure({'stanza': None})
        self.assert_refused_untouched(self.bootstrap(), 'has several: demo, other', 'set stanza')


class RefusedPatroniMode(RefusedCase):
    """What patroni mode cannot be safe with."""

    def block(self, **changes):
        time = self.target('time', 7)
        return {'type': 'time', 'target': time, 'recovery_conf': {**self.recovery_conf(time=time), **changes}}

    def refused(self, message, hint='.', block=None, **sections):
        self.configure(block or self.block(), **sections)
        self.assert_refused_untouched(self.bootstrap(), message, hint)

    def test_another_target_in_recovery_conf(self):
        self.refused('recovery_target_time in recovery_conf', 'recovery_conf:', self.block(recovery_target_time='2026-01-01 00:00:00+00'))

    def test_no_target_in_recovery_conf(self):
        # Patroni would replay all there is, silently.
        block = self.block()
        del block['recovery_conf']['recovery_target_time']
        self.refused('recovery_target_time in recovery_conf', 'recovery_conf:', block)

    def test_a_target_in_recovery_conf_alone(self):
        self.refused('recovery_target_time in recovery_conf', block={'recovery_conf': self.block()['recovery_conf']})

    def test_no_action_in_recovery_conf(self):
        block = {'recovery_conf': self.recovery_conf()}
        del block['recovery_conf']['recovery_target_action']
        self.refused('recovery_target_action in recovery_conf is not promote', 'hot_standby', block)

    def test_another_restore_command_in_recovery_conf(self):
        self.refused('restore_command in recovery_conf is not', 'archive-get', self.block(restore_command='pgbackrest archive-get %f %p'))

    def test_another_restore_command_for_a_restarted_standby(self):
        self.refused('another restore_command', postgresql={'recovery_conf': {'restore_command': 'cp /wal/%f %p'}})

    def test_another_restore_command_in_the_dynamic_configuration(self):
        self.refused('another restore_command', bootstrap={'dcs': {'postgresql': {'parameters': {'restore_command': 'cp /wal/%f %p'}}}})

    def test_custom_conf(self):
        self.refused('custom_conf keeps', postgresql={'custom_conf': '/etc/postgresql/custom.conf'})

    def test_no_pg_hba(self):
        self.refused('neither postgresql.pg_hba nor hba_file', postgresql={'pg_hba': None})

    def test_a_leaderless_replica_method_together_with_a_target(self):
        self.refused('replica method other works without a leader', 'no_leader', postgresql={
            'create_replica_methods': ['other'], 'other': {'command': '/bin/true', 'no_leader': True}})


class WaysToConfigure(BootstrapCase):
    def assert_restores(self, result):
        self.assert_done(result)
        self.assert_complete()

    def test_a_directory_of_yaml_is_merged_in_name_order(self):
        directory = self.lab.make('conf.d')
        text = read(self.yml)
        head, _, tail = text.partition('postgresql:\n  listen')
        self.lab.write('conf.d/10-first.yml', head)
        self.lab.write('conf.d/20-second.yaml', 'postgresql:\n  listen' + tail)
        self.lab.write('conf.d/README', 'no: [yaml')
        self.yml = directory
        self.assert_restores(self.bootstrap())

    def test_without_patroni_yml_the_command_line_is_enough(self):
        self.assert_restores(self.run_program(
            program(), 'bootstrap', '--scope=demo', '--datadir=' + self.data_directory,
            '--pgbackrest-config=' + self.pgbackrest_configuration, '--stanza=demo'))

    def test_the_only_stanza_need_not_be_named(self):
        self.configure({'stanza': None})
        self.assert_restores(self.bootstrap())

    def test_pgbackrest_s_own_environment_variable_names_its_configuration(self):
        self.configure({'pgbackrest-config': None})
        self.assert_restores(self.bootstrap(environment={'PGBACKREST_CONFIG': self.pgbackrest_configuration}))

    def test_blank_values_count_as_not_set(self):
        self.configure({'type': '', 'target': '', 'set': None})
        self.assert_restores(self.bootstrap())

    def test_keep_existing_recovery_conf_does_no_harm(self):
        self.configure({'keep_existing_recovery_conf': True, 'type': 'time', 'target': self.target('time', 7)})
        self.assert_done(self.bootstrap())
        self.assert_complete(7)


class Configure(BootstrapCase):
    MINIMAL = 'scope: demo\nbootstrap:\n  dcs: {ttl: 30}\npostgresql:\n  data_dir: /data\n'

    def at_a_terminal(self, answer):
        """What configure says when the answer is typed: exit code, standard output, the terminal."""
        stanzas = self.lab.write('two.conf', '[blue]\npg1-path=/blue\n[green]\npg1-path=/green\n')
        ours, its = os.openpty()
        try:
            with subprocess.Popen([program(), 'configure', '--patroni-config=' + self.lab.write('my.yml', self.MINIMAL),
                                   '--pgbackrest-config=' + stanzas], stdin=its, stdout=subprocess.PIPE, stderr=its,
                                  universal_newlines=True, env=self.lab.environment, **self.lab.as_postgres) as asking:
                prompt = b''
                while not prompt.endswith(b': '):
                    self.assertTrue(select.select([ours], [], [], 60)[0], 'no question within 60 s: ' + repr(prompt))
                    prompt += os.read(ours, 65536)
                os.write(ours, answer.encode() + b'\n')
                output = asking.communicate(timeout=60)[0]
            return asking.returncode, output, (prompt + os.read(ours, 65536)).decode()
        finally:
            os.close(ours)
            os.close(its)

    def test_it_asks_for_the_stanza_when_there_are_several(self):
        code, output, terminal = self.at_a_terminal('green')
        self.assertEqual(code, 0, terminal)
        self.assertIn('stanza (blue, green): ', terminal)
        self.assertIn('+    stanza: green\n', output)
        code, output, terminal = self.at_a_terminal('')
        self.assertEqual((code, output), (2, ''))
        self.assertIn('no stanza is given', terminal)

    def test_the_identifier_that_the_dcs_has_is_proposed(self):
        self.node.put_key('7710953412442782829')
        before = read(self.yml)
        result = self.run_program(program(), 'configure', '--patroni-config=' + self.yml, '--stanza=demo')
        self.assert_done(result)
        self.assertRegex(result.log, r'(?m)^\+ *"?system-identifier"?: [\'"]7710953412442782829[\'"]')
        self.assertIn('is from the DCS', result.log)
        self.assertEqual(read(self.yml), before)
        self.assert_done(self.run_program(program(), 'configure', '--patroni-config=' + self.yml, '--stanza=demo', '--write'))
        self.assert_refused(self.bootstrap(), 4, 'no backup of system identifier 7710953412442782829', 'take it out')

    def test_a_file_that_is_a_mount_point_is_written_in_place(self):
        # As a container's bind mount is: another file cannot take its place.
        self.lab.write('outside.yml', self.MINIMAL + '# ' + 'x' * 5000 + '\n')
        file = self.lab.write('inside.yml', '')
        self.lab.run_as_root('mount', '--bind', self.lab.path('outside.yml'), file)
        self.lab.mounts.append(file)
        configure = (program(), 'configure', '--patroni-config=' + file, '--stanza=demo')
        self.assert_done(self.run_program(*configure, '--write'))
        for name in ('inside.yml', 'outside.yml'):
            self.assertIn('    stanza: demo\n', read(self.lab.path(name)))
        self.assertIn('nothing to change', self.run_program(*configure).log)
        self.assert_done(self.run_program(*configure, '--type=immediate', '--write'))
        self.assert_done(self.run_program(*configure[:-1], '--remove', '--write'))
        self.assertNotIn('immediate', read(file))

    def test_a_file_that_patroni_cannot_read_is_refused_by_every_command(self):
        for text, message in (('data_dir: /data\t# a tab\n', 'a tab between values'),
                              ('data_dir: !vault x\n', 'it does not know a tag there')):
            file = self.lab.write('my.yml', 'scope: demo\npostgresql:\n  ' + text)
            self.assertNotEqual(self.lab.attempt('patroni', '--validate-config', file).returncode, 0)
            self.assert_refused(self.run_program(program(), 'configure', '--patroni-config=' + file, '--stanza=demo'),
                                2, message, place='my.yml:3: ')
            self.assertIn('configuration-broken: my.yml:3: ',
                          self.run_program(program(), 'check', '--patroni-config=' + file).log)

    def test_scripts_and_wrappers_stay_and_patroni_s_configuration_stays_valid(self):
        text = self.MINIMAL + ('  recovery_conf:\n    restore_command: /opt/get.sh %f %p\n'
                               '  pgbackrest:\n    command: /opt/restore.sh\n')
        file = self.lab.write('my.yml', text)
        result = self.run_program(program(), 'configure', '--patroni-config=' + file, '--stanza=demo', '--replicas', '--write')
        self.assert_done(result)
        self.assertEqual(result.log.count('runs something else, and is left as it is'), 2)
        self.assertIn('/opt/get.sh', read(file))
        self.assertIn('/opt/restore.sh', read(file))
        self.assert_done(self.run_program(program(), 'configure', '--patroni-config=' + file, '--stanza=demo', '--replicas',
                                          '--replace', '--write'))
        self.assertNotIn('/opt/', read(file))
        self.assertIn('restore_command: pgbackrest --stanza=demo archive-get', read(file))

    def test_20_000_lines_take_configure_less_than_a_second(self):
        lines = ''.join("    parameter_%d: 'value %d'  # of it\n" % (number, number) for number in range(20000))
        file = self.lab.write('my.yml', self.MINIMAL + '  parameters:\n' + lines)
        # Patroni's own interpreter, which takes its seconds for them, is left out.
        before = os.times()
        result = self.run_program('/usr/bin/env', 'PATH=/nowhere', program(), 'configure', '--patroni-config=' + file,
                                  '--stanza=demo', '--write')
        after = os.times()
        self.assert_done(result)
        self.assertIn('    stanza: demo\n', read(file))
        seconds = sum(getattr(after, name) - getattr(before, name) for name in ('children_user', 'children_system'))
        self.assertLess(seconds, 1)

    def test_a_full_disk_leaves_the_old_file(self):
        disk = self.lab.mount_tmpfs(1, 'disk')
        file = os.path.join(disk, 'my.yml')
        self.lab.write('disk/my.yml', self.MINIMAL + '# ' + 'x' * 300000 + '\n')
        before = read(file)
        self.lab.attempt('dd', 'if=/dev/zero', 'of=' + os.path.join(disk, 'filler'), 'bs=4096')
        result = self.run_program(program(), 'configure', '--patroni-config=' + file, '--stanza=demo', '--write')
        self.assert_refused(result, 11, 'No space left on device')
        self.assertEqual(read(file), before)
        self.assertEqual(sorted(os.listdir(disk)), ['filler', 'my.yml'])

    def test_an_answer_for_a_full_disk_is_no_answer_and_whole_once_it_has_room(self):
        file = self.lab.write('my.yml', self.MINIMAL)
        disk = self.lab.mount_tmpfs(1, 'disk')
        answer, filler = os.path.join(disk, 'answer'), os.path.join(disk, 'filler')
        for words in (['configure', '--patroni-config=' + file, '--stanza=demo'], ['check', '--explain=disk-full'],
                      ['status', '--datadir=' + self.data_directory]):
            with self.subTest(words[0]):
                whole = self.lab.run(program(), *words)
                to_disk = ['sh', '-c', 'exec "$@" >' + answer, 'sh', program(), *words]
                self.lab.attempt('dd', 'if=/dev/zero', 'of=' + filler, 'bs=4096')
                self.assert_refused(self.run_program(*to_disk), 11, 'to standard output: No space left on device', 'room')
                os.remove(filler)
                self.assert_done(self.run_program(*to_disk))
                self.assertEqual(read(answer).strip(), whole.strip())
                os.remove(answer)


class Writing(BootstrapCase):
    """configure --write keeps all of a file but its text, or refuses, and what its hint says then works."""
    NEEDS_ROOT = unittest.skipIf(os.geteuid() != 0, 'needs root')
    LABEL = b'system_u:object_r:etc_t:s0\0'
    # user::rw-, user:77:r--, group::r--, mask::r--, other::---
    ACCESS_LIST = struct.pack('<I' + 'HHI' * 5, 2, 1, 6, NOBODY, 2, 4, 77, 4, 4, NOBODY, 16, 4, NOBODY, 32, 0, NOBODY)

    def write(self, file, **options):
        return self.run_program(program(), 'configure', '--patroni-config=' + file, '--stanza=demo', '--write', **options)

    def write_as_root(self, file):
        as_postgres, self.lab.as_postgres = self.lab.as_postgres, {}
        try:
            return self.write(file)
        finally:
            self.lab.as_postgres = as_postgres

    def may_label(self):
        """Without SELinux a label is an attribute like others; some kernels let root alone set it."""
        return self.lab.attempt('/usr/bin/python3', '-c', 'import os; os.setxattr("%s", "security.selinux", b"x")'
                                % self.lab.write('labelled', '')).returncode == 0

    def assert_write_refused(self, file, code, message, hint):
        """Nothing is changed, and nothing left beside it."""
        before, names = read(file), sorted(os.listdir(os.path.dirname(file)))
        self.assert_refused(self.write(file), code, message, hint)
        self.assertEqual(read(file), before)
        self.assertEqual(sorted(os.listdir(os.path.dirname(file))), names)

    @NEEDS_ROOT
    def test_owner_access_list_and_security_label_are_kept(self):
        directory = self.lab.make('conf')
        file = self.lab.write('conf/my.yml', Configure.MINIMAL, 0o640)
        os.setxattr(file, 'system.posix_acl_access', self.ACCESS_LIST)
        os.setxattr(file, 'security.selinux', self.LABEL)
        if self.may_label():
            self.assert_done(self.write(file))
            self.assertEqual(os.getxattr(file, 'security.selinux'), self.LABEL)
        else:
            self.assert_write_refused(file, 11, r'cannot keep security\.selinux of %s: Operation not permitted' % file, '^run it as root$')
        for owner in (self.lab.as_postgres['user'], 0):
            self.lab.write('conf/my.yml', Configure.MINIMAL, 0o640)
            os.chown(file, owner, self.lab.as_postgres['group'])
            if owner == 0:  # postgres reads it, and writes beside it, but gives nothing away
                self.assert_write_refused(file, 11, 'cannot keep the owner of %s: Operation not permitted' % file,
                                          '^run it as root: the file belongs to root:postgres, and postgres cannot give it away$')
            self.assert_done(self.write_as_root(file))
            self.assertIn('    stanza: demo\n', read(file))
            status = os.stat(file)
            self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o7777), (owner, self.lab.as_postgres['group'], 0o640))
            self.assertEqual(os.getxattr(file, 'system.posix_acl_access'), self.ACCESS_LIST)
            self.assertEqual(os.getxattr(file, 'security.selinux'), self.LABEL)
        self.assertEqual(os.listdir(directory), ['my.yml'])

    @NEEDS_ROOT
    def test_a_directory_that_only_root_may_write(self):
        directory = self.lab.make('conf')
        file = self.lab.write('conf/my.yml', Configure.MINIMAL)
        os.chown(directory, 0, 0)
        os.chmod(directory, 0o755)
        self.assert_write_refused(file, 11, 'cannot write beside %s: Permission denied' % file,
                                  '^let postgres write to %s: it belongs to root and has mode 0755$' % directory)
        self.assert_done(self.write_as_root(file))
        self.assertEqual(os.stat(file).st_uid, self.lab.as_postgres['user'])
        self.lab.write('conf/my.yml', Configure.MINIMAL)
        os.chown(directory, self.lab.as_postgres['user'], 0)
        self.assert_done(self.write(file))

    @NEEDS_ROOT
    def test_power_is_cut_after_it_and_in_it(self):
        """What it has said to be done is there; killed at a sync or its rename it leaves the old text or the new one, whole."""
        disk = self.lab.mount_disk(16, 'disk')
        file = os.path.join(disk, 'my.yml')
        old = Configure.MINIMAL + '# ' + 'x' * 20000 + '\n'
        new = None
        for kind, number in ((None, 0), ('sync', 1), ('rename', 1), ('sync', 2)):
            self.lab.write('disk/my.yml', old)
            self.lab.run_as_root('sync', '-f', disk)
            if kind is None:
                self.assert_done(self.write(file))
                new = read(file)
                self.assertIn('    stanza: demo\n', new)
            else:
                killed = self.run_program('strace', '-f', '-b', 'execve', '-o', self.lab.path('strace'), '-e', 'trace=' + CALLS[kind], '-e',
                                          'inject=%s:signal=KILL:when=%d' % (CALLS[kind], number), program(), 'configure',
                                          '--patroni-config=' + file, '--stanza=demo', '--write')
                self.assertEqual(killed.code, -9, killed.log)
                self.lab.kill_all()
            self.lab.cut_power(disk)
            self.assertIn(read(file), (old, new) if kind else (new,), (kind, number))

    @NEEDS_ROOT
    def test_a_read_only_file_system_and_a_mount_that_is(self):
        disk = self.lab.mount_tmpfs(1, 'disk')
        file = self.lab.write('disk/my.yml', Configure.MINIMAL)
        mounted = self.lab.write('mounted.yml', '')
        self.lab.run_as_root('mount', '--bind', file, mounted)
        self.lab.mounts.append(mounted)
        for mount, path, message in ((disk, file, 'cannot write beside %s: Read-only file system'),
                                     (mounted, mounted, 'cannot write %s: Read-only file system')):
            self.lab.run_as_root('mount', '-o', 'remount,bind,ro', mount)
            self.assert_write_refused(path, 11, message % path, '^mount the file system of %s writable' % path)
            self.lab.run_as_root('mount', '-o', 'remount,bind,rw', mount)
            self.assert_done(self.write(path))
            self.lab.write('disk/my.yml', Configure.MINIMAL)

    def test_what_kubernetes_makes_is_left_to_it_and_other_links_are_followed(self):
        self.lab.make('volume', '..2026')
        self.lab.write('volume/..2026/my.yml', Configure.MINIMAL)
        os.symlink('..2026', self.lab.path('volume/..data'))
        os.symlink('..data/my.yml', self.lab.path('volume/my.yml'))
        file = self.lab.path('volume/my.yml')
        self.assert_write_refused(file, 2, file + ' is made by Kubernetes from a ConfigMap or a Secret', 'kubectl edit$')
        self.assertTrue(os.path.islink(file))
        self.lab.make('real')
        self.lab.write('real/my.yml', Configure.MINIMAL)
        os.symlink('real', self.lab.path('directory'))
        os.symlink('directory/my.yml', self.lab.path('link.yml'))
        self.assert_done(self.write(self.lab.path('link.yml')))
        self.assertTrue(os.path.islink(self.lab.path('link.yml')))
        self.assertIn('    stanza: demo\n', read(self.lab.path('real/my.yml')))
