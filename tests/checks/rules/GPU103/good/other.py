from somewhere import engine

engine.cuda()
engine.to("cuda")
