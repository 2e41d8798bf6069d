from sklearn.linear_model import LinearRegression

model = LinearRegression().fit(X, y)
print(model.score(X, y))

logger.info("r2 %s", model.score(X, y))
