path = "/home/ann/data.csv"  # paved: ignore[RPE204] the lab's only machine
