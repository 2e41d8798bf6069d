import sklearn.model_selection as ms
from sklearn.model_selection import *
from sklearn.model_selection import RepeatedKFold as Folds
from sklearn.model_selection import train_test_split as split
from sklearn import utils


def make(rows):
    head, tail = split(rows, test_size=0.2)
    ms.train_test_split(rows, random_state=None)
    KFold(5, shuffle=True)
    KFold(5, True)
    for train, test in Folds(
        n_splits=5,
        n_repeats=3,
    ).split(rows):
        print(train, test)
    return utils.shuffle(head), tail
