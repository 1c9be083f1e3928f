"""A repository that lies: files of each kind damaged in each way. Right data or a refusal, and right data once it is healed."""
import glob
import json
import os
import re
import shutil
import unittest

from repository_case import RepositoryCase
from lab import CHECKOUT, exit_codes, read, wait_until


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
RIGHT = (0, '')
ANEW, REMEMBERED, PASSING = 'looked at anew', 'remembered', 'plans anew'  # nothing is kept; as lasting; as what may pass
WANTED = {  # {file: {damage: (exit code, the next call)}}, as in docs/pgbackrest-errors.md
    'archive.info or backup.info, one of the two copies': dict.fromkeys(ALL, RIGHT),
    'both copies of archive.info': {**dict.fromkeys(ALL, (5, ANEW)), 'missing': (6, ANEW)},
    'both copies of backup.info': {**dict.fromkeys(ALL, (5, ANEW)), 'missing': (4, ANEW)},
    "both copies of a backup's manifest": {**dict.fromkeys(ALL, (5, ANEW)), 'missing': (4, ANEW)},
    'a data file of a backup': {**dict.fromkeys(ALL, (5, REMEMBERED)), 'missing': (4, REMEMBERED)},
    'a WAL segment': {**dict.fromkeys(ALL, (5, ANEW)), 'swapped': (5, REMEMBERED), 'missing': (4, ANEW)},  # the plan reads it at the fork
    "a timeline's history": {**dict.fromkeys(ALL, (4, ANEW)), 'a byte changed': RIGHT, 'unreadable': (5, ANEW)},
    'a bundle of a backup, or one file in it': {**dict.fromkeys(ALL, (5, REMEMBERED)), 'missing': (4, REMEMBERED)},
    'a data file of a backup, when its restore begins': {'swapped': (5, REMEMBERED)},
    "both copies of a backup's manifest, when its restore begins": {'swapped': (5, REMEMBERED)},
    'a bundle of a backup, when its restore begins': {'swapped': (5, REMEMBERED)},
    'both copies of archive.info, when a restore begins': {'swapped': (5, REMEMBERED)},
    'both copies of backup.info, when a restore begins': {'swapped': (5, REMEMBERED)},
    "a timeline's history, when a restore begins": {'swapped': (4, PASSING)},
    'a WAL segment, when the replay comes to it': {'swapped': (5, REMEMBERED)},
}


class LyingCase(RepositoryCase):
    """What a class says is restored: a situation, and the rows of it."""

    SITUATION, ROWS = 'two_timelines', '1 2 20 21'

    def setUp(self):
        super().setUp()
        self.situation(self.SITUATION)
        self.intact = self.lab.path('intact')
        self.lab.run('cp', '-a', self.repository, self.intact)

    def heal(self):
        shutil.rmtree(self.repository)
        self.lab.run('cp', '-a', self.intact, self.repository)

    def files(self, *patterns):
        found = [path for pattern in patterns for path in sorted(glob.glob(os.path.join(self.repository, pattern)))]
        self.assertGreaterEqual(len(found), len(patterns), patterns)
        return found

    def judge(self, what, result=None):
        """(exit code, what the one after it does) of the next call, or of this one; RIGHT with the right rows alone."""
        result = result or self.again()
        if result.code == 0:
            self.look_into()
            self.assertEqual(self.rows(), self.ROWS, what)
            return RIGHT
        self.assertIn(result.code, exit_codes() - {0, 1}, what)
        self.assert_absent()
        self.assertTrue(result.problems() and all(hint for _, hint in result.problems()), what)
        self.assert_nothing_runs()
        failure = read(self.staging + '.d/failure.json')
        if not failure:
            return result.code, ANEW
        return result.code, REMEMBERED if json.loads(failure)['lasts'] else PASSING

    def replaced(self, files, begins='[ $VERB = restore ]', in_the_middle=''):
        """A bootstrap that is held when pgbackrest is about to do that, while files are replaced. `files`: {file: the other one}."""
        reached, opened = self.lab.path('log/reached'), self.lab.path('log/opened')
        held = 'touch %s; until [ -e %s ]; do sleep .05; done' % (reached, opened)
        if in_the_middle:
            held = in_the_middle % (self.staging, held)
        process = self.start_bootstrap('--pgbackrest=' + self.wrap_pgbackrest('if %s && [ ! -e %s ]; then %s; fi' % (begins, opened, held)))
        wait_until('the copy', lambda: os.path.exists(reached) or process.poll() is not None, 120)
        self.assertIsNone(process.poll(), self.lab.log('bootstrap'))
        for file, other in files.items():
            shutil.copyfile(other, file)
        self.lab.write('log/opened', '')
        result = self.result_of(process, 120)
        print(result.log)
        for path in (reached, opened, self.lab.path('bootstrap.log')):
            os.remove(path)
        return result

    def assert_codes(self, wanted, *patterns, swapped_with):
        """`wanted`: as in WANTED. The last try is with the healed repository."""
        damages = {**DAMAGES, 'swapped': lambda path: shutil.copyfile(self.files(swapped_with)[0], path)}
        seen = {}
        for name in wanted:
            for path in self.files(*patterns):
                damages[name](path)
            seen[name] = self.judge('%s: %s' % (patterns, name))
            self.heal()
        self.assertEqual(seen, wanted)
        self.assertEqual(self.judge('healed'), RIGHT)


class LyingRepository(LyingCase):
    """Alpha on timeline 2, whose fork lies in the archive."""

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

    def test_a_manifest_of_which_the_copy_alone_is_left(self):
        """`info` does not look at the copy, and without it nothing tells where tablespaces lie."""
        manifests = self.files('backup/demo/*F/backup.manifest')
        for path in manifests:
            os.remove(path)
        self.assert_refused(self.again(), 4, 'has no backup.manifest in repo1', 'backup.manifest.copy is still there')
        for path in manifests:
            shutil.copyfile(path + '.copy', path)
        self.assertEqual(self.judge('the hint was followed'), RIGHT)

    def test_a_segment(self):
        self.assert_codes(WANTED['a WAL segment'], 'archive/demo/*/*/%s-*' % self.facts['batches']['20']['segment'],
                          swapped_with='archive/demo/*/*/%s-*' % self.facts['batches']['1']['segment'])

    def test_a_history(self):
        """Of its last field, the reason, nothing depends on."""
        self.lab.write(os.path.join(self.intact, 'other'), '1\t0/1000000\tno recovery target specified\n')
        self.heal()
        self.assert_codes(WANTED["a timeline's history"], 'archive/demo/*/00000002.history', swapped_with='other')


class TwoBackups(LyingCase):
    """The newer one is restored. pgBackRest tries no file again, which would take 15 s each time."""

    SITUATION, ROWS = 'two_backups', '1 2 3'
    KINDS = {'a relation': r'base/\d+/1259', 'a map of relations': 'global/pg_filenode.map', 'the state of transactions': 'pg_xact/0000',
             'the configuration': 'postgresql.conf', 'the version': 'PG_VERSION'}

    def setUp(self):
        super().setUp()
        if self.SITUATION == 'bundled' and self.lab.pgbackrest_version() < (2, 39):
            self.skipTest('before 2.39 there are no bundles')
        self.lab.pgbackrest_configuration(self.data_directory, self.node.port, settings={'job-retry': '0'})

    def of_backup(self, name, file):
        return self.files('backup/demo/%s/%s' % (self.label(name), file))[0]

    def judge(self, what, result=None):
        """With nothing there of an earlier try: what that copied well would not be read again."""
        if result is None:
            self.lab.run('rm', '-rf', self.staging, self.staging + '.d')
        return super().judge(what, result)

    def place_of(self, kind, backup='alpha'):
        """(bundle, offset, size) of a file of this kind, as the manifest says."""
        found = re.search(r'(?m)^pg_data/%s=(\{.*\})$' % self.KINDS[kind], read(self.of_backup(backup, 'backup.manifest')))
        self.assertTrue(found, kind)
        file = json.loads(found.group(1))
        self.assertIn('bni', file, kind)
        return self.of_backup(backup, 'bundle/%d' % file['bni']), file.get('bno', 0), file.get('repo-size', file['size'])


class DataFiles(TwoBackups):
    def test_a_data_file(self):
        directory = 'backup/demo/%s/pg_data/base/5/' % self.label('alpha')
        self.assert_codes(WANTED['a data file of a backup'], directory + '1259.gz', swapped_with=directory + '1249.gz')


class Bundles(TwoBackups):
    SITUATION = 'bundled'
    CODES = WANTED['a bundle of a backup, or one file in it']

    def test_a_bundle(self):
        """That of the state of transactions, which is another one in each backup."""
        bundles = [os.path.relpath(self.place_of('the state of transactions', backup)[0], self.repository) for backup in ('alpha', 'older')]
        self.assert_codes({name: code for name, code in self.CODES.items() if name != 'a byte changed'}, bundles[0], swapped_with=bundles[1])

    def damage(self, kind, name):
        path, begin, size = self.place_of(kind)
        with open(path, 'rb') as file:
            content = file.read()
        there = content[begin:begin + size]
        if name == 'cut':
            content = content[:begin + size // 2]
        elif name == 'a byte changed':
            # What stands for many zeros may mean the same with another byte, but not the sum behind it.
            at = size - 6 if kind == 'the state of transactions' else size // 2
            content = content[:begin + at] + bytes([there[at] ^ 0x20]) + content[begin + at + 1:]
        else:
            content = content[:begin] + self.others_in_place_of(kind, size) + content[begin + size:]
        with open(path, 'wb') as file:
            file.write(content)

    def others_in_place_of(self, kind, size):
        """So much of what is stored of another file, and that again."""
        path, begin, length = self.place_of('the configuration' if kind == 'a relation' else 'a relation')
        with open(path, 'rb') as file:
            file.seek(begin)
            other = file.read(length)
        return (other * (size // length + 1))[:size]

    def assert_each_kind(self, name):
        seen = {}
        for kind in self.KINDS:
            self.damage(kind, name)
            seen[kind] = self.judge('%s: %s' % (kind, name))
            self.heal()
        self.assertEqual(seen, dict.fromkeys(self.KINDS, self.CODES[name]))
        self.assertEqual(self.judge('healed'), RIGHT)

    def test_cut_in_each_kind_of_file(self):
        self.assert_each_kind('cut')

    def test_a_byte_changed_in_each_kind_of_file(self):
        self.assert_each_kind('a byte changed')

    def test_each_kind_of_file_exchanged_for_another(self):
        self.assert_each_kind('swapped')

    def test_the_refusal_is_remembered_until_the_cause_is_gone(self):
        self.damage('a relation', 'a byte changed')
        seen = self.judge('a relation')
        self.assertEqual(seen, self.CODES['a byte changed'])
        self.assert_refused(self.bootstrap(), seen[0], 'the same restore failed at')
        self.heal()
        self.assertEqual(self.judge('healed'), RIGHT)


class ReplacedCase(TwoBackups):
    """Files of the backup that is restored are replaced by the other one's, when the plan is made."""

    COPYING = 'pgbackrest "$@" & until [ -e %s/base ] || ! kill -0 $!; do :; done; kill -STOP $!; %s; kill -CONT $!; wait $!; exit'

    def assert_replaced(self, what, files):
        """In the middle it depends on what was read before: the right data, or a refusal."""
        self.assertEqual({'swapped': self.judge(what, self.replaced(files))}, WANTED[what])
        self.heal()
        self.assertEqual(self.judge('healed'), RIGHT)
        self.server.stop()
        self.lab.run('rm', '-rf', self.data_directory, self.staging, self.staging + '.d')
        self.assertIn(self.judge(what + ', in the middle', self.replaced(files, in_the_middle=self.COPYING)), (RIGHT, WANTED[what]['swapped']))
        self.heal()
        self.assertEqual(self.judge('healed'), RIGHT)


class ReplacedInTheRestore(ReplacedCase):
    def test_a_data_file(self):
        """The state of transactions: with the other one batch 1 would not be there."""
        name = 'pg_data/pg_xact/0000.gz'
        self.assert_replaced('a data file of a backup, when its restore begins', {self.of_backup('alpha', name): self.of_backup('older', name)})

    def test_the_manifest(self):
        self.assert_replaced("both copies of a backup's manifest, when its restore begins", {
            self.of_backup('alpha', name): self.of_backup('older', name) for name in ('backup.manifest', 'backup.manifest.copy')})


class ReplacedBundles(ReplacedCase):
    SITUATION = 'bundled'

    def test_a_bundle(self):
        places = [self.place_of('the state of transactions', backup)[0] for backup in ('alpha', 'older')]
        self.assert_replaced('a bundle of a backup, when its restore begins', {places[0]: places[1]})


class ReplacedInTheArchive(LyingCase):
    """What the plan was made with is exchanged behind it: a history and a segment of the followed timeline, and the stanza's own files."""

    def assert_replaced(self, what, files, begins='[ $VERB = restore ]'):
        self.assertEqual({'swapped': self.judge(what, self.replaced(files, begins))}, WANTED[what])
        self.heal()
        self.assertEqual(self.judge('healed'), RIGHT)

    def info_files(self, kind):
        return self.files('%s/demo/%s.info' % (kind, kind), '%s/demo/%s.info.copy' % (kind, kind))

    def test_archive_info(self):
        self.assert_replaced('both copies of archive.info, when a restore begins', dict(zip(self.info_files('archive'), self.info_files('backup'))))

    def test_backup_info(self):
        self.assert_replaced('both copies of backup.info, when a restore begins', dict(zip(self.info_files('backup'), self.info_files('archive'))))

    def test_one_of_the_two_copies(self):
        """The other one is enough, whenever."""
        archive, backup = self.info_files('archive'), self.info_files('backup')
        self.assertEqual(self.judge('one of two', self.replaced({archive[0]: backup[0], backup[0]: archive[1]})), RIGHT)

    def test_a_history(self):
        """It passes: the next run plans with what is there then."""
        other = self.lab.write('other', '1\t0/1000000\tno recovery target specified\n')
        self.assert_replaced("a timeline's history, when a restore begins", {self.files('archive/demo/*/00000002.history')[0]: other})

    def test_a_segment(self):
        segments = {batch: self.facts['batches'][batch]['segment'] for batch in ('1', '20')}
        paths = {batch: self.files('archive/demo/*/*/%s-*' % segment)[0] for batch, segment in segments.items()}
        self.assert_replaced('a WAL segment, when the replay comes to it', {paths['20']: paths['1']},
                             '[ "$VERB $SEGMENT" = "archive-get %s" ]' % segments['20'])


class Documented(unittest.TestCase):
    def test_the_table_in_the_documents_says_what_these_tests_see(self):
        text = read(os.path.join(CHECKOUT, 'docs/pgbackrest-errors.md')).split('## A repository that lies')[1].split('What passes')[0]
        rows = {cells[1]: cells[2:-1] for cells in ([cell.strip() for cell in line.split('|')] for line in text.split('\n') if '|' in line)}
        self.assertEqual(set(rows), {'file', '---', *WANTED})
        columns = {'cut': 'cut short, emptied', 'emptied': 'cut short, emptied', 'swapped': 'exchanged'}
        for file, wanted in WANTED.items():
            said = dict(zip(rows['file'], rows[file]))
            for damage, (code, _) in wanted.items():
                self.assertRegex(said[columns.get(damage, damage)], r'^the right data\b' if code == 0 else r'^%d\b' % code, (file, damage))
            nobody_tests = [damage for damage in ALL if damage not in wanted and said[columns.get(damage, damage)]]
            self.assertEqual(nobody_tests, [], file)
            self.assert_next_call(said['the next call'], {damage: then for damage, (_, then) in wanted.items() if then}, file)

    def assert_next_call(self, said, wanted, file):
        """One word for all of them, or `WORD where … (DAMAGE, …), else WORD`, in which a damage is named as in its column."""
        parts = re.match(r'(?P<first>[\w ]+?) where .*\((?P<named>.*)\), else (?P<rest>.*)$', said)
        if not parts:
            self.assertLessEqual(set(wanted.values()), {said}, file)
            self.assertEqual(bool(said), bool(wanted), file)
            return
        named = [{'cut short': 'cut'}.get(word, word) for word in parts.group('named').split(', ')]
        self.assertEqual(wanted, {damage: parts.group('first' if damage in named else 'rest') for damage in wanted}, file)
