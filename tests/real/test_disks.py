"""A sample of the disks that fail; tests/real/disk-matrix --all runs every cell."""
from disks import DisksCase, make_tests, sample


class Sample(DisksCase):
    pass


make_tests(sample(), Sample)
del DisksCase
