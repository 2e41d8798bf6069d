import mlflow
import mlflow.sklearn
from mlflow.models import infer_signature

model, X, options = object(), [[1.0]], {"input_example": [[1.0]]}
mlflow.sklearn.log_model(model, name="churn", input_example=X)
mlflow.sklearn.log_model(model, name="churn", signature=infer_signature(X))
mlflow.sklearn.log_model(model, "churn", **options)
mlflow.transformers.log_model(model, name="chat")
mlflow.langchain.log_model(model, name="chain")
mlflow.sklearn.autolog(log_input_examples=True)


class Store:
    def log_model(self, model):
        return model


Store().log_model(model)
