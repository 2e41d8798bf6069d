from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler


def after(X, y):
    y = LabelEncoder().fit_transform(y)
    encoded = OneHotEncoder().fit_transform(X)
    X_train, X_test = train_test_split(encoded, y, random_state=7)[:2]
    scaler = StandardScaler()
    X_train = scaler.fit_transform(X_train)
    return X_train, scaler.transform(X_test)


def in_a_pipeline(X, y, model):
    return cross_val_score(make_pipeline(StandardScaler(), model), X, y)


def only_looked_at(X, y):
    scaled = StandardScaler().fit_transform(X)
    print(scaled.mean())
    return train_test_split(X, y, random_state=7)


def twice(X_train, X_val):
    scaled = StandardScaler().fit_transform(X_train)
    return train_test_split(scaled, random_state=7)


def picture(X_test, TSNE):
    return TSNE(2).fit_transform(X_test)


def other(scaled, y):
    return train_test_split(scaled, y, random_state=7)


def parts_of_a_part(X, y):
    a, b = train_test_split(X, random_state=7)
    a = StandardScaler().fit_transform(a)
    return train_test_split(a, random_state=7)


def given_anew(X, y, load):
    X = StandardScaler().fit_transform(X)
    X = load()
    return train_test_split(X, y, random_state=7)
