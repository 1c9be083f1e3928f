"""What a kept clone of the copy costs a restore on XFS, and what it saves the next one."""
import glob
import json
import os
import shutil

from contest import Clock, compared
from data_sets import Source, long_wal
from lab import program


def clones(lab, sizes):
    """A restore on XFS that keeps a clone of its copy, against one on XFS without clones; and the copy for a second target."""
    long_wal(Source(lab, Clock(sizes.minutes * 60)), sizes)
    disks = [lab.mount_disk(20000, 'reflink%d' % on, system='xfs', options=('-m', 'reflink=%d' % on)) for on in (0, 1)]

    def durations(disk, *target, code=0):
        done = lab.attempt(program(), 'bootstrap', '--pgbackrest-config=' + lab.path('pgbackrest.conf'), '--stanza=demo', '--scope=demo',
                           '--datadir=' + disk + '/data', '--report=' + lab.path('report.json'), *target, seconds=3600)
        assert done.returncode == code, done.stderr
        with open(lab.path('report.json'), encoding='utf-8') as file:
            return json.load(file)['durations']

    def remove(disk):
        for name in glob.glob(disk + '/*'):
            (shutil.rmtree if os.path.isdir(name) else os.remove)(name)

    def whole(disk):
        took = durations(disk)
        remove(disk)
        return sum(took.values())

    def second(disk):
        durations(disk, '--type=xid', '--target=40000000', code=4)
        took = durations(disk)
        remove(disk)
        return took['copy']

    plain, kept, ratio, least, most = compared(3, *(lambda disk=disk: whole(disk) for disk in disks))
    again, cloned = compared(1, *(lambda disk=disk: second(disk) for disk in disks))[:2]
    print('clones: a restore on XFS without clones %.1f s, with one that is kept %.1f s, ratio %.2f (%.2f to %.2f); the copy for a second '
          'target %.1f s, from the clone %.1f s' % (plain, kept, ratio, least, most, again, cloned))
