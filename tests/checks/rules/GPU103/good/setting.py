import torch

device = "cuda"  # another one may be given on the command line
exec(open("configurator.py").read())
model = torch.nn.Linear(2, 1).to(device)


def build(where="cuda"):
    return torch.nn.Linear(2, 1).to(where)
