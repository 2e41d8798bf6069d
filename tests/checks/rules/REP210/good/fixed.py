import pandas as pd

COMMIT = "https://raw.githubusercontent.com/acme/rides/0123456789abcdef0123456789abcdef01234567/rides.csv"
rides = pd.read_csv(COMMIT)
zones = pd.read_csv("https://example.org/v1.2/zones.csv")
papers = pd.read_csv("https://zenodo.org/record/12345/files/papers.csv")
numbered = pd.read_csv("https://www.openml.org/data/get_csv/16826755/titanic")
ours = pd.read_csv("http://localhost:8000/rides.csv")
local = pd.read_csv("data/rides.csv")


def load(path):
    return pd.read_csv(path)
