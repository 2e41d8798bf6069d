path = "/home/ann/data.csv"  # paved: ignore[REP204, absolute-path] the lab's only machine
other = "/home/ann/data.csv"  # paved: ignore[REP] the lab's only machine
