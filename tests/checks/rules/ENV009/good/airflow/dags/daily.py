import pendulum
from airflow import DAG
