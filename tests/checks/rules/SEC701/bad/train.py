import boto3

client = boto3.client("s3", aws_access_key_id="AKIAQ3Z7KJW2MPD5XVLR")
DB_PASSWORD = "kT9wqLz2vB7n"
