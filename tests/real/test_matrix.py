"""A sample of the interruption matrix; tests/real/interruption-matrix --all runs the whole."""
from matrix import MatrixCase, make_tests, sample


class Sample(MatrixCase):
    pass


make_tests(sample(), Sample)
del MatrixCase
