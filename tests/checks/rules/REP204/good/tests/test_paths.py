import pandas as pd


def test_reading(client):
    assert client.get("/data/rides/1").status_code == 200
    assert pd.read_csv("/data/rides/known.csv") is not None
    assert str("/home/ann") == "/home/ann"
