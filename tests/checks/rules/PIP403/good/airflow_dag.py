from airflow import DAG

ABOUT = {"owner": "pricing", "email": ["pricing@example.org"]}
first = DAG("train", schedule="@daily", default_args=ABOUT)
by_hand = DAG("once", schedule=None, default_args={"owner": "airflow"})
called_back = DAG("score", schedule="@daily", default_args={"owner": "pricing"}, on_failure_callback=print)
