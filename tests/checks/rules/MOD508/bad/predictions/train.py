from sklearn.linear_model import LinearRegression

model = LinearRegression().fit(X, y)
print(model.score(X, y))

results = model.predict(X)
results.to_csv("predicted.csv")
