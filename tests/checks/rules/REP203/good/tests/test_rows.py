import numpy as np


def test_rows():
    assert np.random.rand(3).shape == (3,)
