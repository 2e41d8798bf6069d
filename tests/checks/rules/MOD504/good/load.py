import joblib
import torch

OPTIONS = {"weights_only": True}
state = torch.load("model.pt", weights_only=True)
trusted = torch.load("ours.pt", weights_only=False)
passed_on = torch.load("model.pt", **OPTIONS)
jitted = torch.jit.load("model.pt")
other = joblib.load("model.joblib")
