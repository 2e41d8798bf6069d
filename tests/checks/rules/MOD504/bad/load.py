import torch
from torch import load as read

state = torch.load("model.pt", map_location="cpu")
other = read(
    "other.pt",
)
