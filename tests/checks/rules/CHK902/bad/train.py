path = "/home/ann/data.csv"  # paved: ignore[REP204] until we moved until 2020-01-31
