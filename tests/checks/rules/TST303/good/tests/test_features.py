import subprocess
import unittest

import numpy as np
import pandas as pd
import pytest


def same(left, right):
    assert left == right


def near(left, right):
    same(round(left), round(right))


def test_asserts():
    assert 1 + 1 == 2


def test_raises():
    with pytest.raises(ValueError):
        int("x")


def test_calls_one_that_asserts():
    near(1.0, 1.1)


def test_numpy_asserts():
    np.testing.assert_allclose([1.0], [1.0])


def test_pandas_asserts():
    pd.testing.assert_frame_equal(pd.DataFrame(), pd.DataFrame())


def test_fails_by_itself():
    if 1 + 1 != 2:
        raise AssertionError("no")


@pytest.mark.skip
def test_skipped():
    print(1)


def test_answer(client):
    client.get("/health").raise_for_status()


def test_command():
    subprocess.run(["true"], check=True)


def test_training_does_not_raise():
    str(1)


def test_speed(benchmark):
    benchmark(str, 1)


@pytest.fixture
def test_rows():
    return [1]


def test_helper_for_others(path):
    return path


class TestModel(unittest.TestCase):
    def test_equal(self):
        self.assertEqual(1, 1)

    def test_mocked(self):
        self.mock.assert_called_once()


class Checker:
    def test_me(self):
        print(1)
