"""What the tests of rehearse have in common."""
import json
import os

from bootstrap_case import BootstrapCase, program, read

SLEEP = 'exec sleep 47'
CHOSEN_PRIORITY = ('nice', '-n', '1', 'ionice', '-c', '2')  # or it would wait for the tests that run beside it


class RehearsalCase(BootstrapCase):
    def setUp(self):
        super().setUp()
        self.scratch = self.lab.path('scratch')

    def command_of(self, *arguments):
        return [*CHOSEN_PRIORITY, program(), 'rehearse', '--patroni-config=' + self.yml, '--scratch=' + self.scratch, *arguments]

    def rehearse(self, *arguments, **options):
        """The stanza's files are the same before and after it, and nothing is left of it."""
        before = self.files_below(self.repository)
        result = self.run_program(*self.command_of(*arguments), **options)
        self.assertEqual(self.files_below(self.repository), before)
        if '--keep' not in arguments:
            self.assert_nothing_left()
        return result

    def assert_nothing_left(self):
        self.assertFalse(os.path.lexists(self.scratch), 'the scratch directory is still there')

    @staticmethod
    def files_below(directory):
        """{path: (size, time)}"""
        found = {}
        for parent, _, names in os.walk(directory):
            for name in names:
                facts = os.lstat(os.path.join(parent, name))
                found[os.path.join(parent, name)] = (facts.st_size, facts.st_mtime_ns)
        return found

    def assert_red(self, result, code, message, phase):
        """The exit code and the message, on the screen and in the history."""
        self.assert_refused(result, code, message)
        self.assertRegex(result.log, r'rehearsal  failed in the phase (%s) with exit code %d: ' % (phase, code))
        last = self.history()[-1]
        self.assertEqual(last['exit_code'], code)
        self.assertRegex(last['phase'], '^(%s)$' % phase)

    def history(self):
        path = self.lab.path('.local/state/patroni_pgbackrest/rehearsals.jsonl')
        return [json.loads(line) for line in read(path).splitlines()]

    def metric(self, name, value):
        """The line of a drill's metric."""
        return 'patroni_pgbackrest_%s{run="drill",scope="%s",stanza="demo"} %d\n' % (name, self.node.scope, value)

    def found(self):
        """The ids of check's findings."""
        result = self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--format=json')
        told = json.JSONDecoder().raw_decode(result.log[result.log.index('{\n'):])[0]
        return [finding['id'] for finding in told['findings']]
