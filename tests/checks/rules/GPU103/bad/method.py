import torch
from torch import nn

model = nn.Linear(2, 1).cuda()  # the big one
batch = torch.zeros(3, 2).cuda()
print(model(batch))
