import torch

model = torch.nn.Linear(2, 1).to("cuda:0")
rows = torch.zeros(
    3,
    2,
    device="cuda",
)
print(model(rows))
