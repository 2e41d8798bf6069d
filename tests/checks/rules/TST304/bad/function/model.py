def predict_churn(rows):
    return [0.3 for _ in rows]
