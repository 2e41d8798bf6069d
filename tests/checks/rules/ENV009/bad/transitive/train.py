import mlflow
import requests
