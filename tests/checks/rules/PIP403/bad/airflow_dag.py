from airflow import DAG
from airflow.decorators import dag

first = DAG("train", schedule="@daily", default_args={"owner": "airflow", "retries": 2})
second = DAG("score", schedule_interval="@hourly", default_args={"owner": "pricing"})


@dag(schedule="@weekly")
def third():
    pass
