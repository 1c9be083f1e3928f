"""The whole interruption matrix, for tests/real/interruption-matrix."""
from matrix import MatrixCase, cells, make_tests


class Matrix(MatrixCase):
    pass


make_tests(cells(), Matrix)
del MatrixCase
