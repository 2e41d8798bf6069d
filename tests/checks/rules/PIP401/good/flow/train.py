from prefect import flow

if __name__ == "__main__":
    print(1)
