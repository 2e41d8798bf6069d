import torch

for batch in batches:
    loss = net(batch)
    loss.backward()
    torch.save(net.state_dict(), "net.pt")
