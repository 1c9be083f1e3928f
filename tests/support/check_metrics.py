#!/usr/bin/python3
"""Whether promtool accepts the metrics that the program writes, the example alerts and the queries of the example dashboard, and
whether these name metrics that there are.

    tests/support/check_metrics.py PROGRAM
"""
import json
import os
import re
import subprocess
import sys
import tempfile

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../examples')
AT = '2026-11-22 08:30:00+00'


def status(state, **more):
    """What a restore keeps of itself, from which `status` writes the metrics."""
    return {'schema': 1, 'version': '0', 'state': state,
            'process': {'pid': 1, 'start_time': 1, 'boot': 'x', 'pid_namespace': 'x'}, 'scope': None, 'stanza': None,
            'data_directory': None, 'target': 'name a\\b"c\nd', 'started': AT, 'updated': AT, 'plan': None,
            'phase': {'name': 'copy', 'unit': None, 'done': 0, 'planned': 0, 'percent': None, 'rate': None, 'seconds_left': None,
                      'seconds': 0, 'seconds_without_a_move': 0, 'position': None, 'waits_for': None},
            'finished_phases': [{'name': 'copy', 'seconds': 40.25}, {'name': 'replay', 'seconds': 30}], 'last_error': None,
            'next_try': None, 'reached': None, **more}


def whole():
    """Of a run of which all is known."""
    plan = {'backup_set': '20261122-080000F', 'repository': 1, 'timeline': 1, 'recovery': 'standalone', 'wal_segments': 3,
            'first_segment': 'x', 'last_segment': 'y', 'backup_size': 31457280}
    return status('done', scope='demo', stanza='demo', plan=plan, reached='0/7000158 (x), new timeline 2', reached_time=AT, window_end=AT)


def metrics_of(program, directory, content):
    """What the program writes of it; the file keeps what belongs there."""
    os.makedirs(os.path.join(directory, 'data.restoring.d'), exist_ok=True)
    with open(os.path.join(directory, 'data.restoring.d/status.json'), 'w', encoding='utf-8') as file:
        json.dump(content, file)
    path = os.path.join(directory, 'restore.prom')
    subprocess.run([program, 'status', '--datadir=' + os.path.join(directory, 'data'), '--metrics-file=' + path], check=False,
                   stdout=subprocess.DEVNULL)
    with open(path, encoding='utf-8') as file:
        return file.read()


def promtool(what, *files, text=None):
    """Whether it has nothing to say against it; what it says is shown."""
    done = subprocess.run(['promtool', 'check', what, *files], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, check=False)
    if done.returncode:
        print('promtool check %s: exit code %d\n%s' % (what, done.returncode, done.stdout))
    return done.returncode == 0


def queries(dashboard):
    """Those of a dashboard's panels, with its variables filled in."""
    return [target['expr'].replace('$instance', '.*').replace('$run', '.*') for panel in dashboard['panels'] for target in panel['targets']]


def main(program):
    with open(os.path.join(EXAMPLES, 'alerts.yml'), encoding='utf-8') as file:
        alerts = file.read()
    with open(os.path.join(EXAMPLES, 'grafana-dashboard.json'), encoding='utf-8') as file:
        dashboard = file.read()
    with tempfile.TemporaryDirectory() as directory:
        metrics = metrics_of(program, directory, whole())
        failed = metrics_of(program, directory, status('failed', last_error={
            'exit_code': 6, 'message': 'x', 'hint': 'y', 'at': AT}))
        as_rules = os.path.join(directory, 'dashboard.json')
        with open(as_rules, 'w', encoding='utf-8') as file:
            rules = [{'record': 'dashboard:query%d' % number, 'expr': query} for number, query in enumerate(queries(json.loads(dashboard)))]
            json.dump({'groups': [{'name': 'dashboard', 'rules': rules}]}, file)
        accepted = [promtool('metrics', text=metrics), promtool('metrics', text=failed), promtool('rules', as_rules),
                    promtool('rules', os.path.join(EXAMPLES, 'alerts.yml'))]
    there = set(re.findall(r'^# TYPE (\w+) gauge$', metrics, re.MULTILINE))
    strange = set(re.findall(r'patroni_pgbackrest_last_\w+', alerts + dashboard)) - there
    if strange:
        print('no such metric: ' + ', '.join(sorted(strange)))
    return 0 if all(accepted) and there and not strange else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
