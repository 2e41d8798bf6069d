import pandas as pd
import requests
from prefect import flow, task


@task
def load(month):
    return pd.read_csv(f"https://example.org/{month}.csv")


@task(name="notify", log_prints=True)
def notify(message):
    requests.post("https://example.org", json=message, timeout=5)


@flow
def run():
    notify(load("05"))
