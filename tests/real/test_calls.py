"""How the installed Patroni calls a bootstrap method: the program must get along with each of these command lines."""
import re

from bootstrap_case import BootstrapCase, read, wait_until


class CommandLine(BootstrapCase):
    def called_with(self, block):
        """The arguments of a `command` that writes them down and fails."""
        written = self.lab.path('arguments')
        recorder = self.lab.write('recorder', '#!/bin/bash\nprintf "%%s\\n" "$@" end >%s\nexit 1\n' % written, 0o755)
        self.node.configure({'command': recorder + " bootstrap 'two words'", 'stanza': 'demo', 'target-timeline': 1, **block})
        self.node.start()
        self.node.wait_for_end()
        wait_until('the arguments', lambda: read(written).endswith('end\n'), 5)
        arguments = read(written).split('\n')[:-2]
        self.assertEqual(arguments[:2], ['bootstrap', 'two words'])  # split as a shell would
        return arguments[2:]

    def keys_of_the_block(self):
        """Patroni passes them since 3.2."""
        version = re.search(r'(\d+)\.(\d+)', self.lab.run('patroni', '--version')).groups()
        return ['--stanza=demo', '--target-timeline=1'] if tuple(map(int, version)) >= (3, 2) else []

    def test_scope_datadir_and_since_3_2_the_keys_of_the_block(self):
        self.assertEqual(self.called_with({'keep_existing_recovery_conf': True}), [
            '--scope=' + self.node.scope, '--datadir=' + self.data_directory, *self.keys_of_the_block()])

    def test_no_params_takes_scope_and_datadir_away_but_not_the_keys(self):
        self.assertEqual(self.called_with({'no_params': True}), self.keys_of_the_block())
