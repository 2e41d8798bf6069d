import pandas as pd

pd.read_csv("/data/rides/today.csv")
open("/models/rides.onnx")
