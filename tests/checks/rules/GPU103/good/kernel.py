import torch
import triton

rows = torch.zeros(2, device="cuda")
