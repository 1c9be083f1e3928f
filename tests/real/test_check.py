"""check: what would keep a restore from its end is found before anything is touched."""
import glob
import json
import os
import re
import shutil
import unittest

from bootstrap_case import BootstrapCase, program, read
from json_schema import assert_fits

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs/check.schema.json')


class Check(BootstrapCase):
    def setUp(self):
        super().setUp()
        self.clean()

    def clean(self, block=None, **postgresql):
        archive = 'pgbackrest --config=%s --stanza=demo ' % self.pgbackrest_configuration
        self.configure({'report': None, **(block or {})}, postgresql={
            'recovery_conf': {'restore_command': archive + 'archive-get %f "%p"'}, **postgresql})
        os.chmod(self.yml, 0o600)

    def check(self, *arguments):
        there = os.path.exists(self.staging + '.d')
        result = self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--scope=' + self.node.scope,
                                  '--datadir=' + self.data_directory, *arguments)
        self.assertEqual(os.path.exists(self.staging + '.d'), there, 'check left something')
        return result

    def found(self, *arguments):
        """The exit code and the findings' ids."""
        result = self.check('--format=json', *arguments)
        told = json.JSONDecoder().raw_decode(result.log[result.log.index('{\n'):])[0]
        assert_fits(self, told, json.loads(read(SCHEMA)))
        findings = told['findings']
        # Whether this machine has a unit of Patroni is not the test's business, nor is a rehearsal (test_rehearse.py).
        apart = ('resume-missing', 'no-rehearsal')
        return result.code, [finding['id'] for finding in findings if finding['id'] not in apart]

    def test_a_clean_configuration_has_no_finding_and_the_window_is_printed(self):
        result = self.check('--type=time', '--target=' + self.target('time', 7))
        self.assertEqual(result.code, 0, result.log)
        self.assertEqual(self.found(), (0, []))
        self.assertRegex(result.log, r'restorable from: 20.* \(end of backup set .*F\) to the last commit at 20.* \(LSN .*, WAL segment 0000')
        self.assertRegex(result.log, r'stanza = demo \(node1.yml:\d+\)\n')
        self.assertRegex(result.log, r'target = .* \(--target\)\n')
        self.assertRegex(result.log, r'timeline: 1 \(the one that was alive at the target time\)')

    def test_everything_at_once(self):
        self.clean({'recovery_conf': None}, bin_dir='/nowhere', listen='127.0.0.1:1')
        os.makedirs(self.data_directory + '.failed')
        os.chmod(self.yml, 0o644)
        code, found = self.found('--set=' + self.source.incremental_backup)
        self.assertEqual((code, sorted(found)), (3, ['binaries', 'leftover', 'passwords-readable']))
        self.clean()
        os.rmdir(self.data_directory + '.failed')
        self.assertEqual(self.found(), (0, []))

    def test_a_gap_in_the_archive(self):
        os.remove(self.archived(self.source.segments[5]))
        self.assertEqual(self.found(), (3, ['target']))

    def test_the_first_segment_cannot_be_read(self):
        *first, last = sorted(name for name in os.listdir(self.segments_directory()) if '-' in name)
        for name in first:
            os.chmod(os.path.join(self.segments_directory(), name), 0)
        self.assertEqual(self.found('--retry=0'), (3, ['first-segment']))
        os.chmod(os.path.join(self.segments_directory(), last), 0)
        self.assertEqual(self.found('--retry=0'), (3, ['repository']))
        for name in first + [last]:
            os.chmod(os.path.join(self.segments_directory(), name), 0o640)
        self.assertEqual(self.found(), (0, []))

    def segments_directory(self):
        return os.path.dirname(self.archived(self.source.segments[1]))

    def test_no_such_stanza(self):
        self.assertEqual(self.found('--stanza=other', '--retry=0'), (3, ['archive-command-elsewhere',
                                                                         'standby-restore-command-elsewhere', 'target']))

    def test_binaries_that_are_not_there(self):
        self.clean(bin_dir='/nowhere')
        self.assertEqual(self.found(), (3, ['binaries']))
        self.clean(bin_dir=self.lab.bin_directory)
        self.assertEqual(self.found(), (0, []))

    def test_another_member_that_would_bootstrap_otherwise(self):
        same = self.lab.write('same.yml', open(self.yml, encoding='utf-8').read())
        other = self.lab.write('other.yml', 'scope: %s\nbootstrap: {}\n' % self.node.scope)
        self.assertEqual(self.found('--member=' + same), (0, []))
        self.assertEqual(self.found('--member=' + same, '--member=' + other), (3, ['member-other-method']))
        self.assertEqual(self.found('--member=/nowhere.yml'), (3, ['configuration-broken']))

    def test_a_target_that_several_backup_sets_may_lead_to(self):
        # The WAL tells where it is.
        self.assertEqual(self.found('--type=name', '--target=somewhere'), (3, ['target']))
        self.assertEqual(self.found('--type=name', '--target=somewhere', self.by_set()), (0, []))
        # Behind each batch one of the source's restore points has this name.
        self.assertEqual(self.found('--type=name', '--target=end of segment'), (3, ['backup-set-unknown']))
        self.assertEqual(self.found('--type=name', '--target=end of segment', self.by_set()), (0, []))
        for batch in (1, 7):
            for kind in ('xid', 'name'):
                self.assertEqual(self.found('--type=' + kind, '--target=' + self.target(kind, batch)), (0, []))
        told = self.check('--search', '--type=xid', '--target=' + self.target('xid', 1)).log
        self.assertIn('backup set: ' + self.source.full_backup + '\n', told)
        self.assertRegex(told, 'xid [0-9]+ is in WAL segment 0')

    def test_a_wrong_replica_method_does_not_keep_the_first_node_from_coming_back(self):
        self.clean(create_replica_methods=['backup'], backup={'command': 'pgbackrest --stanza=demo restore'})
        self.assertEqual(self.found(), (3, ['replica-method-rejected']))
        result = self.bootstrap()
        self.assert_done(result)
        self.assertIn('WARNING: node1.yml:', result.log)
        self.assertIn('which pgbackrest restore rejects', result.log)

    def test_limits_below_those_of_the_backup(self):
        self.assert_done(self.bootstrap())
        self.configure(bootstrap={'dcs': {'postgresql': {'parameters': {'max_connections': 10}}}})
        self.assertIn('limit-below-control', self.found()[1])

    def test_a_disk_without_room(self):
        self.data_directory = os.path.join(self.lab.mount_tmpfs(10, 'disk'), 'data')
        self.assertEqual(self.found(), (3, ['pg-path-other', 'disk-full']))

    def test_a_disk_with_little_room(self):
        self.data_directory = os.path.join(self.lab.mount_tmpfs(200, 'disk'), 'data')
        self.assertEqual(self.found(), (0, ['pg-path-other', 'disk-tight']))

    def test_a_backup_with_damaged_pages(self):
        # What info tells of one, as pgBackRest makes it only from a damaged cluster.
        pgbackrest = self.wrap_pgbackrest(
            '[ $VERB != info ] || { told=$(pgbackrest "$@"); status=$?; '
            'printf "%%s\\n" "$told" | sed \'s/"label":"%s"/"error":true,&/\'; exit $status; }' % self.source.incremental_backup)
        self.assertEqual(self.found('--pgbackrest=' + pgbackrest), (0, ['backup-in-error']))
        self.assertEqual(self.found('--pgbackrest=' + pgbackrest, '--set=' + self.source.full_backup), (0, []))

    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_as_root_that_comes_first_and_the_rest_is_looked_at(self):
        root_may_ask = self.lab.pgbackrest_version() < (2, 59)
        self.assertEqual(self.found(), (0, []))  # as the hint says
        self.lab.as_postgres = {}
        self.assertEqual(self.found(), (3, ['runs-as-root'] + ([] if root_may_ask else ['repository'])))
        code, found = self.found('--type=time', '--target=yesterday')
        self.assertEqual((code, found), (3, ['runs-as-root', 'request-invalid']))
        self.assertRegex(self.check().log, '(?s)' + ('restorable from: .*' if root_may_ask else '') + 'ERROR   runs-as-root: check runs as root: .*HINT: .*'
                                           'sudo -u postgres patroni_pgbackrest check\n')

    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_as_root_a_pgbackrest_that_refuses_root_is_told(self):
        # As 2.59 and later do.
        pgbackrest = self.wrap_pgbackrest(
            'if [ $(id -u) = 0 ] && [ $VERB != version ]; then '
            'echo "ERROR: [031]: the \'$VERB\' command must not be run as the root user" >&2; exit 31; fi')
        self.assertEqual(self.found('--pgbackrest=' + pgbackrest), (0, []))
        self.lab.as_postgres = {}
        self.assertEqual(self.found('--pgbackrest=' + pgbackrest), (3, ['runs-as-root', 'repository']))
        self.assert_refused(self.bootstrap('--pgbackrest=' + pgbackrest), 3, 'runs as root')

    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_as_root_bootstrap_refuses_before_it_writes_anything(self):
        self.lab.as_postgres = {}
        before = self.written()
        result = self.bootstrap('--report=' + self.lab.path('report'))
        self.assert_refused(result, 3, 'bootstrap runs as root: PostgreSQL does not start as root',
                            'sudo -u postgres patroni_pgbackrest bootstrap$')
        self.assert_refused(self.bootstrap('--no-such-option'), 3, 'bootstrap runs as root')
        self.assertEqual(self.written(), before)

    @unittest.skipIf(os.geteuid() != 0, 'needs root')
    def test_as_root_resume_refuses_before_it_locks_or_writes_anything(self):
        # As ExecStartPre of a unit with PermissionsStartOnly=yes, while an interrupted restore waits for it.
        self.configure({'pgbackrest': self.wrap_pgbackrest('[ $VERB != restore ] || { pgbackrest "$@"; exit 82; }')})
        self.assert_refused(self.bootstrap(), 6, 'pgbackrest exited with code 82')
        self.assertTrue(os.path.exists(self.data_directory + '.restoring.d/journal.json'))
        self.lab.as_postgres = {}
        before = self.written()
        result = self.run_program(program(), 'resume', '--patroni-config=' + self.yml)
        self.assert_refused(result, 3, 'resume runs as root: PostgreSQL does not start as root',
                            'with PermissionsStartOnly=no in its unit, for example: sudo -u postgres patroni_pgbackrest resume$')
        self.assertEqual(self.written(), before)

    def written(self):
        """Every path of the lab with its time of change."""
        return sorted((path, os.lstat(path).st_mtime_ns) for path in glob.glob(self.lab.path('**'), recursive=True))

    def test_a_request_that_is_wrong_and_a_configuration_that_is_broken(self):
        self.assertEqual(self.found('--type=time', '--target=yesterday', '--typ=x'), (3, ['request-invalid'] * 2))
        self.lab.write(os.path.basename(self.yml), 'scope: [demo\n')
        self.assertEqual(self.found(), (3, ['configuration-broken']))

    def test_another_program_s_block_is_said_to_be_one_and_no_more(self):
        self.lab.write(os.path.basename(self.yml), 'scope: demo\nbootstrap:\n  method: walg\n  walg:\n'
                       '    command: /usr/local/bin/walg-clone\n    retries: 3\n    recovery_conf:\n'
                       '      restore_command: wal-g wal-fetch %f %p\n      recovery_target_inclusive: false\n'
                       'postgresql:\n  data_dir: /var/lib/postgresql/15/demo\n'
                       '  authentication: {replication: {username: replicator}}\n')
        self.assertEqual(self.found(), (0, ['method-other-program']))

    def test_options_in_the_command_are_in_force(self):
        self.configure({'command': 'nice ' + program() + ' bootstrap --type=immediate'})
        told = self.check().log
        self.assertIn('target: immediate\n', told)
        self.assertRegex(told, r'type = immediate \(node1\.yml:\d+\)\n')

    def test_the_hint_for_the_standbys_works_in_both_modes(self):
        for block in ({}, {'recovery_conf': self.recovery_conf()}):
            self.clean(block)
            self.configure({'report': None, **block}, postgresql={'recovery_conf': None})
            told = self.check().log
            hint = told.split('standby-restore-command-missing', 1)[1].split('set it to: ', 1)[1].split('\n', 1)[0]
            self.configure({'report': None, **block}, postgresql={'recovery_conf': {'restore_command': hint}})
            self.assertNotIn('standby-', ' '.join(self.found()[1]))

    def test_the_dcs_does_not_answer(self):
        self.clean()
        self.configure(etcd3={'hosts': '127.0.0.1:1'})
        code, found = self.found()
        self.assertEqual(code, 0)
        self.assertIn('dcs-unknown', found)
        self.clean()
        self.assertEqual(self.found(), (0, []))

    def test_a_living_cluster_is_told_as_warnings(self):
        self.node.start()
        self.node.wait_for_leader()
        code, found = self.found()
        self.assertEqual((code, sorted(found)), (0, ['cluster-lives', 'data-directory-in-use', 'port-taken']))
        self.node.stop()
        code, found = self.found()
        self.assertEqual((code, sorted(found)), (0, ['data-directory-in-use', 'scope-initialized']))
        self.node.forget()
        shutil.rmtree(self.data_directory)
        self.assertEqual(self.found(), (0, []))

    def test_a_directory_that_was_rejected_is_told_until_the_hint_is_followed(self):
        def resume():
            return self.run_program(program(), 'resume', '--patroni-config=' + self.yml)

        def is_told():
            return 'data-directory-rejected' in self.found()[1]
        self.assert_done(self.bootstrap())
        self.assertFalse(is_told())
        self.assert_refused(resume(), 9, 'Patroni did not accept it')
        code, found = self.found()
        self.assertEqual((code, sorted(found)), (3, ['data-directory-in-use', 'data-directory-rejected']))
        hint, = re.findall(r'ERROR   data-directory-rejected: .*\n\s*HINT: (.*)', self.check().log)
        named = re.fullmatch(r'if the data is right and no other node has it, remove (\S+) and (\S+), else move the data directory away', hint)
        os.rename(self.data_directory, self.data_directory + '2')
        self.assertFalse(is_told())
        os.rename(self.data_directory + '2', self.data_directory)
        self.assertTrue(is_told())
        for file in named.groups():
            os.remove(file)
        self.assertFalse(is_told())
        self.assert_done(resume())

    def identifier(self):
        """Of the cluster that the repository holds."""
        info = self.lab.run('pgbackrest', '--config=' + self.pgbackrest_configuration, '--stanza=demo', '--output=json', 'info')
        return str(json.loads(info)[0]['db'][0]['system-id'])

    def test_the_dcs_knows_another_cluster(self):
        self.node.put_key(self.identifier())
        self.assertEqual(self.found(), (0, ['scope-initialized']))
        self.node.put_key('7710953412442782829')
        self.assertEqual(self.found(), (3, ['cluster-other', 'scope-initialized']))
        said = self.check().log
        for word in (self.identifier(), '7710953412442782829', 'system-identifier'):
            self.assertIn(word, said)
        self.assertEqual(self.found('--system-identifier=' + self.identifier()), (0, ['scope-initialized']))

    def test_an_id_is_explained_and_an_unknown_one_is_refused(self):
        result = self.run_program(program(), 'check', '--explain=method-block-missing')
        self.assertEqual(result.code, 0)
        self.assertIn('initdb', result.log)
        self.assert_refused(self.run_program(program(), 'check', '--explain=nothing'), 2, "no check is called 'nothing'",
                            'docs/checks.md')
