path = "/home/ann/data.csv"  # paved: ignore[REP204] until we moved until 2999-01-31
