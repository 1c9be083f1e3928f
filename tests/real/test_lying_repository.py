"""A repository that lies: files of each kind damaged in each way. Right data or a refusal, and right data once it is healed."""
import glob
import os
import shutil
import unittest

from repository_case import RepositoryCase
from lab import CHECKOUT, read

ROWS = '1 2 20 21'


def cut(path):
    os.truncate(path, os.path.getsize(path) // 2)


def empty(path):
    os.truncate(path, 0)


def change_a_byte(path):
    """In what was written to a segment: a byte that stands for the zeros at its end may mean the same."""
    with open(path, 'r+b') as file:
        file.seek(min(os.path.getsize(path) // 2, 0x600))
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x20]))


def take_away(path):
    os.chmod(path, 0)


DAMAGES = {'cut': cut, 'emptied': empty, 'a byte changed': change_a_byte, 'unreadable': take_away, 'missing': os.remove}


ALL = ['cut', 'emptied', 'a byte changed', 'swapped', 'unreadable', 'missing']
WANTED = {  # {file: {damage: exit code}}, as in docs/pgbackrest-errors.md
    'archive.info or backup.info, one of the two copies': dict.fromkeys(ALL, 0),
    'both copies of archive.info': {**dict.fromkeys(ALL, 5), 'missing': 6},
    'both copies of backup.info': {**dict.fromkeys(ALL, 5), 'missing': 4},
    "both copies of a backup's manifest": {**dict.fromkeys(ALL, 5), 'missing': 4},
    'a data file of a backup': {'cut': 5, 'swapped': 5, 'missing': 4},  # pgBackRest tries each file again, 15 s later
    'a WAL segment': {**dict.fromkeys(ALL, 5), 'missing': 4},
    "a timeline's history": {**dict.fromkeys(ALL, 4), 'a byte changed': 0, 'unreadable': 5},
}


class LyingRepository(RepositoryCase):
    """Alpha on timeline 2, whose fork lies in the archive."""

    def setUp(self):
        super().setUp()
        self.situation('two_timelines')
        self.intact = self.lab.path('intact')
        self.lab.run('cp', '-a', self.repository, self.intact)

    def heal(self):
        shutil.rmtree(self.repository)
        self.lab.run('cp', '-a', self.intact, self.repository)

    def files(self, *patterns):
        found = [path for pattern in patterns for path in sorted(glob.glob(os.path.join(self.repository, pattern)))]
        self.assertGreaterEqual(len(found), len(patterns), patterns)
        return found

    def judge(self, what):
        """The exit code; 0 with the right rows alone."""
        result = self.again()
        if result.code == 0:
            self.look_into()
            self.assertEqual(self.rows(), ROWS, what)
            return 0
        self.assert_absent()
        self.assertTrue(result.problems() and all(hint for _, hint in result.problems()), what)
        self.assert_nothing_runs()
        return result.code

    def assert_codes(self, wanted, *patterns, swapped_with):
        """`wanted`: {damage: exit code}. The last try is with the healed repository."""
        damages = {**DAMAGES, 'swapped': lambda path: shutil.copyfile(self.files(swapped_with)[0], path)}
        seen = {}
        for name in wanted:
            for path in self.files(*patterns):
                damages[name](path)
            seen[name] = self.judge('%s: %s' % (patterns, name))
            self.heal()
        self.assertEqual(seen, wanted)
        self.assertEqual(self.judge('healed'), 0)

    def test_one_of_the_two_copies_of_a_stanza_s_file_is_enough(self):
        self.assert_codes(WANTED['archive.info or backup.info, one of the two copies'], 'archive/demo/archive.info', 'backup/demo/backup.info',
                          swapped_with='backup/demo/backup.info.copy')

    def test_the_archive_s_own_file(self):
        self.assert_codes(WANTED['both copies of archive.info'], 'archive/demo/archive.info', 'archive/demo/archive.info.copy',
                          swapped_with='backup/demo/backup.info')

    def test_the_backups_own_file(self):
        self.assert_codes(WANTED['both copies of backup.info'], 'backup/demo/backup.info', 'backup/demo/backup.info.copy',
                          swapped_with='archive/demo/archive.info')

    def test_a_manifest(self):
        self.assert_codes(WANTED["both copies of a backup's manifest"], 'backup/demo/*F/backup.manifest', 'backup/demo/*F/backup.manifest.copy',
                          swapped_with='backup/demo/backup.info')

    def test_a_data_file(self):
        self.assert_codes(WANTED['a data file of a backup'], 'backup/demo/*F/pg_data/base/5/1259.gz',
                          swapped_with='backup/demo/*F/pg_data/base/5/1249.gz')

    def test_a_segment(self):
        self.assert_codes(WANTED['a WAL segment'], 'archive/demo/*/*/%s-*' % self.facts['batches']['20']['segment'],
                          swapped_with='archive/demo/*/*/%s-*' % self.facts['batches']['1']['segment'])

    def test_a_history(self):
        """Of its last field, the reason, nothing depends on."""
        self.lab.write(os.path.join(self.intact, 'other'), '1\t0/1000000\tno recovery target specified\n')
        self.heal()
        self.assert_codes(WANTED["a timeline's history"], 'archive/demo/*/00000002.history', swapped_with='other')


class Documented(unittest.TestCase):
    def test_the_table_in_the_documents_says_what_these_tests_see(self):
        text = read(os.path.join(CHECKOUT, 'docs/pgbackrest-errors.md')).split('## A repository that lies')[1]
        rows = {cells[1]: cells[2:-1] for cells in ([cell.strip() for cell in line.split('|')] for line in text.split('\n') if '|' in line)}
        self.assertEqual(set(rows), {'file', '---', *WANTED})
        columns = rows['file']
        for file, codes in WANTED.items():
            for damage, code in codes.items():
                column = columns.index({'cut': 'cut short, emptied', 'emptied': 'cut short, emptied', 'swapped': 'exchanged'}.get(damage, damage))
                self.assertRegex(rows[file][column], r'^the right data\b' if code == 0 else r'^%d\b' % code, (file, damage))
