path = "/home/ann/data.csv"  # paved: ignore[REP204]
path = "/home/ann/data.csv"  # paved: ignore
