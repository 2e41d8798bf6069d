import argparse

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--device", default="cuda")
args = parser.parse_args()
model = torch.nn.Linear(2, 1).to(args.device)
print(model, torch.zeros(2).cuda(args.gpu))
