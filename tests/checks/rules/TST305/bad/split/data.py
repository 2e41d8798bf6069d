import polars as pl


def load():
    return pl.read_parquet("rides.parquet")
