#!/usr/bin/python3
"""Whether promtool accepts the metrics that the program writes, the example alerts and the queries of the example dashboard; whether
each alert comes when it should; whether they name metrics and labels that there are, and whether the dashboard is one that Grafana
shows as it is meant.

    tests/support/check_metrics.py PROGRAM
"""
import json
import os
import re
import subprocess
import sys
import tempfile

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../examples')
OF_PROMETHEUS = {'instance', 'job'}  # labels that each metric has once it is scraped
DATASOURCE = {'type': 'prometheus', 'uid': '${datasource}'}
COLUMNS = 24  # of Grafana's grid
SCHEMA = 36  # Grafana 9: since then a data source is an object with type and uid
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


def alerts_come():
    """Whether each alert comes when it should, and not before."""
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'alerts.test.yml')
    done = subprocess.run(['promtool', 'test', 'rules', tests], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
                          check=False)
    with open(os.path.join(EXAMPLES, 'alerts.yml'), encoding='utf-8') as alerts, open(tests, encoding='utf-8') as tried:
        untried = set(re.findall(r'- alert: (\w+)', alerts.read())) - set(re.findall(r'alertname: (\w+)\n +exp_alerts', tried.read()))
    if done.returncode or untried:
        print('promtool test rules: exit code %d, never tried: %s\n%s' % (done.returncode, sorted(untried), done.stdout))
    return done.returncode == 0 and not untried


def expressions(dashboard):
    return [target['expr'] for panel in dashboard['panels'] for target in panel['targets']]


def queries(dashboard):
    """Those of a dashboard's panels, with its variables filled in."""
    return [expression.replace('$instance', '.*').replace('$run', '.*') for expression in expressions(dashboard)]


def labels_of(metrics):
    """{metric: its labels} of what the program has written."""
    found = {}
    for name, labels in re.findall(r'^(\w+){(.*)} \S+$', metrics, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def strange_selectors(dashboard, known):
    """What its queries ask for and nobody writes."""
    for expression in expressions(dashboard):
        selectors = re.findall(r'(\w+){([^}]*)}', expression)
        if not selectors:
            yield 'no selector in ' + expression
        for metric, matchers in selectors:
            if metric not in known:
                yield 'no such metric: ' + metric
            for label in set(re.findall(r'(\w+)\s*=', matchers)) - known.get(metric, set()) - OF_PROMETHEUS:
                yield 'no such label of %s: %s' % (metric, label)


def overlap(one, other):
    return (one['x'] < other['x'] + other['w'] and other['x'] < one['x'] + one['w'] and
            one['y'] < other['y'] + other['h'] and other['y'] < one['y'] + one['h'])


def badly_laid_out(dashboard):
    """What Grafana would show otherwise than it is meant."""
    panels, variables = dashboard['panels'], {variable['name']: variable for variable in dashboard['templating']['list']}
    if dashboard['schemaVersion'] < SCHEMA:
        yield 'schemaVersion %s' % dashboard['schemaVersion']
    if dashboard.get('id') is not None or not dashboard.get('uid'):
        yield 'an id of one Grafana, or no uid'
    if variables.get('datasource', {}).get('type') != 'datasource' or variables['datasource'].get('query') != 'prometheus':
        yield 'no variable for the data source'
    if len({panel['id'] for panel in panels}) != len(panels):
        yield 'two panels have one id'
    for number, panel in enumerate(panels):
        place = panel['gridPos']
        if min(place['x'], place['y']) < 0 or min(place['w'], place['h']) < 1 or place['x'] + place['w'] > COLUMNS:
            yield '%s lies outside of the grid' % panel['title']
        for other in panels[:number]:
            if overlap(place, other['gridPos']):
                yield '%s lies on %s' % (panel['title'], other['title'])
        if any(asked['datasource'] != DATASOURCE for asked in [panel, *panel['targets']]):
            yield '%s asks another data source' % panel['title']
        if len({target['refId'] for target in panel['targets']}) != len(panel['targets']):
            yield 'two queries of %s have one refId' % panel['title']
    for name in set(re.findall(r'\$(?!__)(\w+)', ' '.join(expressions(dashboard)))) - set(variables):
        yield 'no such variable: ' + name
    for variable in variables.values():
        if variable['type'] == 'query' and variable['datasource'] != DATASOURCE:
            yield '%s asks another data source' % variable['name']


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
                    promtool('rules', os.path.join(EXAMPLES, 'alerts.yml')), alerts_come()]
    known = labels_of(metrics + failed)
    named = set(re.findall(r'patroni_pgbackrest_last_\w+', alerts + dashboard))
    wrong = ['no such metric: ' + name for name in sorted(named - set(known))]
    wrong += [*strange_selectors(json.loads(dashboard), known), *badly_laid_out(json.loads(dashboard))]
    print(''.join(line + '\n' for line in wrong), end='')
    return 0 if all(accepted) and known and not wrong else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
