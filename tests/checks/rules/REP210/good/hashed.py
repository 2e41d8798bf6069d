import hashlib
from urllib.request import urlretrieve

path, _ = urlretrieve("https://example.org/rides.csv")
with open(path, "rb") as file:
    assert hashlib.sha256(file.read()).hexdigest() == "5f2d"
