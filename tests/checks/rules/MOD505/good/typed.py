import mlflow
import pavedroad as paved

paved.Model(estimator=object(), example=[[1.0]])
paved.Model(**{"estimator": object(), "example": [[1.0]]})


class Scorer(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input


mlflow.pyfunc.log_model(python_model=Scorer(), name="scorer")
