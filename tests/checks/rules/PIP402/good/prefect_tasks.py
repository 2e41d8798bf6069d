import pandas as pd
import requests
from prefect import task

OPTIONS = {"retries": 3}


@task(retries=3, retry_delay_seconds=10)
def load(month):
    return pd.read_csv(f"https://example.org/{month}.csv")


@task(**OPTIONS)
def notify(message):
    requests.post("https://example.org", json=message, timeout=5)


@task
def waits():
    for _ in range(3):
        try:
            return requests.get("https://example.org", timeout=5)
        except OSError:
            continue


@task
def takes_all():
    try:
        requests.get("https://example.org", timeout=5)
    except Exception as error:
        print(error)


@task
def train(rows):
    return rows.mean(), pd.read_csv("local.csv"), pd.read_csv("http://localhost:9000/x.csv")


def plain():
    requests.get("https://example.org", timeout=5)
