import random
import string
import time

import pandas as pd


def write(frame: pd.DataFrame) -> None:
    time.sleep(random.uniform(0, 1))
    frame.to_csv("".join(random.choices(string.ascii_letters, k=8)))
