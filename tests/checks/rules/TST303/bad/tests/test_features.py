import unittest

import pytest


def test_prints():
    print(1 + 1)


def test_nothing():
    """To be filled in."""


@pytest.mark.parametrize("value", [1, 2])
def test_called(value):
    str(value)


class TestModel(unittest.TestCase):
    def test_fits(self):
        self.model = object()
