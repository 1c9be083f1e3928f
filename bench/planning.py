"""What a plan takes in a repository that holds very much, beside pgBackRest's own look at the same.

What is many is made up: of segments there are the names, of backups and files the lines in backup.info and backup.manifest.
"""
import glob
import hashlib
import json
import os
import re
import shutil
import time

from contest import compared
from lab import program, read
from source_cluster import PlainCluster, pgbackrest, switch_wal, wait_until_archived

ROUNDS = 5
FILE = 'pg_data/base/1/%d={"checksum":"0631457264ff7f8d5fb1edc2c0211992a67c73e6","size":8192,"timestamp":1600000000}'


def plan(lab, sizes):
    """check, which plans a restore, with many backups against `info`, with many files against `info --set`, with many archived segments
    against one recursive listing; each beside check on a repository without them, and with the memory that the program had."""
    label = make_lost(lab)
    few = compared(ROUNDS, lambda: check(lab), lambda: check(lab)).second
    add_backups(lab, label, sizes.backups)
    tell(lab, few, '%d backups' % sizes.backups, 'info')
    add_backups(lab, label, 0)
    add_files(lab, label, sizes.listed)
    tell(lab, few, '%d files in the backup' % sizes.listed, 'info', '--set=' + label)
    shutil.rmtree(lab.path('repo'))
    make_lost(lab, sizes.archived)
    archive, = glob.glob(lab.path('repo', 'archive/demo/*-1'))
    tell(lab, few, '%d segments archived' % sizes.archived, '--recurse', 'repo-ls', 'archive/demo/' + os.path.basename(archive))


def tell(lab, few, what, *look):
    seen = compared(ROUNDS, lambda: timed(lambda: pgbackrest(lab, '--output=json', *look)), lambda: check(lab))
    print('plan: %s: pgbackrest %s %.0f ms, check %.0f ms, ratio %.2f (%.2f to %.2f), without them %.0f ms; %.1f MB resident at most' % (
        what, ' '.join(word for word in look if '/' not in word), seen.first * 1e3, seen.second * 1e3, seen.ratio, seen.least, seen.most,
        few * 1e3, most_resident_megabytes(lab)), flush=True)


def timed(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def command(lab):
    return [program(), 'check', '--pgbackrest-config=' + lab.path('pgbackrest.conf'), '--stanza=demo', '--scope=demo',
            '--datadir=' + lab.path('nowhere')]


def check(lab):
    """Its seconds."""
    return timed(lambda: lab.run(*command(lab), seconds=600))


def most_resident_megabytes(lab):
    """Of the program itself, read while it runs: what is told at its end, or of a child that is not the program yet, would count the
    process that started it."""
    process, most = lab.start('planning', *command(lab)), 0
    while process.poll() is None:
        found = re.search(r'(?ms)^Name:\tpatroni_pgback.*^VmHWM:\s*(\d+) kB', read('/proc/%d/status' % process.pid))
        most = max(most, int(found.group(1)) if found else 0)
        time.sleep(.001)
    return most / 1024


def make_lost(lab, gap=0):
    """A lost cluster with a backup; `gap` segments, of which there are the names only, lie in front of the last ones. The backup's label."""
    cluster = PlainCluster(lab, lab.path('repo'))
    cluster.start()
    cluster.back_up()
    if gap:
        last = switch_wal(cluster)
        wait_until_archived(cluster, last)
        cluster.server.stop()
        first = int(last[8:16] + last[22:], 16) + 1
        lab.run('pg_resetwal', '-l', segment(first + gap), cluster.server.data_directory)
        cluster.start_again()
        archive, = glob.glob(lab.path('repo', 'archive/demo/*-1'))
        owner = os.stat(archive)
        for number in range(first, first + gap):
            directory = os.path.join(archive, segment(number)[:16])
            os.makedirs(directory, exist_ok=True)
            os.chown(directory, owner.st_uid, owner.st_gid)  # what is archived next goes into the last one
            with open('%s/%s/%s-%040x.gz' % (archive, segment(number)[:16], segment(number), number), 'wb'):
                pass
    cluster.write_batches(1)
    cluster.lose()
    return json.loads(pgbackrest(lab, '--output=json', 'info'))[0]['backup'][0]['label']


def segment(number):
    return '00000001%08X%08X' % divmod(number, 256)


def add_backups(lab, label, number):
    """As many full backups, older than the real one, and no others."""
    def changed(lines):
        real = next(line for line in lines if line.startswith(label + '='))
        values = json.loads(real.partition('=')[2])
        older = []
        for minute in range(number):
            begun = 1500000000 + 60 * minute
            values.update({'backup-timestamp-start': begun, 'backup-timestamp-stop': begun + 30})
            older.append(time.strftime('%Y%m%d-%H%M%SF=', time.gmtime(begun)) + json.dumps(values, separators=(',', ':'), sort_keys=True))
        return older + [real]
    change(lab.path('repo/backup/demo/backup.info'), 'backup:current', changed)


def add_files(lab, label, number):
    def changed(lines):
        return sorted(lines + [FILE % (900000000 + file) for file in range(number)], key=lambda line: line.rpartition('={')[0])
    change(lab.path('repo/backup/demo', label, 'backup.manifest'), 'target:file', changed)


def change(path, name, changed):
    """Rewrites the lines of one section, with the checksum that pgBackRest wants, and the file's copy."""
    sections = [section.split('\n') for section in read(path).strip('\n').split('\n\n')]
    for lines in sections:
        if lines[0] == '[%s]' % name:
            lines[1:] = changed(lines[1:])
    *sections, _ = sections  # the last one has the checksum
    text = '\n\n'.join('\n'.join(lines) for lines in sections)
    text += '\n\n[backrest]\nbackrest-checksum="%s"\n' % checksum(sections)
    for each in (path, path + '.copy'):
        with open(each, 'w', encoding='utf-8') as file:  # its owner stays
            file.write(text)


def checksum(sections):
    """infoSaveValue in info.c: all of it as one JSON object."""
    parts = []
    for head, *lines in sections:
        pairs = (re.match(r'(.*?)=(["{\[\d\-tfn].*)', line).groups() for line in lines)
        parts.append('"%s":{%s}' % (head[1:-1], ','.join('%s:%s' % (json.dumps(key), value) for key, value in pairs)))
    return hashlib.sha1(('{%s}' % ','.join(parts)).encode()).hexdigest()
