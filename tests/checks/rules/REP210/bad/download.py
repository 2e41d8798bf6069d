from urllib.request import urlretrieve

import pandas as pd
import polars as pl

BASE: str = "https://example.org/rides"
URL = BASE + "/latest.parquet"


def load(month):
    rides = pd.read_csv("https://example.org/rides/latest.csv")
    more = pl.scan_parquet(URL)
    urlretrieve(f"https://example.org/{month}.zip", "month.zip")
    return rides, more, pd.read_json(path_or_buf="x.json"), pd.read_excel(io="http://example.org/zones.xlsx")
