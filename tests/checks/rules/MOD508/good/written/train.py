from sklearn.linear_model import LinearRegression

model = LinearRegression().fit(X, y)
print(model.score(X, y))

with open("metrics.json", "w") as file:
    json.dump({"r2": model.score(X, y)}, file)
