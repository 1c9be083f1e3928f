"""What was measured, as it is kept in a JSON file, and what is said of it.

    {"schema": 1, "machine": {…}, "data_sets": {NAME: {"facts": {…}, "rounds": [{CONTENDER: {PHASE: seconds}}]}},
     "not_run": {NAME: why}}
"""
import collections
import json
import os
import platform
import re
import statistics
import time

from contest import BASELINE
from contenders import CONTENDERS
from lab import program, read

Figures = collections.namedtuple('Figures', 'seconds ratio least most phases')  # medians, but for the ratio's ends


def empty(machine):
    return {'schema': 1, 'machine': machine, 'data_sets': {}, 'not_run': {}}


def machine_of(lab):
    """What the figures depend on."""
    def version(*command):
        told = re.search(r'\d[\w.~+-]*', lab.attempt(*command).stdout)
        return told.group() if told else ''
    model = re.search(r'(?m)^model name\s*: (.*)$', read('/proc/cpuinfo'))
    return {
        'date': time.strftime('%Y-%m-%d', time.gmtime()), 'processors': len(os.sched_getaffinity(0)),
        'model': model.group(1).strip() if model else platform.machine(),
        'memory_bytes': os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'),
        'file_system': lab.run('findmnt', '-n', '-o', 'FSTYPE', '-T', lab.directory), 'kernel': '.'.join(platform.release().split('.')[:2]),
        'versions': {'PostgreSQL': version(lab.bin_directory + '/postgres', '--version'),
                     'pgBackRest': version('pgbackrest', 'version'), 'patroni_pgbackrest': version(program(), '--version')}}


def note(results, name, measured):
    """Of one data set: what was measured, or in words why it was not."""
    here, gone = ('not_run', 'data_sets') if isinstance(measured, str) else ('data_sets', 'not_run')
    results[here][name] = measured
    results[gone].pop(name, None)


def merged(several):
    """Of one machine, the later ones in the place of the earlier ones."""
    whole = several[0]
    for other in several[1:]:
        if {**other['machine'], 'date': ''} != {**whole['machine'], 'date': ''}:
            raise ValueError('results of different machines, or versions, do not belong together')
        whole['machine'] = other['machine']
        for name, measured in other['data_sets'].items():
            note(whole, name, measured)
        for name, reason in other['not_run'].items():
            if name not in whole['data_sets']:
                note(whole, name, reason)
    return whole


def figures(data_set):
    """{contender: Figures}: each round's seconds against those of the baseline in the same round."""
    found = {}
    for contender in CONTENDERS:
        phases = [of_round[contender] for of_round in data_set['rounds'] if contender in of_round]
        if not phases:
            continue
        seconds = [sum(each.values()) for each in phases]
        ratios = [one / sum(of_round[BASELINE].values()) for one, of_round in zip(seconds, data_set['rounds'])]
        middle = seconds.index(statistics.median_low(seconds))
        found[contender] = Figures(statistics.median(seconds), statistics.median(ratios), min(ratios), max(ratios), phases[middle])
    return found


def scatters(figure):
    """Whether the rounds are so far apart that the ratio tells little."""
    return figure.most > 1.25 * figure.least


def line(name, data_set):
    """For people who wait."""
    parts = ['%s %.2f (%.2f to %.2f%s)' % (contender, each.ratio, each.least, each.most, ', scatters' if scatters(each) else '')
             for contender, each in figures(data_set).items() if contender != BASELINE]
    return '%s: by hand %.1f s; %s; %d rounds' % (
        name, figures(data_set)[BASELINE].seconds, ', '.join(parts), len(data_set['rounds']))


def save(results, path):
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(results, file, indent=1)
        file.write('\n')


def load(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)
