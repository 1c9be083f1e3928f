#!/usr/bin/python3
"""Whether the pages of a restore and of a rehearsal (html=FILE) are ones that a person can read: nothing is cut off on a telephone,
light and dark screens get colours of their own with enough contrast, the browser complains about nothing and asks for no other file.
Each of them once where it failed, and once where it was done.

    tests/support/check_page.py PROGRAM CHROMIUM     not as root
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from browser import Browser, Refused, Silent
from lab import Lab, PatroniNode, main_on_signal
from source_cluster import PlainCluster

SUPPORT = os.path.dirname(os.path.abspath(__file__))
SYSTEM, SET, CHECKSUM = 7710953412442782829, '20261122-080000F', '-25846c51366d46035ad434d0252006e8137fb775'
SEGMENTS = ['000000010000000000000002', '000000010000000000000003']
STANZA = 'of-a-cluster-with-quite-a-long-name-in-one-word'
POINT = ('a-long-name-' * 6)[:63]
CLIENTS = [(390, 'light'), (390, 'dark'), (320, 'light'), (1280, 'dark')]
LEAST_FOR_TEXT, LEAST_FOR_BARS = 4.5, 3  # WCAG 2.1, 1.4.3 and 1.4.11

LOOK = '''(() => {
  const style = element => getComputedStyle(element);
  const all = [...document.querySelectorAll('body *')];
  const widths = [document.documentElement.scrollWidth, document.documentElement.clientWidth];
  const cut = all.filter(e => e.getBoundingClientRect().right > widths[1] + 1).map(e => e.outerHTML.slice(0, 80));
  for (const name of ['good', 'bad', 'faint']) {
    document.body.append(Object.assign(document.createElement('p'), {className: name, textContent: 'text'}));
  }
  const has_text = e => [...e.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
  return {
    widths, cut, paper: style(document.body).backgroundColor,
    texts: [...document.querySelectorAll('body, body *')].filter(has_text).map(e => [e.tagName + '.' + e.className, style(e).color]),
    bars: [...document.querySelectorAll('rect')].map(e => style(e).fill),
    papers: [...new Set(all.map(e => style(e).backgroundColor))],
    headings: [...document.querySelectorAll('h1, h2')].map(e => e.textContent),
  };
})()'''


def write(*names, text):
    path = os.path.join(*names)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def make_repository(directory):
    """What the fake pgbackrest shows: one backup of a PostgreSQL 15, and two segments of which the last one is empty."""
    archive = {'database': {'id': 1, 'repo-key': 1}, 'id': '15-1', 'min': SEGMENTS[0], 'max': SEGMENTS[1]}
    backup = {'archive': {'start': SEGMENTS[0], 'stop': SEGMENTS[0]}, 'backrest': {'format': 5, 'version': '2.45'},
              'database': {'id': 1, 'repo-key': 1}, 'error': False, 'label': SET, 'prior': None, 'reference': None, 'type': 'full',
              'info': {'delta': 23213814, 'repository': {'delta': 3075913, 'size': 3075913}, 'size': 23213814},
              'lsn': {'start': '0/2000028', 'stop': '0/2000100'}, 'timestamp': {'start': 1795334100, 'stop': 1795334400}}
    status = {'code': 0, 'message': 'ok'}
    info = {'archive': [archive], 'backup': [backup], 'cipher': 'none', 'name': STANZA,
            'repo': [{'cipher': 'none', 'key': 1, 'status': status}],
            'db': [{'id': 1, 'repo-key': 1, 'system-id': SYSTEM, 'version': '15'}],
            'status': {**status, 'lock': {'backup': {'held': False}}}}
    below = 'archive_%s_15-1' % STANZA
    # XLogLongPageHeaderData of version 15
    page = struct.pack('=HHIQIIQII', 0xD110, 2, 1, 0x3000000, 0, 0, SYSTEM, 16 << 20, 8192).ljust(8192, b'\0')
    write(directory, 'info', text=json.dumps([info]))
    write(directory, below, text=json.dumps({SEGMENTS[0][:16]: {'type': 'path'}}))
    write(directory, below + '_' + SEGMENTS[0][:16],
          text=json.dumps({name + CHECKSUM: {'size': 1, 'time': 1795334400, 'type': 'file'} for name in SEGMENTS}))
    write(directory, '%s_%s_%s%s' % (below, SEGMENTS[0][:16], SEGMENTS[1], CHECKSUM), text=page)


def make_failed_pages(program, directory):
    """[(heading, path)] of a restore and a rehearsal whose copy fails, with long words in all that they say."""
    repository = os.path.join(directory, 'repository')
    make_repository(repository)
    for name in ('postgres', 'pg_controldata'):
        os.chmod(write(directory, 'bin', name, text="#!/bin/sh\necho 'postgres (PostgreSQL) 15.0'\n"), 0o755)
    configuration = write(directory, 'patroni.yml', text=json.dumps({
        'bootstrap': {'method': 'pgbackrest', 'pgbackrest': {'command': 'patroni_pgbackrest bootstrap'}},
        'postgresql': {'bin_dir': os.path.join(directory, 'bin'), 'authentication': {
            'superuser': {'username': 'postgres', 'password': 'mellon'}, 'replication': {'username': 'replicator'}}}}))
    log = write(directory, 'log', 'restore.log', text='')
    environment = {**os.environ, 'XDG_STATE_HOME': directory, 'PGBACKREST_LOG_PATH': os.path.dirname(log), 'FAKE_OUTPUTS': repository,
                   'FAKE_ONLY': '* restore', 'FAKE_FAIL': '95',
                   'FAKE_ERRORS': 'ERROR: [095]: unable to flush /' + 'a-long-name' * 20}
    pages = []
    for name, words in (('Restore', ['bootstrap']),
                        ('Rehearsal', ['rehearse', '--disk-floor=0', '--scratch=' + os.path.join(directory, 'scratch' * 20)])):
        pages.append(('%s of %s' % (name, STANZA), os.path.join(directory, name + '.html')))
        done = subprocess.run(
            [program, *words, '--scope=demo', '--stanza=' + STANZA, '--datadir=' + os.path.join(directory, 'data' * 20),
             '--pgbackrest=' + os.path.join(SUPPORT, 'fake-pgbackrest'), '--patroni-config=' + configuration, '--html=' + pages[-1][1]],
            env=environment, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            universal_newlines=True, check=False)
        if done.returncode != 5:
            raise AssertionError('exit code %d\n%s%s' % (done.returncode, done.stdout, done.stderr))
    return pages


def make_done_pages(program, directory):
    """The same of two that come to their end, of a real cluster."""
    lab = Lab()
    main_on_signal(lab.end)
    try:
        plain = PlainCluster(lab, lab.path('repo'))
        plain.start('autovacuum=off')
        plain.back_up()
        plain.write_batches(1)
        plain.sql("select pg_create_restore_point('%s')" % POINT)
        plain.lose()
        data = lab.path('data' * 20)
        configuration = lab.pgbackrest_configuration(data, repository=plain.repository)
        yml = PatroniNode(lab, '127.0.0.1:1', data_directory=data).configure(
            {'command': program + ' bootstrap', 'stanza': 'demo', 'pgbackrest-config': configuration})
        pages = []
        for name, words in (
                ('Rehearsal', ['rehearse', '--patroni-config=' + yml, '--disk-floor=0', '--checksums', '--dump',
                               '--scratch=' + lab.path('scratch' * 20)]),
                ('Restore', ['bootstrap', '--scope=demo', '--stanza=demo', '--datadir=' + data, '--pgbackrest-config=' + configuration])):
            pages.append((name + ' of demo', os.path.join(directory, name + '-done.html')))
            lab.run('nice', '-n', '1', program, *words, '--type=name', '--target=' + POINT, '--html=' + pages[-1][1])
        return pages
    finally:
        lab.end()


def luminance(colour):
    """Relative luminance, as WCAG 2.1 has it, of a computed `rgb(20, 24, 31)`."""
    parts = [float(part) / 255 for part in re.findall(r'[\d.]+', colour)[:3]]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def judge(seen, heading, url, requests, complaints):
    """What a person would not like about it."""
    if seen['widths'][0] > seen['widths'][1] or seen['cut']:
        yield 'wider than the screen: %s %s' % (seen['widths'], seen['cut'])
    for what, colours, least in (('text', seen['texts'], LEAST_FOR_TEXT), ('bar', [('rect', bar) for bar in seen['bars']], LEAST_FOR_BARS)):
        if not colours:
            yield 'no ' + what
        for name, colour in colours:
            if contrast(colour, seen['paper']) < least:
                yield '%s %s: contrast %.2f of %s on %s' % (what, name, contrast(colour, seen['paper']), colour, seen['paper'])
    if seen['papers'] != ['rgba(0, 0, 0, 0)']:
        yield 'more than one background: %s' % seen['papers']
    if [words.split(':')[0] for words in seen['headings']] != [heading, 'Phases', 'Proof', 'Findings']:
        yield 'other headings: %s' % seen['headings']
    if set(requests) - {url}:
        yield 'it asks for other files: %s' % requests
    if complaints:
        yield 'the browser complains: %s' % complaints


def look_at(browser, heading, page):
    """What is wrong with it, for any client."""
    url, papers, wrong = 'file://' + page, {}, []
    for width, scheme in CLIENTS:
        session = browser.open(url, width, scheme)
        seen = browser.evaluate(session, LOOK)
        papers[scheme] = seen['paper']
        requests = [told['request']['url'] for told in browser.told('Network.requestWillBeSent')]
        complaints = browser.told('Runtime.exceptionThrown', 'Runtime.consoleAPICalled', 'Log.entryAdded')
        wrong += ['%d pixels, %s: %s' % (width, scheme, what) for what in judge(seen, heading, url, requests, complaints)]
    if luminance(papers['dark']) >= luminance(papers['light']):
        wrong.append('a dark screen gets %s, and a light one %s' % (papers['dark'], papers['light']))
    with open(page, encoding='utf-8') as file:
        wrong += ['it names something else: ' + found for found in re.findall(r'https?:|\bsrc=|\bhref=|url\(|@import|<script', file.read())]
    return wrong


def main(program, chromium):
    directory = os.path.realpath(tempfile.mkdtemp(prefix='page.'))
    browser = None
    try:
        pages = make_failed_pages(program, directory) + make_done_pages(program, directory)
        browser = Browser(chromium, directory)
        wrong = ['%s: %s' % (os.path.basename(page), what) for heading, page in pages for what in look_at(browser, heading, page)]
    except (Refused, Silent) as failure:
        with open(os.path.join(directory, 'browser.log'), encoding='utf-8', errors='replace') as log:
            wrong = [log.read()[-3000:], str(failure)]
    finally:
        if browser:
            browser.end()
        shutil.rmtree(directory, ignore_errors=True)
    print(''.join(line + '\n' for line in wrong), end='')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
