"""The figures as Markdown, between two comments of a document:

    <!-- bench:begin LANGUAGE PLOT -->
    <!-- bench:end -->

LANGUAGE is en or zh, PLOT the picture as that document links to it. No figure is written by hand.
"""
import os
import re

from contest import BASELINE
from contenders import CONTENDERS
from data_sets import DATA_SETS
from results import figures, scatters

BLOCK = re.compile(r'(<!-- bench:begin (en|zh) (\S+) -->\n).*?(<!-- bench:end -->)', re.DOTALL)
WORDS = {
    'en': {
        'big': 'few big files', 'small-files': 'many small files', 'long-wal': 'much WAL', 'chain': 'a chain of increments',
        'latency': 'a distant repository',
        'hand': 'by hand', 'expert': 'by an expert', 'python': 'wrapper in Python', 'standalone': 'standalone mode',
        'patroni': 'patroni mode', 'floor': "the machine's limit",
        'data set': 'data set', 'seconds': '%.1f s', 'comma': ', ', 'colon': ': ', 'range': '%s%.2f (%.2f–%.2f)',
        'size': '%.2f GB in %d files', 'segments': '%d WAL segments', 'rounds': '%d rounds', 'increments': '%d increments',
        'away': '%g ms away in each direction',
        'machine': 'Measured on %(date)s: %(processors)d × %(model)s, %(memory).0f GiB of memory, %(file_system)s, Linux %(kernel)s, '
                   'PostgreSQL %(PostgreSQL)s, pgBackRest %(pgBackRest)s, patroni_pgbackrest %(patroni_pgbackrest)s.',
        'meaning': 'By hand: seconds until the server accepts connections, the median. The others: ratio to that in the same round, the '
                   'median (lowest–highest). Less is faster. ≈: the highest is more than 1.25 times the lowest.',
        'plot': 'the phases of each, in seconds', 'not run': 'Not measured: %s.'},
    'zh': {
        'big': '少量大文件', 'small-files': '大量小文件', 'long-wal': '大量 WAL', 'chain': '增量备份链', 'latency': '远端仓库',
        'hand': '手工恢复', 'expert': '专家手工恢复', 'python': 'Python 脚本', 'standalone': 'standalone 模式', 'patroni': 'patroni 模式',
        'floor': '机器极限',
        'data set': '数据', 'seconds': '%.1f 秒', 'comma': '，', 'colon': '：', 'range': '%s%.2f（%.2f–%.2f）',
        'size': '%.2f GB，%d 个文件', 'segments': '%d 个 WAL 段', 'rounds': '%d 轮', 'increments': '%d 个增量备份',
        'away': '单向延迟 %g 毫秒',
        'machine': '测于 %(date)s：%(processors)d × %(model)s，内存 %(memory).0f GiB，%(file_system)s，Linux %(kernel)s，'
                   'PostgreSQL %(PostgreSQL)s，pgBackRest %(pgBackRest)s，patroni_pgbackrest %(patroni_pgbackrest)s。',
        'meaning': '“手工恢复”一列是到服务器接受连接为止的秒数（中位数）；其余各列是同一轮中与它的比值，取中位数（最小–最大），越小越快。≈ 表示最大值超过最小值的 1.25 倍。',
        'plot': '各阶段所用的秒数', 'not run': '未测：%s。'},
}


def block(results, language, plot):
    """What stands between the comments; `plot` is None where there is no picture."""
    words, sets = WORDS[language], results['data_sets']
    if not sets:
        return ''
    there = [contender for contender in CONTENDERS if any(contender in figures(each) for each in sets.values())]
    lines = [[words['data set']] + [words[contender] for contender in there], ['---'] * (len(there) + 1)]
    lines += [[words[name] + words['colon'] + description(sets[name], words)] + cells(figures(sets[name]), there, words)
              for name in DATA_SETS if name in sets]
    machine = results['machine']
    parts = ['\n'.join('| %s |' % ' | '.join(line) for line in lines), words['meaning'], words['machine'] % {
        **machine, **machine['versions'], 'memory': machine['memory_bytes'] / (1 << 30)}]
    left_out = [words[name] for name in DATA_SETS if name in results['not_run']]
    parts += [words['not run'] % words['comma'].join(left_out)] if left_out else []
    parts += ['![%s](%s)' % (words['plot'], plot)] if plot else []
    return '\n\n'.join(parts) + '\n'


def description(data_set, words):
    """Of what comes back, as it was, not as it was asked for."""
    facts = data_set['facts']
    said = [words['size'] % (facts['bytes'] / 1e9, facts['files']), words['segments'] % facts['segments']]
    said += [words['increments'] % facts['increments']] if 'increments' in facts else []
    said += facts.get('options', [])
    said += [words['away'] % facts['latency']] if 'latency' in facts else []
    return words['comma'].join(said + [words['rounds'] % len(data_set['rounds'])])


def cells(found, there, words):
    return ['' if contender not in found else words['seconds'] % found[contender].seconds if contender == BASELINE
            else words['range'] % ('≈ ' if scatters(found[contender]) else '', found[contender].ratio, found[contender].least,
                                   found[contender].most) for contender in there]


def filled(text, results, directory):
    """A document with new figures; the picture is shown where it lies there."""
    if not BLOCK.search(text):
        raise ValueError('no <!-- bench:begin LANGUAGE PLOT --> with a <!-- bench:end --> behind it')

    def fill(found):
        begin, language, plot, end = found.groups()
        return begin + block(results, language, plot if os.path.exists(os.path.join(directory, plot)) else None) + end
    return BLOCK.sub(fill, text)
