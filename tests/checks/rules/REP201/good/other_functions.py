import random

from datasets import load_dataset


def train_test_split(rows):
    return rows[:8], rows[8:]


def shuffle(rows):
    return sorted(rows)


train_test_split([1, 2])
shuffle([1, 2])
random.shuffle([1, 2])
load_dataset("rides")["train"].train_test_split(test_size=0.1, seed=7)
