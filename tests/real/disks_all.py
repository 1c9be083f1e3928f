"""Every cell of the disks that fail, for tests/real/disk-matrix."""
from disks import DisksCase, make_tests, power_cells, room_cells


class Disks(DisksCase):
    pass


make_tests(power_cells() + room_cells(), Disks)
del DisksCase
