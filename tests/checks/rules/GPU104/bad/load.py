import torch
from torch import load


def restore(model, path):
    model.load_state_dict(torch.load(path))
    return model


def resume(model, path):
    checkpoint = torch.load(
        path,
        weights_only=True,  # no code
    )
    model.load_state_dict(checkpoint["model"])


whole = load("model.pt")
