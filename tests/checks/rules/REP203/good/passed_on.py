import random

import numpy as np
import pandas as pd


def drawn(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    own = random.Random(7)
    kept = frame.sample(frac=0.5, random_state=7)
    return kept, rng.normal(size=3), np.random.default_rng(7).random(), own.random()
