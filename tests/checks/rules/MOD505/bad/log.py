import mlflow
import mlflow.xgboost as flavour
from mlflow import sklearn as mlsk

import pavedroad as paved

model = object()
mlflow.sklearn.log_model(model, name="churn")
flavour.log_model(model, artifact_path="churn")
mlsk.log_model(sk_model=model, name="churn", signature=None)
paved.Model(estimator=model, name="churn", signature=None)
mlflow.pyfunc.log_model(
    python_model=model,
    name="churn",
)
