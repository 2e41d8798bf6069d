from prefect import flow


@flow
def train():
    pass


if __name__ == "__main__":
    train.serve(name="nightly", cron="0 3 * * *")
