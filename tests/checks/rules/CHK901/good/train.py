path = "/home/ann/data.csv"  # paved: ignore[REP204] the lab's only machine
text = "# paved: ignore[REP204]"
# paved: ignore[REP204] the lab's only machine, until 2999-12-31
path = "/home/ann/data.csv"
