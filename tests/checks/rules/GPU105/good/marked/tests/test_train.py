import pytest


@pytest.mark.gpu
def test_it():
    import train

    assert train.model
