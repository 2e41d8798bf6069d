import requests
from celery import task


@task
def load():
    return requests.get("https://example.org", timeout=5)
