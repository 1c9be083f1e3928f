#!/usr/bin/python3
"""Whether bench/run says what it measured: ratios, table, picture; whether it keeps to its minutes; whether its distant place is
distant. Nothing is measured here.

    tests/support/check_bench.py
"""
import copy
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'bench')
sys.path[:0] = [HERE, BENCH]
sys.dont_write_bytecode = True
import contest  # noqa: E402
import planning  # noqa: E402
import replay_settings  # noqa: E402
import results  # noqa: E402
from contenders import CONTENDERS  # noqa: E402
from data_sets import DATA_SETS  # noqa: E402
from lab import free_port, wait_until  # noqa: E402
from plot import BARS, COLOURS, drawn  # noqa: E402
from remote import is_listening  # noqa: E402
from table import WORDS, filled  # noqa: E402

MACHINE = {'date': '2026-11-22', 'processors': 2, 'model': 'A & B', 'memory_bytes': 8 << 30, 'file_system': 'ext4', 'kernel': '6.1',
           'versions': {'PostgreSQL': '15.1', 'pgBackRest': '2.45', 'patroni_pgbackrest': '0.1.0'}}
FACTS = {'bytes': 1.5e9, 'files': 1000, 'segments': 4}
DOCUMENT = 'before\n<!-- bench:begin %s no-picture.svg -->\nold\n<!-- bench:end -->\nafter\n'


def example():
    """Three rounds, in which the others take turns of half to all of the seconds by hand."""
    rounds = [{'hand': {'copy': 6.0 * slow, 'replay': 4.0 * slow}, 'standalone': {'copy': 3.0, 'replay': 1.0, 'flush': .5, 'rest': .5}}
              for slow in (1, .5, .8)]
    whole = results.empty(copy.deepcopy(MACHINE))
    results.note(whole, 'big', {'facts': FACTS, 'rounds': rounds})
    results.note(whole, 'chain', 'was not over in time')
    return whole


def check_ratios():
    found = results.figures(example()['data_sets']['big'])
    assert list(found) == ['hand', 'standalone'], found
    assert found['hand'][:4] == (8, 1, 1, 1), found
    assert found['standalone'][:4] == (5, .625, .5, 1), found
    assert found['hand'].phases == {'copy': 6 * .8, 'replay': 4 * .8}, found
    assert 'standalone 0.62 (0.50 to 1.00, scatters); 3 rounds' in results.line('big', example()['data_sets']['big'])


def check_merging():
    other = example()
    results.note(other, 'chain', other['data_sets']['big'])
    results.note(other, 'big', 'takes some 9 min, and 1 are left')
    whole = results.merged([example(), other])
    assert sorted(whole['data_sets']) == ['big', 'chain'] and whole['not_run'] == {}, whole
    other['machine']['processors'] = 3
    assert 'different machines' in refusal(lambda: results.merged([example(), other]))


def refusal(action):
    try:
        action()
    except ValueError as error:
        return str(error)
    raise AssertionError('it was not refused')


def check_table():
    text = filled(DOCUMENT % 'en', example(), '')
    assert text.startswith('before\n<!-- bench:begin en no-picture.svg -->\n| data set | by hand | standalone mode |\n'), text
    assert '\n| few big files: 1.50 GB in 1000 files, 4 WAL segments, 3 rounds | 8.0 s | ≈ 0.62 (0.50–1.00) |\n' in text, text
    assert 'on 2026-11-22: 2 × A & B, 8 GiB of memory' in text and 'Not measured: a chain of increments.' in text, text
    assert 'old' not in text and '![' not in text and text.endswith('<!-- bench:end -->\nafter\n'), text
    assert filled(text, example(), '') == text
    assert filled(text, results.empty({}), '') == DOCUMENT.replace('old\n', '') % 'en'
    assert '![各阶段所用的秒数](no-picture.svg)' not in filled(DOCUMENT % 'zh', example(), '')
    assert '](check_bench.py)' in filled((DOCUMENT % 'zh').replace('no-picture.svg', 'check_bench.py'), example(), HERE)
    assert 'bench:begin' in refusal(lambda: filled('no place', example(), ''))
    for words in WORDS.values():
        assert set(words) == set(WORDS['en']) and set(DATA_SETS) | set(CONTENDERS) < set(words)


def check_picture():
    picture = drawn(example())
    root = xml.etree.ElementTree.fromstring(picture)
    space = '{http://www.w3.org/2000/svg}'
    boxes = [box for box in root.iter(space + 'rect') if box.get('class') in COLOURS and box.get('height') == '16']
    assert len(boxes) == 2 + 4, picture
    assert sum(float(box.get('width')) for box in boxes[:2]) * 10 == BARS * 8, picture  # of the longest, which took ten seconds
    assert len(list(root.iter(space + 'line'))) == 2 and 'prefers-color-scheme: dark' in picture, picture
    assert 'href' not in picture and '5.0 s, 0.62 times' in picture, picture


def check_minutes():
    assert contest.why_not_begun((60, 1), (61, 2)) is None
    assert contest.why_not_begun((600, 1), (60, 2)) == 'takes some 10 min, and 1 are left'
    assert contest.why_not_begun((60, 3e9), (61, 2e9)) == 'needs some 3 GB of disk, and 2 are free'
    assert contest.is_another_round([], 3, 100, 50)  # one there must be
    assert contest.is_another_round([10, 20], 3, 30, 50)
    assert not contest.is_another_round([10, 20], 3, 31, 50)
    assert not contest.is_another_round([10, 20, 10], 3, 40, 500)
    assert contest.Clock(60).left() > 50
    try:
        contest.Clock(0).left()
    except contest.OutOfTime:
        return
    raise AssertionError('there is time where there is none')


def check_candidates():
    assert replay_settings.changes_of('') == []
    assert replay_settings.changes_of('shared_buffers=8GB write-back=late io_method=') == [['shared_buffers', '8GB'], ['io_method', '']]
    told = [({'redo': 10.0}, {'redo': 5.0}), ({'redo': 12.0}, {'redo': 9.0})]
    said = replay_settings.compared('redo', told)
    assert said == 'redo 7.0 s instead of 11.0 s, 0.62 times (0.50 to 0.75)', said
    log = '3.5 LOG:  checkpoint complete\n7.0 LOG:  checkpoint starting: end-of-recovery\n9.5 LOG:  checkpoint complete: wrote\n'
    assert replay_settings.moment(log, 'checkpoint complete', 7.0) == 9.5


def check_turns():
    assert [contest.in_turn(list('abc'), number) for number in range(4)] == [list('abc'), list('bca'), list('cab'), list('abc')]
    seconds = iter((9, 9, 2, 1, 4, 6, 2, 2))  # the first two are of the round that does not count
    assert contest.compared(3, lambda: next(seconds), lambda: next(seconds)) == (2, 2, 1, .5, 1.5)


def check_made_up():
    """What is made up has pgBackRest's own checksum: here that of a backup.info that 2.45 has written."""
    sections = [['[backrest]', 'backrest-format=5', 'backrest-version="2.45"']]
    assert planning.checksum(sections) == hashlib.sha1(b'{"backrest":{"backrest-format":5,"backrest-version":"2.45"}}').hexdigest()
    sections.append(['[target:file]', 'pg_data/a=b={"size":1}'])
    assert planning.checksum(sections) == hashlib.sha1(
        b'{"backrest":{"backrest-format":5,"backrest-version":"2.45"},"target:file":{"pg_data/a=b":{"size":1}}}').hexdigest()
    assert planning.segment(257) == '000000010000000100000001'


def check_distance():
    """What is sent comes back whole, and not before twice the milliseconds."""
    sent = os.urandom(1 << 20)
    with socket.create_server(('127.0.0.1', 0)) as listener:
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        port = free_port()
        with subprocess.Popen([sys.executable, '-B', os.path.join(BENCH, 'delay.py'), str(port), str(listener.getsockname()[1]), '50'],
                              stderr=subprocess.PIPE) as delay:
            try:
                wait_until('the distant place', lambda: is_listening(port), 10)
                with socket.create_connection(('127.0.0.1', port), 10) as connection:
                    began = time.monotonic()
                    threading.Thread(target=connection.sendall, args=(sent,), daemon=True).start()
                    got = b''
                    while len(got) < len(sent):
                        piece = connection.recv(1 << 20)
                        assert piece, 'it is cut off'
                        got += piece
                        assert time.monotonic() - began >= .1, 'it came back too early'
                    assert got == sent
            finally:
                delay.terminate()
            assert not delay.stderr.read()


def echo(listener):
    """To each in turn, until it is gone."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            while True:
                piece = connection.recv(1 << 16)
                if not piece:
                    break
                connection.sendall(piece)


if __name__ == '__main__':
    for check in (check_ratios, check_merging, check_table, check_picture, check_minutes, check_candidates, check_turns, check_made_up, check_distance):
        check()
