import json

import torch

state = torch.load("model.pt", map_location="cpu")
same = torch.load("model.pt", "cpu")
options = {"map_location": "cpu"}
other = torch.load("model.pt", **options)
rows = json.load(open("rows.json"))
if torch.cuda.is_available():
    fast = torch.load("model.pt")
