from sklearn.linear_model import LinearRegression


def train(X, y):
    return LinearRegression().fit(X, y)
