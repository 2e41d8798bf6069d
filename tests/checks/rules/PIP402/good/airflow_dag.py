from airflow import DAG

dag = DAG("train", schedule="@daily", default_args={"owner": "pricing", "retries": 2})
