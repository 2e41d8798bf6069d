import torch as t

DEVICE = t.device('cuda')
