import torch

model = torch.nn.Linear(2, 1).to("cuda")
