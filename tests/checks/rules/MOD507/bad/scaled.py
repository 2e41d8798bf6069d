import pandas as pd
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.preprocessing import StandardScaler


def inline(X, y):
    scaled = pd.DataFrame(StandardScaler().fit_transform(X), columns=X.columns)
    return train_test_split(scaled, y, random_state=7)


def by_name(frame):
    scaler = StandardScaler()
    frame[["age"]] = scaler.fit_transform(frame[["age"]])
    X, y = frame.drop(columns="churn"), frame["churn"]
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=7)
    return X_train, X_test


def in_two_steps(X, y, model):
    chosen = SelectKBest(k=10)
    chosen.fit(X, y)
    X = chosen.transform(X)
    X = StandardScaler().fit(X).transform(X)
    return cross_val_score(model, X, y)


def again(X, y, other, vectorizer=None):
    a, b = train_test_split(X, random_state=7)
    scaled = StandardScaler().fit_transform(other).round(2)
    return train_test_split(scaled, random_state=7)


if True:
    rows = PCA(3).fit_transform(table)
    parts = train_test_split(rows, random_state=7)
