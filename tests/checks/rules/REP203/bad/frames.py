import pandas as pd

SEED = 7


def mixed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sample(frac=1).reset_index(drop=True)
