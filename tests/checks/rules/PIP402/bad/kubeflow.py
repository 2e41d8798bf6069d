from kfp import dsl


@dsl.pipeline(name="train")
def train():
    load = load_op()
    fit_op(load.output)
