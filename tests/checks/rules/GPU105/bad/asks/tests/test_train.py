import train


def test_it():
    assert train.model
