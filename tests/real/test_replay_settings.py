"""The parameters of the private server: what it chooses itself, what replay-setting changes, and what is refused."""
import os
import re

from bootstrap_case import BootstrapCase, program, read


class ReplaySettings(BootstrapCase):
    def setUp(self):
        super().setUp()
        self.major = int(os.path.basename(os.path.dirname(self.lab.bin_directory)))

    def started_with(self, result):
        """{name: value} of each private server's command line, as the log of level debug has it."""
        starts = re.findall(r' DEBUG: starting \S+/postgres -D (.*)', result.log)
        return [dict(re.findall(r'-c (\w+)=(\S*)', words)) for words in starts]

    def test_a_database_that_fits_into_memory_is_replayed_without_prefetch(self):
        result = self.bootstrap('--log-level=debug')
        self.assert_done(result)
        settings, = self.started_with(result)
        self.assertEqual(settings.get('recovery_prefetch'), 'off' if self.major >= 15 else None)
        self.assertEqual(settings['checkpoint_timeout'], '30min')
        self.assert_complete()

    def test_where_another_mount_of_the_disk_would_not_be_noticed_the_replay_flushes(self):
        for disk, fsync in ((self.lab.mount_disk(800, 'disk'), 'off'), (self.lab.mount_tmpfs(800, 'memory'), 'on')):
            self.lie_on(disk)
            self.configure()
            result = self.bootstrap('--log-level=debug')
            self.assert_done(result)
            settings, = self.started_with(result)
            self.assertEqual(settings['fsync'], fsync)
        self.assert_complete()

    def test_what_is_wished_for_counts_and_without_a_value_it_is_left_to_postgresql(self):
        self.configure({'replay-setting': ['bgwriter_delay=10ms', 'Shared-Buffers=64MB', 'checkpoint_timeout=', 'log_checkpoints=on']})
        result = self.bootstrap('--log-level=debug')
        self.assert_done(result)
        settings, = self.started_with(result)
        self.assertEqual(settings['bgwriter_delay'], '10ms')
        self.assertEqual(settings['shared_buffers'], '64MB')
        self.assertNotIn('checkpoint_timeout', settings)
        self.assertRegex(result.log, 'checkpoint complete: wrote ')
        self.assert_complete()

    def test_prefetch_that_is_wished_for_reads_ahead_of_a_target_and_ends_there(self):
        result = self.bootstrap('--log-level=debug', '--replay-setting=recovery_prefetch=on', '--type=time',
                                '--target=' + self.target('time', 7))
        if self.major < 15:
            self.assert_refused(result, 3, 'unrecognized configuration parameter "recovery_prefetch"')
            result = self.bootstrap('--log-level=debug', '--type=time', '--target=' + self.target('time', 7))
        else:
            self.assertEqual([settings['recovery_prefetch'] for settings in self.started_with(result)], ['on'])
        self.assert_done(result)
        self.assert_complete(7)

    def test_a_parameter_that_postgresql_does_not_have_is_refused_before_the_copy(self):
        self.configure({'replay-setting': ['bgwriter_delai=10ms', 'shared_buffers=1G']})
        result = self.bootstrap()
        hint = 'correct it, or leave it out of replay-setting'
        self.assert_refused(result, 3, "the private server cannot have bgwriter_delai = '10ms': "
                            'unrecognized configuration parameter "bgwriter_delai"', hint)
        self.assert_refused(result, 3, "cannot have shared_buffers = '1G': invalid value .* \\(Valid units", hint)
        self.assertFalse(os.path.exists(self.staging))
        self.assertRegex(self.check().log, 'ERROR +replay-setting: the private server cannot have bgwriter_delai')
        self.configure({'replay-setting': ['bgwriter_delay=10ms', 'shared_buffers=1GB']})
        self.assertNotIn('replay-setting:', self.check().log)
        self.assert_done(self.bootstrap())
        self.assert_complete()

    def test_what_the_program_needs_as_it_sets_it_is_refused_with_the_reason(self):
        for wish in ('fsync=on', 'ARCHIVE_MODE=off', 'recovery-target-xid=7', 'max_connections=5', 'log_statement=all'):
            name = wish.split('=')[0].lower().replace('-', '_')
            self.assert_refused(self.bootstrap('--replay-setting=' + wish), 2, name + ' is not for replay-setting', 'leave it out: ')
        self.assert_refused(self.bootstrap('--replay-setting=jit'), 2, "'jit' is not a value for replay-setting", 'write NAME=VALUE')
        self.assert_done(self.bootstrap('--replay-setting=jit=off'))

    def begins_to_write_before_the_flush(self, settings):
        """Whether the program, and not what it starts, had the kernel begin; the restore is done then. Clones, which ext4 does not have,
        are written at once."""
        self.lie_on(self.lab.mount_disk(600, 'disk'))
        self.configure(settings)
        trace = self.lab.path('strace')
        self.assert_done(self.run_program('strace', '-f', '-b', 'execve', '-o', trace, '-e', 'trace=sync_file_range', *self.command()))
        return 'sync_file_range(' in read(trace)

    def test_what_is_written_late_is_left_to_the_flush_and_whole_as_well(self):
        self.assert_refused(self.bootstrap('--write-back=never'), 2, "'never' is not a value for write-back", 'use early or late')
        self.assertFalse(self.begins_to_write_before_the_flush({'write-back': 'late'}))
        self.assert_complete()

    def test_else_the_writing_begins_early(self):
        self.assertTrue(self.begins_to_write_before_the_flush({}))
        self.assert_complete()

    def check(self):
        return self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--scope=' + self.node.scope,
                                '--datadir=' + self.data_directory)
