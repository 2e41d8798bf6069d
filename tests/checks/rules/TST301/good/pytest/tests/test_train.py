from train import train


def test_training_gives_one():
    assert train() == 1
