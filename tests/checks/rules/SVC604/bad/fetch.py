from urllib.request import urlopen

import requests
from requests import post

URL = "https://example.org/rides"
rows = requests.get(URL).json()
answer = post(
    URL,
    json={"rows": 1},
)
requests.request("GET", URL, timeout=None)
session = requests.Session()
page = session.get(URL, params={"page": 1})
with requests.Session() as other:
    other.post(URL)
text = urlopen(URL).read()
