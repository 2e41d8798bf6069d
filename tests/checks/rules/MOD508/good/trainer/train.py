import torch
from transformers import Trainer

trainer = Trainer(model=net)
trainer.train()
loss.backward()
