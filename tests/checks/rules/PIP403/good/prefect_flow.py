from prefect import flow


def notify(flow, run, state):
    print(state)


@flow(on_failure=[notify])
def train():
    pass


if __name__ == "__main__":
    train.serve(name="nightly", cron="0 3 * * *")
