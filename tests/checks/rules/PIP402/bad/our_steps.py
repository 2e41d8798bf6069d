import boto3
import pavedroad as paved


@paved.step
def load():
    return boto3.client("s3").get_object(Bucket="rides", Key="05.csv")
