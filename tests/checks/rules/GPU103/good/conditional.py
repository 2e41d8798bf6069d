import torch


def build(use_cuda):
    model = torch.nn.Linear(2, 1)
    if use_cuda:
        model = model.cuda()
    return model
