from urllib.request import urlopen

import httpx
import requests

URL = "https://example.org/rides"
rows = requests.get(URL, timeout=30).json()
requests.post(URL, **options)
session = requests.Session()
session.get(URL, timeout=(3, 30))
settings = {"a": 1}
settings.get("a")
httpx.get(URL)
text = urlopen(URL, None, 30).read()


def run(client):
    return client.get(URL)
