"""What the tests of rehearse have in common."""
import json
import os
import re
import shlex
import signal

from bootstrap_case import BATCHES, ROWS, BootstrapCase, program, read, wait_until

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

    def start_what_was_kept(self, result, rows=BATCHES * ROWS):
        """Its server, psql for it, and the words that remove it, as a rehearsal has printed them."""
        start, reach, remove = (re.search(r'\n *%s: (.*)' % words, result.log).group(1)
                                for words in ('start it', 'reach it', 'remove it, when its server is stopped'))
        server = self.lab.start('kept', *shlex.split(start))
        psql = [*shlex.split(reach), '-U', 'postgres', '-Atc']
        wait_until('the kept server', lambda: self.lab.attempt(*psql, 'select 1').returncode == 0)
        self.assertEqual(self.lab.run(*psql, 'select count(*) from kept'), str(rows))
        self.assertEqual(self.lab.run(*psql, 'show archive_mode'), 'off')
        return server, shlex.split(remove)

    def remove_what_was_kept(self, server, remove):
        server.send_signal(signal.SIGINT)
        wait_until('the kept server to stop', lambda: server.poll() is not None)
        self.lab.run(*remove)
        self.assertEqual(os.listdir(self.scratch), [])
        os.rmdir(self.scratch)

    def found(self):
        """The ids of check's findings."""
        result = self.run_program(program(), 'check', '--patroni-config=' + self.yml, '--format=json')
        told = json.JSONDecoder().raw_decode(result.log[result.log.index('{\n'):])[0]
        return [finding['id'] for finding in told['findings']]
