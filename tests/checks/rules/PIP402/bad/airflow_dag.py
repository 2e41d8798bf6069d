from airflow import DAG

DEFAULTS = {
    "owner": "pricing",
    "email": ["pricing@example.org"],
}
dag = DAG("train", schedule="@daily", default_args=DEFAULTS)
short = DAG("score", schedule=None, default_args={"owner": "pricing"})
