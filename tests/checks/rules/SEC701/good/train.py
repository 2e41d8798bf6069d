import os

import boto3

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
client = boto3.client("s3", aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"])
password = "change-me-please-1"
api_key = os.getenv("API_KEY", "your-api-key-2024")
token = "bert-base-uncased-v2"
secret_name = "rides/production/database"
tokenizer = "sentence-transformers/all-MiniLM-L6-v2"
url = f"postgresql://{user}:{password}@{host}/rides"
local = "postgresql://postgres:postgres@localhost/rides"
